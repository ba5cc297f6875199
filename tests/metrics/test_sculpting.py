from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.classification import auc, rejection
from calovision.metrics.sculpting import auc_in_bins, jensen_shannon, sculpting, threshold


def jets(n=20_000, seed=1):
    """Labels, masses that depend on the label, and pure noise."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    return label, rng.gamma(10.0, 2.0 + 0.3 * (1 - label)), rng.normal(size=n)


def test_divergence_by_its_definition():
    rng = np.random.default_rng(0)
    p, q = (x / x.sum() for x in (rng.poisson(5, 30) + 0.1, rng.poisson(9, 30) + 0.1))
    middle = (p + q) / 2
    expected = (p * np.log2(p / middle) + q * np.log2(q / middle)).sum() / 2
    assert jensen_shannon(7 * p, 3 * q) == pytest.approx(expected)


def test_divergence_of_equal_and_disjoint_spectra():
    assert jensen_shannon(np.array([1.0, 3.0]), np.array([10.0, 30.0])) == pytest.approx(0)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 5.0])) == pytest.approx(1)


def test_threshold_is_the_one_of_the_rejection():
    label, _, noise = jets(1000)
    score = noise + label
    for efficiency in (0.3, 0.5, 1.0):
        cut = threshold(score, label, efficiency)
        assert (score[label == 1] >= cut).mean() == pytest.approx(efficiency, abs=2e-3)
        passed = (score[label == 0] >= cut).mean()
        assert rejection(score, label, efficiency) == pytest.approx(1 / passed)


def test_a_score_that_ignores_the_mass_reaches_the_floor():
    label, mass, noise = jets()
    found = sculpting(noise, label, mass, seed=1)
    assert found.floor is not None
    assert 0 < found.value < 3 * found.floor
    assert not found.higher_is_better


def test_the_floor_is_the_statistical_one():
    # a random half: 2 n JSD ln 2 is a chi-square of 19 degrees over 4, halved by the overlap
    label, mass, noise = jets()
    found = sculpting(noise, label, mass, seed=1)
    n_all = (label == 0).sum()
    n_pass = (noise[label == 0] >= threshold(noise, label)).sum()
    expected = 19 / (8 * math.log(2)) * (1 / n_pass - 1 / n_all)
    assert found.floor == pytest.approx(expected, rel=0.15)


def test_a_cut_on_the_mass_itself_has_the_analytic_divergence():
    label = np.repeat([0, 1], 10_000)
    mass = np.tile(np.linspace(10, 30, 10_000), 2)
    found = sculpting(-mass, label, mass, seed=1)
    # all gluons uniform, those that pass in the lower half: JSD = 1 - 3/4 log2(3) + 1/2
    assert found.value == pytest.approx(1.5 - 0.75 * math.log2(3), abs=1e-3)
    assert found.value > 100 * (found.floor or 0)


def test_the_error_is_the_scatter_of_independent_sets():
    def of(seed):
        label, mass, noise = jets(4000, seed)
        return sculpting(noise - 0.1 * mass, label, mass, seed=1, replicas=100)

    drawn = [of(seed) for seed in range(60)]
    scatter = np.std([m.value for m in drawn], ddof=1)
    assert np.mean([m.error for m in drawn]) == pytest.approx(scatter, rel=0.3)


def test_auc_in_bins_cuts_where_told():
    label, mass, noise = jets(4000)
    score = noise + label * (mass > 20)
    (low, mid, first), (_, high, second) = auc_in_bins(score, label, mass, [0, 20, 1000], seed=1)
    assert (low, mid, high) == (0, 20, 1000)
    assert abs(first.value - 0.5) < 4 * first.error
    inside = mass >= 20
    assert second.value == auc(score[inside], label[inside])
    assert second.value > 0.7


def test_bins_without_both_classes_are_left_out_and_the_last_edge_counts():
    found = auc_in_bins([0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1], [1, 1, 2, 3], [0, 1.5, 3], seed=1)
    assert [(low, high) for low, high, _ in found] == [(1.5, 3.0)]


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="ascend"):
        auc_in_bins([0.1, 0.2], [0, 1], [1, 2], [2, 1], seed=1)
    with pytest.raises(InputError, match="differ"):
        sculpting([0.1, 0.2], [0, 1], [1.0], seed=1)
    with pytest.raises(InputError, match="NaN"):
        sculpting([0.1, 0.2], [0, 1], [1.0, np.nan], seed=1)
    with pytest.raises(InputError, match="efficiency"):
        threshold([0.1, 0.2], [0, 1], 50)
