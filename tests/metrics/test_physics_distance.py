from __future__ import annotations

import warnings

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.physics_distance import (
    KERNEL_BATCHES,
    batch_sizes,
    fpd,
    fpd_spread,
    kpd,
)

#: fpd and kpd, each with its error, of jetnet 0.2.5 (numpy 2.4, scipy 1.17) with seed=7: of 20,000
#: events with its defaults, of 1,000 with min_samples=400, max_samples=1000, batch_size=1000.
#: The first pair differs by a power of 1.1, the second not at all.
JETNET = {
    (20_000, 1.1): (0.06346936797508887, 0.000515762156496107),
    (20_000, 1.0): (5.540533916617742e-05, 2.8509968504962197e-05),
    (1_000, 1.1): (0.0662258462496065, 0.0018355381463231045),
}
JETNET_KPD = {
    (20_000, 1.1): (0.031451855710688204, 0.0018501524278927023),
    (1_000, 1.1): (0.031170906997412207, 0.0029879937716103706),
}


def spread_evenly(n, start=0, power=1.0):
    """Five correlated columns of different scale, without a random number."""
    u = np.outer(np.arange(start + 1, start + n + 1), np.sqrt([2, 3, 5, 7, 11])) % 1
    x = -np.log1p(-u)
    x[:, 1] += 0.5 * x[:, 0]
    x[:, 2] = (u[:, 2] - 0.5) * 100
    return np.sign(x) * np.abs(x) ** power


def normal(n, seed, mean=0.0, scale=1.0, k=3):
    return np.random.default_rng(seed).normal(mean, scale, (n, k))


@pytest.mark.parametrize(("n", "power"), JETNET)
def test_the_frechet_distance_is_that_of_jetnet(n, power):
    drawn = np.random.default_rng(7)  # as jetnet draws
    metric = fpd(spread_evenly(n), spread_evenly(n, 50_000, power), seed=0, rng=drawn)
    assert (metric.value, metric.error) == pytest.approx(JETNET[n, power], rel=1e-6)
    assert not metric.higher_is_better


@pytest.mark.parametrize(("n", "power"), JETNET_KPD)
def test_the_kernel_distance_is_that_of_jetnet(n, power):
    drawn = [np.random.default_rng(7 + 1000 * b) for b in range(KERNEL_BATCHES)]  # as jetnet draws
    metric = kpd(spread_evenly(n), spread_evenly(n, 50_000, power), seed=0, batches=drawn)
    assert (metric.value, metric.error) == pytest.approx(JETNET_KPD[n, power], rel=1e-6)
    assert not metric.higher_is_better


def test_gaussians_have_the_distance_of_theory():
    """``|mu|^2 + sum (s_1 - s_2)^2`` for independent columns, each over its largest value."""
    x, y = normal(20_000, 1), normal(20_000, 2, mean=[1, 0, 0], scale=[1, 2, 1])
    largest = np.abs(x).max(axis=0)
    expected = (1 / largest[0]) ** 2 + ((2 - 1) / largest[1]) ** 2
    metric = fpd(x, y, seed=1)
    spread = fpd_spread(x, y, seed=1)
    assert abs(metric.value - expected) < 4 * spread
    assert spread < 0.03 * expected
    # 20,000 events: Var of a mean's and a width's difference, s^2 (1/n + 1/m) and half of it
    assert spread == pytest.approx(2 * np.hypot(0.1 / largest[0], 0.112 / largest[1]) / 50, rel=1)


def test_correlations_count_even_where_single_columns_agree():
    x, y, again = (normal(2000, i, k=2) for i in (1, 2, 3))
    y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    for distance in (fpd, kpd):
        assert distance(x, y, seed=1).value > 10 * abs(distance(x, again, seed=1).value)


def test_samples_of_one_distribution_are_zero_within_their_floor():
    """The finite sample leaves about (variance) (1/n + 1/m) for every column's mean."""
    x, y = normal(2000, 1), normal(2000, 2)
    variance = (1 / np.abs(x).max(axis=0) ** 2).sum()
    assert 0 <= fpd(x, y, seed=1).value < 5 * variance * 2 / 2000
    same = fpd(x, x, seed=1)
    assert same.value < 4 * same.error
    kernel = kpd(x, y, seed=1)
    assert abs(kernel.value) < 4 * kernel.error


def test_batches_are_those_of_jetnet_where_events_suffice_and_smaller_elsewhere():
    for many in (20_000, 10**6):
        assert [*batch_sizes(many)[[0, -1]]] == [20_000, 49_999]  # jetnet rounds down, too
    few = batch_sizes(1000)
    assert few[0] == pytest.approx(400, abs=1)
    assert few[-1] == pytest.approx(1000, abs=1)
    steps = np.diff(1 / few)
    assert np.allclose(steps, steps[0], rtol=0.05)


def test_fewer_events_give_the_same_distance_within_the_spread():
    whole = fpd(normal(20_000, 1), normal(20_000, 2, mean=1), seed=1).value
    x, y = normal(2000, 1), normal(2000, 2, mean=1)
    # the largest value, which normalises, is smaller in the smaller sample
    scale = (np.abs(x).max() / np.abs(normal(20_000, 1)).max()) ** 2
    assert fpd(x, y, seed=1).value * scale == pytest.approx(whole, rel=0.25)


def test_constant_observables_change_nothing_and_warn_of_nothing():
    x, y = normal(500, 1), normal(500, 2, mean=0.3)
    still = [np.column_stack([z, np.zeros(500)]) for z in (x, y)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fpd(*still, seed=1).value == pytest.approx(fpd(x, y, seed=1).value, rel=1e-4)
        apart = still[0], still[1] + [0, 0, 0, 2]
        assert fpd(*apart, seed=1).value == pytest.approx(fpd(x, y, seed=1).value + 4, rel=1e-4)
        assert kpd(*apart, seed=1).value > kpd(*still, seed=1).value
        blank = np.zeros((100, 3))
        assert fpd(blank, blank, seed=1).value == pytest.approx(0, abs=1e-4)
        assert kpd(blank, blank, seed=1).value == 0


def test_the_seed_decides():
    x, y = normal(300, 1), normal(300, 2)
    assert fpd(x, y, seed=3) == fpd(x, y, seed=3)
    assert kpd(x, y, seed=3) != kpd(x, y, seed=4)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (normal(49, 1), normal(100, 1), "true events: a table of shape .49, 3"),
        (normal(90, 1), normal(90, 1, k=2), "generated events: a table of shape .90, 2"),
        (normal(90, 1)[:, 0], normal(90, 1), "true events: a table of shape .90,"),
        (normal(90, 1), np.full((90, 3), np.nan), "NaN"),
    ],
)
def test_bad_samples_are_refused(x, y, says):
    for distance in (fpd, kpd, fpd_spread):
        with pytest.raises(InputError, match=says):
            distance(x, y, seed=1)
