from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.bootstrap import (
    bootstrap,
    bootstrap_sums,
    event_weights,
    mean_metric,
    paired_difference,
)
from calovision.metrics.value import Definition


def test_event_weights_draw_n_events():
    drawn = list(event_weights(17, seed=3, replicas=5))
    assert all(w.shape == (17,) and w.sum() == 17 for w in drawn)


def test_bootstrap_error_of_a_fraction_is_binomial():
    n, p = 4000, 0.3
    passed = (np.arange(n) < p * n).astype(float)
    error = bootstrap_sums(passed, lambda total: total / n, seed=1, replicas=1000)
    assert error == pytest.approx(math.sqrt(p * (1 - p) / n), rel=0.07)


def test_bootstrap_is_reproduced_by_its_seed():
    values = np.random.default_rng(0).normal(size=100)

    def mean(weights):
        return weights @ values / weights.sum()

    assert bootstrap(mean, 100, seed=5) == bootstrap(mean, 100, seed=5)
    assert bootstrap(mean, 100, seed=5) != bootstrap(mean, 100, seed=6)


def test_mean_has_the_standard_error():
    metric = mean_metric([1.0, 2.0, 3.0, 4.0], Definition("energy", unit="GeV"))
    assert (metric.value, metric.unit) == (2.5, "GeV")
    assert metric.error == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)


def test_paired_difference_cancels_what_the_events_share():
    rng = np.random.default_rng(1)
    common = rng.normal(0, 10, 2000)
    a, b = common + 1, common + rng.normal(0, 0.1, 2000)
    difference = paired_difference(a, b, seed=2)
    assert difference.value == pytest.approx(1, abs=0.02)
    assert difference.error == pytest.approx(0.1 / math.sqrt(2000), rel=0.2)


def test_paired_difference_of_a_ratio_of_sums():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    b = np.array([[1.0, 4.0], [1.0, 4.0]])
    difference = paired_difference(a, b, lambda t: t[0] / t[1], seed=1)
    assert difference.value == pytest.approx(4 / 6 - 2 / 8)


def test_unequal_numbers_of_events_are_refused():
    with pytest.raises(InputError, match="differ"):
        paired_difference(np.ones(3), np.ones(4), seed=1)
    with pytest.raises(InputError, match="no events"):
        mean_metric([])
