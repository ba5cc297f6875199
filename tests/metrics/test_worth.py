from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.worth import BINS, events_worth


def uniform(n: int, seed: int, k: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((n, k))


def tilted(n: int, seed: int, slope: float, k: int = 3) -> np.ndarray:
    """Density ``1 + slope (2 x - 1)`` on [0, 1], whose chi^2 to a uniform one is slope^2 / 3."""
    u = np.random.default_rng(seed).random((n, k))
    found = (slope - 1 + np.sqrt((1 - slope) ** 2 + 4 * slope * u)) / (2 * slope)
    return np.asarray(found)


def test_a_known_bias_is_worth_a_known_number() -> None:
    real, other = uniform(40_000, 1), tilted(40_000, 2, 0.3)
    x = (np.arange(BINS) + 0.5) / BINS
    ratio = 1 + 0.3 * (2 * x - 1)
    chi = np.mean((ratio - 1) ** 2 / ((1 + ratio) / 2))
    found = events_worth(real, other, seed=1)
    assert found.value == pytest.approx((BINS - 1) / chi, rel=0.1)
    assert abs(found.value - (BINS - 1) / chi) < 4 * found.error
    assert found.unit == "events"


def test_a_sample_of_the_truth_drawn_again_and_again_is_worth_itself() -> None:
    """A generator that repeats ``N`` true events is worth about ``N``, however many it makes."""
    rng = np.random.default_rng(3)
    few = uniform(500, 4, k=10)
    found = events_worth(uniform(20_000, 5, k=10), few[rng.integers(0, 500, 20_000)], seed=1)
    assert found.value == pytest.approx(500, rel=0.35)


def test_equal_samples_are_worth_more_than_they_can_tell() -> None:
    found = events_worth(uniform(5000, 1), uniform(5000, 2), seed=1)
    assert found.value > 5000
    assert found.error <= found.value
    shifted = events_worth(uniform(5000, 1), uniform(5000, 2) + 0.2, seed=1)
    assert shifted.value < 100


def test_discrete_and_constant_observables() -> None:
    rng = np.random.default_rng(1)
    real, other = rng.poisson(2, (3000, 1)), rng.poisson(3, (3000, 1))
    assert events_worth(real, other, seed=1).value < 60
    with_constant = [np.column_stack([t, np.full(3000, 2.0)]) for t in (real, other)]
    one, two = events_worth(real, other, seed=1), events_worth(*with_constant, seed=1)
    assert two.value == pytest.approx(one.value)
    assert events_worth(np.ones((200, 1)), np.ones((150, 1)), seed=1).value == 150


def test_weights_leave_events_out() -> None:
    real, other = uniform(4000, 1), np.concatenate([uniform(4000, 2), tilted(4000, 3, 0.9)])
    weight = np.repeat([1.0, 0.0], 4000)
    weighted = events_worth(real, other, seed=1, weights=(None, weight))
    assert weighted.value > 10 * events_worth(real, other, seed=1).value
    with pytest.raises(InputError, match="at least 100"):
        events_worth(real[:50], other, seed=1)
