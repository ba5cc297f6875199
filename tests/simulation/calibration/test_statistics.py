from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.simulation.calibration.statistics import (
    CHANNELS,
    QUANTITIES,
    Statistic,
    measured,
    quantities,
)

VALUES = np.random.default_rng(1).gamma(4.0, 5.0, 3000)
EXPECTED: dict[Statistic, float] = {
    "mean": VALUES.mean(),
    "sd": VALUES.std(),
    "p5": np.quantile(VALUES, 0.05),
    "p50": np.quantile(VALUES, 0.5),
    "p95": np.quantile(VALUES, 0.95),
}


def test_quantities_are_those_of_dense_images(simulated: Events) -> None:
    few = simulated[:20]
    dense = few.to_dense("image")
    found = quantities(few)
    assert tuple(found) == QUANTITIES
    for i, name in enumerate(CHANNELS):
        np.testing.assert_array_equal(found[f"pixels_{name}"], (dense[:, i] > 0).sum((1, 2)))
        mean = 1e5 * dense[:, i].mean((1, 2))
        np.testing.assert_allclose(found[f"mean_pixel_{name}"], mean, rtol=1e-4)
    np.testing.assert_array_equal(found["pixels_any"], (dense > 0).any(1).sum((1, 2)))


@pytest.mark.parametrize("statistic", EXPECTED)
def test_statistics_and_errors_are_numpys_and_the_bootstraps(statistic: Statistic) -> None:
    random = np.random.default_rng(2)
    value, error = measured(VALUES, np.ones(len(VALUES)), statistic)
    assert value == pytest.approx(EXPECTED[statistic], rel=2e-3)
    again = [
        measured(random.choice(VALUES, len(VALUES)), np.ones(len(VALUES)), statistic)[0]
        for _ in range(300)
    ]
    assert error == pytest.approx(np.std(again), rel=0.25)


@pytest.mark.parametrize("statistic", EXPECTED)
def test_a_weight_of_two_is_the_same_value_twice(statistic: Statistic) -> None:
    values = VALUES[:1000]
    weights = np.where(np.arange(1000) % 3, 1.0, 2.0)
    twice = np.repeat(values, weights.astype(int))
    one, error = measured(values, weights, statistic)
    other, _ = measured(twice, np.ones(len(twice)), statistic)
    assert one == pytest.approx(other, abs=0.3 * error)
