"""Simulated crops against what is published of the public set and of 200 of its crops."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, NS_PER_UNIT
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.measure import measured
from calovision.simulation.egamma.particles import PEAK, draw

EACH = 800  #: crops of either class


@pytest.fixture(scope="module")
def crops() -> Events:
    particles = draw(EACH, EACH, np.random.default_rng(5))
    return measured(particles, Fast().showers(particles, 5, np.inf), 5)


def test_units() -> None:
    assert EGAMMA_CROPS.channels[0].gev_per_unit == 50.0
    assert NS_PER_UNIT == 50.0


def test_pixels_of_the_whole_set(crops: Events) -> None:
    """Mean and standard deviation over all pixels of 318,720 public crops, image units."""
    energy, time = crops.to_dense("image").transpose(1, 0, 2, 3).astype(np.float64)
    assert energy.mean() == pytest.approx(0.0012193, rel=0.02)
    assert energy.std() == pytest.approx(0.0237124, rel=0.03)
    assert time.std() == pytest.approx(0.06739, rel=0.03)
    assert time.mean() == pytest.approx(-0.00026375, abs=4 * 0.0674 / np.sqrt(time.size))


def test_hits_are_as_soft_as_real_ones(crops: Events) -> None:
    """8 and 16 % of the hits of 100 real crops lie below 20 and 39 MeV."""
    energy = crops.to_dense("gev")[:, 0]
    hits = energy[energy > 0]
    assert (hits < 0.020).mean() == pytest.approx(0.08, abs=0.01)
    assert (hits < 0.039).mean() == pytest.approx(0.16, abs=0.02)


def test_hottest_crystal_is_off_the_middle_as_often(crops: Events) -> None:
    """In 5 of 200 real crops."""
    energy = crops.to_dense("gev")[:, 0].reshape(len(crops), -1)
    off = (energy.argmax(axis=1) != PEAK * 32 + PEAK).mean()
    assert off == pytest.approx(0.025, abs=0.015)


@pytest.mark.parametrize(
    ("label", "hits", "outside"), [(0, (45.2, 1.2), (8.5, 0.9)), (1, (51.2, 1.5), (12.7, 1.2))]
)
def test_number_of_hits(
    crops: Events, label: int, hits: tuple[float, float], outside: tuple[float, float]
) -> None:
    """Of 200 real crops, with the errors of their means."""
    lit = crops[crops.label == label].to_dense("gev")[:, 0] > 0
    total = lit.sum(axis=(1, 2))
    inside = lit[:, PEAK - 4 : PEAK + 5, PEAK - 4 : PEAK + 5].sum(axis=(1, 2))
    assert total.mean() == pytest.approx(hits[0], abs=2 * hits[1])
    assert (total - inside).mean() == pytest.approx(outside[0], abs=2 * outside[1])
