from __future__ import annotations

from pathlib import Path

import numpy as np

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.studies.artifacts import save_distributions, save_examples, save_latent


def test_latent_map_finds_the_direction_that_varies(tmp_path: Path, toy_jets: Events) -> None:
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=len(toy_jets))
    latent = np.stack([hidden, hidden, hidden, rng.normal(size=len(hidden))], 1)
    constant = np.ones((len(hidden), 1))
    save_latent(tmp_path, toy_jets, np.hstack([latent, constant]).astype(np.float32))
    found = np.load(tmp_path / "latent.npz")
    first = found["coordinates"][:, 0]
    assert abs(np.corrcoef(first, hidden)[0, 1]) > 0.98
    assert np.array_equal(found["multiplicity"], toy_jets.counts().sum(1))


def test_examples_show_both_classes_in_turn(tmp_path: Path, toy_jets: Events) -> None:
    for _ in range(2):  # a study that goes on writes them again
        save_examples(tmp_path, toy_jets, {"copy": toy_jets}, seed=1)
    original = EventStore.open(tmp_path / "examples" / "original").load()
    copy = EventStore.open(tmp_path / "examples" / "copy").load()
    assert original.label.tolist() == [0, 1] * 6
    assert np.array_equal(original.value, copy.value)


def test_responses_of_a_perfect_copy_are_one(tmp_path: Path, toy_jets: Events) -> None:
    save_distributions(tmp_path, toy_jets, {"copy": toy_jets})
    responses = np.load(tmp_path / "responses.npz")
    assert set(responses) == {"track/copy", "ecal/copy", "hcal/copy"}
    assert np.allclose(responses["ecal/copy"], 1)
    assert "girth_ecal/original" in np.load(tmp_path / "distributions.npz")
