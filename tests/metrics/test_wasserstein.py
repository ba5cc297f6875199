from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from calovision.errors import InputError
from calovision.metrics.wasserstein import w1, w1_hits, w1_spectra


def test_a_shift_is_the_distance():
    x = np.random.default_rng(0).normal(size=500)
    metric = w1(x, x + 0.7, paired=True, seed=1)
    assert metric.value == pytest.approx(0.7)
    # every event moves by the same amount: nothing to be uncertain about but the binning
    assert metric.error < 0.02
    assert not metric.higher_is_better


def test_error_matches_the_scatter_between_samples():
    rng = np.random.default_rng(2)
    pairs = [(rng.normal(size=1000), rng.normal(1, 1, size=1000)) for _ in range(40)]
    scatter = np.std([wasserstein_distance(a, b) for a, b in pairs], ddof=1)
    assert w1(*pairs[0], seed=1).error == pytest.approx(scatter, rel=0.35)


def test_hits_of_an_event_are_drawn_together():
    rng = np.random.default_rng(3)
    level = rng.normal(size=200)
    hits = np.repeat(level, 50)
    owner = np.repeat(np.arange(200), 50)
    other = np.zeros(200)
    together = w1(hits, other, owner_a=owner, seed=1).error
    apart = w1(hits, np.zeros(len(hits)), seed=1).error
    assert together > 4 * apart


def test_identical_sets_have_no_distance(toy_jets):
    found = w1_hits(toy_jets, toy_jets, paired=True, seed=1)
    assert set(found) == {
        f"w1_{kind}_{channel}"
        for kind in ("hit_energy", "n_hit")
        for channel in ("track", "ecal", "hcal")
    }
    assert all(m.value == 0 and m.error == 0 for m in found.values())
    assert found["w1_hit_energy_ecal"].unit == "GeV"


def test_hit_spectra_by_definition(toy_jets, smeared, blank):
    found = w1_hits(toy_jets, smeared, paired=True, seed=1)
    mine = toy_jets.channel == 2
    expected = wasserstein_distance(toy_jets.energy[mine], smeared.energy[mine])
    assert found["w1_hit_energy_hcal"].value == pytest.approx(expected)
    assert found["w1_n_hit_hcal"].value == 0
    empty = w1_hits(toy_jets, blank, paired=True, seed=1)
    assert empty["w1_n_hit_ecal"].value == pytest.approx(toy_jets.counts()[:, 1].mean())
    assert empty["w1_hit_energy_hcal"].value == pytest.approx(
        toy_jets.energy[mine].mean(), rel=1e-4
    )


def test_bad_samples_are_refused():
    with pytest.raises(InputError, match="not finite"):
        w1(np.array([1.0, np.nan]), np.ones(2), seed=1)
    with pytest.raises(InputError, match="differ"):
        w1(np.ones(2), np.ones(3), paired=True, seed=1)


def test_spectra_of_events_are_those_of_their_values() -> None:
    """Histograms of one entry an event have the W1 of the entries, and its error."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 30, 400), rng.integers(2, 34, 300)
    tables = [np.eye(40)[values] for values in (a, b)]
    found, known = w1_spectra(*tables, 0.5, seed=1), w1(a / 2, b / 2, seed=1)
    assert found.value == pytest.approx(known.value)
    assert found.error == pytest.approx(known.error, rel=0.2)
    weight = rng.integers(1, 4, 400)
    weighted = w1_spectra(*tables, 0.5, seed=1, weights=(weight.astype(float), None))
    repeated = w1_spectra(np.repeat(tables[0], weight, 0), tables[1], 0.5, seed=1)
    assert weighted.value == pytest.approx(repeated.value)
    assert w1_spectra(tables[0], 3 * tables[0], 0.5, seed=1).value == pytest.approx(0)
