from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from calovision.errors import InputError
from calovision.metrics.explanation import explained_by_trees, spearman


@pytest.fixture(autouse=True)
def one_thread():
    """Trees of a few events spend their time waiting for threads where tests run in parallel."""
    with threadpool_limits(1):
        yield


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=30))
def test_spearman_equals_scipy_also_with_ties(pairs):
    a, b = np.array(pairs, float).T
    if np.ptp(a) and np.ptp(b):
        found = spearman(a, b, seed=1, replicas=2).value
        assert found == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_of_a_gaussian_pair_and_its_error():
    rng = np.random.default_rng(0)
    n, r = 4000, 0.6
    a = rng.normal(size=n)
    b = r * a + math.sqrt(1 - r * r) * rng.normal(size=n)
    found = spearman(np.exp(a), b, seed=1, replicas=400)
    expected = 6 / math.pi * math.asin(r / 2)
    assert abs(found.value - expected) < 4 * found.error
    # Bonett and Wright, Psychometrika 65 (2000) 23
    analytic = (1 - expected**2) * math.sqrt((1 + expected**2 / 2) / (n - 3))
    assert found.error == pytest.approx(analytic, rel=0.15)


def test_correlations_by_name_and_a_constant():
    x = np.arange(50.0)
    observables = {"up": x**3, "down": -x, "flat": np.ones(50)}
    found = {name: spearman(x, values, seed=1) for name, values in observables.items()}
    assert [found["up"].value, found["down"].value] == pytest.approx([1, -1])
    assert math.isnan(found["flat"].value)


def test_trees_find_what_the_score_is_made_of():
    rng = np.random.default_rng(1)
    n = 4000
    parts = {"large": rng.normal(size=n), "small": rng.normal(size=n), "none": rng.normal(size=n)}
    noise = rng.normal(size=n)
    score = 2 * parts["large"] + parts["small"] + noise
    found = explained_by_trees(score, parts, seed=1)
    # the noise is one sixth of the variance; trees lose a little
    assert 0.78 < found.r2.value < 5 / 6 + 3 * found.r2.error
    assert found.r2.error < 0.02
    # That of a correlation of two Gaussians, squared: 4 r^2 (1 - r^2)^2 / n, for half the events
    r2 = found.r2.value
    assert found.r2.error == pytest.approx(2 * math.sqrt(r2) * (1 - r2) / math.sqrt(n / 2), rel=0.3)
    assert list(found.importance) == ["large", "small", "none"]
    # shuffling an independent part costs twice its share of the variance
    assert found.importance["large"] == pytest.approx(2 * 4 / 6, abs=0.12)
    assert found.importance["small"] == pytest.approx(2 * 1 / 6, abs=0.06)
    assert abs(found.importance["none"]) < 0.02


def test_nothing_explains_noise():
    rng = np.random.default_rng(2)
    found = explained_by_trees(rng.normal(size=600), {"x": rng.normal(size=600)}, seed=1)
    assert found.r2.value < 0.05


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="differ"):
        spearman([1, 2, 3], [1, 2], seed=1)
    with pytest.raises(InputError, match="NaN"):
        spearman([1, 2, np.nan], [1, 2, 3], seed=1)
    with pytest.raises(InputError, match="explain nothing"):
        explained_by_trees(np.arange(10.0), {"x": np.arange(10.0)}, seed=1)
