from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.studies import runner
from calovision.studies.runner import (
    FINE_SEED,
    TEST_SEED,
    Description,
    Step,
    StudyFolder,
    differences,
    run,
)
from calovision.studies.trainings import Training


@dataclass(frozen=True)
class Scale:
    training: int
    test: int
    more: float
    pretrained: bool = False


SCALES = {"quick": Scale(12, 7, 0.5), "full": Scale(20, 9, 1.5)}
SCALES["fine"] = Scale(12, 7, 0.5, pretrained=True)


@dataclass
class Log:
    """What a study has done."""

    seeds: list[int]
    worked: list[str]
    compared: list[StudyFolder]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(runner, "report", lambda folders, page: page)
    return Log([], [], [])


Start = Callable[..., Any]


@pytest.fixture
def start(log: Log, make_jets: Callable[..., Events]) -> Start:
    """Begin or go on with a study of toys."""

    def simulate(path: Path, number: int, seed: int, **_: Any) -> EventStore:
        log.seeds.append(seed)
        return save(make_jets(number, seed), path, provenance={})

    def work(study: StudyFolder, training: Training) -> None:
        log.worked.append(training.label)
        (study.path / training.label).touch()

    def compare(study: StudyFolder) -> dict[str, Any]:
        log.compared.append(study)
        return {"models": [], "more": study.size.more}

    def start(out: Path, scale: str = "quick", seed: int = 3, study: str = "some-study") -> Any:
        description = Description(
            study,
            SCALES,
            compare,
            lambda comparison: [str(comparison["more"])],
            lambda size, seed: [
                Training(label, "", "", {"budget_s": budget})
                for label, budget in (("short", 1), ("long", 2), ("also-long", 2))
            ],
            [Step("work", work, lambda study, training: (study.path / training.label).exists())],
            simulate,
        )
        return run(description, out, scale=scale, seed=seed, workers=1, quiet=True)

    return start


def test_a_study_does_everything_once(tmp_path: Path, start: Start, log: Log) -> None:
    out = tmp_path / "study"
    comparison, page, lines = start(out)
    assert comparison == {"study": "some-study", "scale": "quick", "models": [], "more": 0.5}
    assert page == out / "report.html"
    assert lines == ["0.5"]
    assert log.seeds == [3, 3 + TEST_SEED]
    assert log.worked == ["long", "also-long", "short"]
    (folder,) = log.compared
    assert (len(folder.training), len(folder.test)) == (12, 7)
    assert start(out)[0] == comparison
    assert (len(log.seeds), len(log.worked), len(log.compared)) == (2, 3, 1)


def test_the_model_of_the_package_is_fine_tuned_on_events_of_no_other_seed(
    tmp_path: Path, start: Start, log: Log
) -> None:
    start(tmp_path / "study", scale="fine")
    assert log.seeds == [3 + FINE_SEED, 3 + TEST_SEED]


def test_what_is_missing_is_done_again(tmp_path: Path, start: Start, log: Log) -> None:
    start(tmp_path)
    (tmp_path / "long").unlink()
    (tmp_path / "comparison.json").unlink()
    start(tmp_path)
    assert log.worked[3:] == ["long"]
    assert len(log.compared) == 2


@pytest.mark.parametrize("other", [{"scale": "full"}, {"seed": 4}, {"study": "another"}])
def test_the_folder_of_another_study_is_refused(
    tmp_path: Path, start: Start, log: Log, other: dict[str, Any]
) -> None:
    start(tmp_path)
    with pytest.raises(InputError, match="another study"):
        start(tmp_path, **other)
    assert len(log.seeds) == 2


@pytest.mark.parametrize("name", ["jet-tagging", "symmetry", "all"])
def test_an_unknown_scale_leaves_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="quick, standard, full"):
        cv.study(name, out=tmp_path / "study", scale="enormous")
    assert not (tmp_path / "study").exists()


def test_a_damaged_scale_is_named(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"study": "egamma", "scale": ["quick"], "seed": 1}')
    with pytest.raises(InputError, match="no scale"):
        cv.study(out=tmp_path)


def test_differences_are_ours_minus_theirs() -> None:
    def result(model: str, value: float | None) -> dict[str, Any]:
        metrics = {"fpd": {"value": value, "error": 0.3}, model: {"value": 1, "error": 1}}
        return {"model": model, "metrics": metrics}

    (row,) = differences(result("a", 1.0), result("b", 3.0))
    assert (row["a"], row["b"], row["metric"], row["value"]) == ("a", "b", "fpd", -2.0)
    assert row["error"] == pytest.approx(0.3 * 2**0.5)
    assert differences(result("a", None), result("b", 3.0)) == []
