"""What a training says about itself: too little seen, nothing learned, a budget that was short."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from calovision.events.events import Events, concatenate
from calovision.events.store import EventStore, save
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.config import load_config
from calovision.models.taggers.calibration import auc_and_error
from calovision.models.taggers.transformer import TransformerTask
from calovision.models.train import train
from calovision.training.task import Batch

TINY = {"width": 8, "heads": 1, "hits": 8, "batch": 16, "truth": 0, "validation": 0.3}


def labelled(jets: Events, label: NDArray[np.int8]) -> Events:
    columns = {"label": label, "event_id": np.arange(len(jets))}
    return Events(jets.geometry, jets.offsets, jets.cell, jets.code, jets.value, columns)


def test_the_auc_and_its_error_are_those_of_the_books() -> None:
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 300)
    logits = np.round(rng.normal(label, 1.0), 1)  # with ties
    found = auc_and_error(logits, label)
    assert found is not None
    assert found[0] == pytest.approx(roc_auc_score(label, logits))
    # Hanley and McNeil's formula at an AUC of 1/2 gives that of the Wilcoxon test.
    ones, zeros = 40, 60
    flat = auc_and_error(np.zeros(100), np.repeat([1, 0], [ones, zeros]))
    assert flat == pytest.approx((0.5, np.sqrt((ones + zeros + 1) / (12 * ones * zeros))))
    assert auc_and_error(logits, np.ones(300)) is None


@pytest.mark.parametrize("learnable", [True, False])
def test_a_tagger_that_guesses_says_so(
    make_jets: Callable[..., Events], tmp_path: Path, learnable: bool
) -> None:
    jets = make_jets(160, 4)
    label = np.random.default_rng(3).integers(0, 2, len(jets)).astype(np.int8)
    if learnable:
        hardest = np.maximum.reduceat(jets.energy, jets.offsets[:-1])
        label = (hardest > np.median(hardest)).astype(np.int8)
    store = save(labelled(jets, label), tmp_path / "jets", provenance={})
    config = load_config("jet-tagger", overrides=TINY | {"epochs": 24, "learning_rate": 0.01})
    budget = train(config, store, tmp_path / "r", quiet=True).budget()
    assert any("no better than guessing" in line for line in budget["warnings"]) != learnable
    assert not any("of its training events" in line for line in budget["warnings"])
    assert budget["passes"] == pytest.approx(24, abs=0.1)


class _Stub(AutoencoderTask):
    """Reconstructs what it was given."""

    def __init__(self, events: Events, rebuilt: Events) -> None:
        super().__init__(events.geometry)
        self.rebuilt = rebuilt

    @classmethod
    def from_events(cls, config: Any, geometry: Any, train: Events) -> Any: ...

    @classmethod
    def from_state(cls, config: Any, geometry: Any, state: Any) -> Any: ...

    def graphs(self) -> Any: ...

    def codes(self, dataset: Any, chosen: Any) -> Any: ...

    def decode(self, codes: Any, chosen: Any) -> Any: ...

    @property
    def latent_numbers(self) -> int:
        return 1

    def dataset(self, events: Events) -> Any:
        return events

    def batch(self, dataset: Any, chosen: NDArray[np.int64]) -> Batch:
        return ()

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {}

    def bits(self, dataset: Any, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.zeros(len(chosen))

    def reconstruct(
        self, dataset: Any, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        return self.rebuilt[chosen], np.zeros((len(chosen), 1), np.float32)


def test_an_autoencoder_must_beat_a_blank_and_the_mean_image(
    make_jets: Callable[..., Events],
) -> None:
    jets = make_jets(60, 4)

    def scaled(by: float) -> Events:
        value = (jets.value * by).astype(np.float32)
        return Events(jets.geometry, jets.offsets, jets.cell, jets.code, value, jets.columns)

    def doubt(rebuilt: Events) -> str:
        return _Stub(jets, rebuilt).quality_warning(jets, jets)

    assert doubt(jets) == ""
    assert doubt(scaled(0.9)) == ""
    assert "no better than a blank image" in doubt(scaled(0.0))
    assert "no better than a blank image" in doubt(scaled(3.0))
    others = jets[np.roll(np.arange(len(jets)), 1)]
    assert "no better than the mean image" in doubt(others)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    """3,000 jets, some of them again and again."""
    jets = make_jets(300, 5)
    many = concatenate([jets] * 10)
    label = many.columns["label"]
    return save(labelled(many, label), tmp_path_factory.mktemp("d") / "jets", provenance={})


def test_a_budget_holds_on_a_set_that_takes_longer_to_prepare(
    large: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = TransformerTask.prepare

    def slow(self: TransformerTask, events: Events) -> Any:
        time.sleep(0.004 * len(events))  # all of them would take 12 s
        return prepare(self, events)

    monkeypatch.setattr(TransformerTask, "prepare", slow)
    config = load_config("jet-tagger", overrides=TINY | {"budget_s": 6, "validation": 0.2})
    begun = time.monotonic()
    budget = train(config, large, tmp_path / "r", quiet=True).budget()
    assert time.monotonic() - begun < 1.25 * 6 + 1.5
    assert budget["steps"] >= 10
    told = "\n".join(budget["warnings"])
    assert "training events were mixed" in told
    assert "the validation loss is of 125 events, not 600" in told
    assert "of its training events only" in told
