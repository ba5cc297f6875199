from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.studies import folder
from calovision.studies.folder import TEST_SEED, begin


@dataclass(frozen=True)
class Scale:
    training: int
    test: int
    more: float


SCALES = {"quick": Scale(12, 7, 0.5), "full": Scale(20, 9, 1.5)}


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch, make_jets: Callable[..., Events]) -> list[int]:
    """Toys in place of simulated jets, and the seeds that were asked for."""
    asked: list[int] = []

    def simulated(path: Path, number: int, seed: int, **_: Any) -> EventStore:
        asked.append(seed)
        return save(make_jets(number, seed), path, provenance={})

    monkeypatch.setattr(folder, "simulate_jets", simulated)
    return asked


def start(out: Path, scale: str = "quick", seed: int = 3, study: str = "some-study") -> Any:
    return begin(study, out, SCALES, scale, seed=seed, workers=1, quiet=True)


def test_jets_are_simulated_once_training_and_test_with_seeds_of_their_own(
    tmp_path: Path, seeds: list[int]
) -> None:
    size, training, test = start(tmp_path / "study")
    assert size is SCALES["quick"]
    assert (len(training), len(test)) == (12, 7)
    assert seeds == [3, 3 + TEST_SEED]
    _, again, _ = start(tmp_path / "study")
    assert again.hash == training.hash
    assert len(seeds) == 2


@pytest.mark.parametrize("other", [{"scale": "full"}, {"seed": 4}, {"study": "another"}])
def test_the_folder_of_another_study_is_refused(
    tmp_path: Path, seeds: list[int], other: dict[str, Any]
) -> None:
    start(tmp_path)
    with pytest.raises(InputError, match="another study"):
        start(tmp_path, **other)
    assert len(seeds) == 2


def test_an_unknown_scale_leaves_no_folder(tmp_path: Path, seeds: list[int]) -> None:
    with pytest.raises(InputError, match="quick, full"):
        start(tmp_path / "study", scale="enormous")
    assert not (tmp_path / "study").exists()
    assert not seeds
