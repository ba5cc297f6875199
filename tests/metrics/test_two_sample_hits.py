from __future__ import annotations

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.metrics import two_sample_hits
from calovision.metrics.two_sample_hits import classifier_auc_hits


def scaled(events: Events, factor: float) -> Events:
    value = (events.value * factor).astype(np.float32)
    return Events(events.geometry, events.offsets, events.cell, events.code, value, events.columns)


def test_different_hits_are_told_apart_and_the_same_are_not(make_jets):
    jets = make_jets(120, 31)
    assert classifier_auc_hits(jets, scaled(jets, 3), paired=True, seed=1).value > 0.95
    assert classifier_auc_hits(jets, jets, paired=True, seed=1, epochs=1).value == pytest.approx(
        0.5
    )


def test_blank_reconstructions_are_told_apart(toy_jets, blank):
    assert classifier_auc_hits(toy_jets, blank, paired=True, seed=1).value == 1


def test_the_seed_decides_and_global_randomness_is_untouched(toy_jets, make_jets):
    other = make_jets(64, 8)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = classifier_auc_hits(toy_jets, other, paired=False, seed=1, epochs=1)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(5)
    assert first == classifier_auc_hits(toy_jets, other, paired=False, seed=1, epochs=1)


def test_bad_samples_are_refused(toy_jets):
    with pytest.raises(InputError, match="differ"):
        classifier_auc_hits(toy_jets, toy_jets[:60], paired=True, seed=1)
    with pytest.raises(InputError, match="too few"):
        classifier_auc_hits(toy_jets[:9], toy_jets[:9], paired=True, seed=1)


def test_a_small_energy_shift_is_found_and_none_is_not(make_jets):
    """1,000 events are enough for 10 %; 3 % takes more (the best line would reach 0.65)."""
    first, second = make_jets(1000, 41), make_jets(1000, 42)
    same = classifier_auc_hits(first, second, paired=False, seed=1)
    assert abs(same.value - 0.5) < 4 * same.error
    moved = classifier_auc_hits(first, scaled(second, 1.1), paired=False, seed=1)
    assert moved.value > 0.65


def test_of_many_hits_the_hardest_are_looked_at(make_jets, monkeypatch):
    """Two samples that differ in their hardest hits alone, and two that do in the softest."""
    monkeypatch.setattr(two_sample_hits, "MAX_HITS", 20)
    jets = make_jets(120, 5)
    rank = np.empty(len(jets.value), int)
    rank[np.lexsort((-jets.energy, jets.owner))] = np.arange(len(rank))
    rank -= jets.offsets[jets.owner]
    for changed, low, high in ((rank < 10, 0.65, 1.0), (rank > 40, 0.45, 0.55)):
        factor = 1.5 if changed[rank == 0].all() else 0.5
        value = np.where(changed, jets.value * factor, jets.value).astype(np.float32)
        hot = Events(jets.geometry, jets.offsets, jets.cell, jets.code, value, jets.columns)
        assert low <= classifier_auc_hits(jets, hot, paired=True, seed=1).value <= high
