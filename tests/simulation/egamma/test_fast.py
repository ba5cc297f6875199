"""The parametrised engine: conservation, containment, field, conversions, reproducibility."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.features import shower_shapes as shapes
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.egamma import fast
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.particles import (
    BARREL_ROWS,
    CRYSTALS,
    ELECTRON,
    LAST_PEAK,
    MAX_ETA,
    PEAK,
    PHOTON,
    PT,
    Particles,
    Showers,
    draw,
)

EVENTS = 300  #: of each class


def same(label: int, charge: int, eta: float, n: int) -> Particles:
    phi = np.random.default_rng(n).uniform(-np.pi, np.pi, n)
    kind, sign = np.full(n, label, np.int8), np.full(n, charge, np.int8)
    return Particles(kind, sign, np.full(n, eta), phi, np.zeros(n))


@pytest.fixture(scope="module")
def made() -> tuple[Particles, Showers]:
    particles = draw(EVENTS, EVENTS, np.random.default_rng(1))
    return particles, Fast().showers(particles, 1, math.inf)


def test_drawn_particles_are_what_was_asked_for() -> None:
    particles = draw(4001, 4000, np.random.default_rng(2))
    assert np.bincount(particles.label).tolist() == [4001, 4000]
    assert set(particles.charge[particles.label == PHOTON]) == {0}
    positive = (particles.charge[particles.label == ELECTRON] == 1).mean()
    assert positive == pytest.approx(0.5, abs=0.04)
    assert np.abs(particles.eta).max() <= MAX_ETA
    assert particles.eta.std() == pytest.approx(MAX_ETA / math.sqrt(3), rel=0.03)
    assert particles.label[:4000].mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(particles.energy, PT * np.cosh(particles.eta))
    meets = np.arcsinh(particles.z / CMS_BARREL.ecal_radius + np.sinh(particles.eta))
    assert np.abs(meets).max() <= LAST_PEAK * CMS_BARREL.crystal_eta
    assert particles.z.std() == pytest.approx(CMS_BARREL.beam_spot_length, rel=0.05)


def test_energy_is_deposited_and_contained(made: tuple[Particles, Showers]) -> None:
    particles, showers = made
    share = showers.deposit / particles.energy
    assert share.max() < 1 + 1e-6
    assert share.mean() == pytest.approx(0.985, abs=0.01)
    inside = showers.crops.sum(axis=(1, 2)) / showers.deposit
    assert inside.max() < 1 + 1e-3  # single precision
    middle = np.abs(particles.eta) < 1
    photon = particles.label == PHOTON
    assert inside[middle & photon].mean() > 0.98
    assert np.median(inside[middle & ~photon]) > 0.95


def test_hottest_crystal_is_at_the_peak(made: tuple[Particles, Showers]) -> None:
    particles, showers = made
    flat = showers.crops.reshape(len(particles), -1)
    assert (flat.argmax(axis=1) == PEAK * 32 + PEAK).all()
    at = np.arcsinh(np.sinh(particles.eta) + particles.z / CMS_BARREL.ecal_radius)
    away = showers.row + 0.5 - at / CMS_BARREL.crystal_eta
    assert np.median(np.abs(away)) < 0.5
    assert (np.abs(showers.row + 0.5) < BARREL_ROWS).all()


def test_every_crop_lies_in_the_barrel() -> None:
    particles = same(PHOTON, 0, (LAST_PEAK + 0.5) * CMS_BARREL.crystal_eta, 200)
    showers = Fast().showers(particles, 3, math.inf)
    rows = showers.row[:, None] + np.arange(32) - PEAK
    assert (rows < BARREL_ROWS).all()
    assert (np.abs(showers.row) <= LAST_PEAK).all()
    assert (showers.row == LAST_PEAK).mean() > 0.2
    beyond = Fast().showers(same(PHOTON, 0, 1.25, 20), 3, math.inf)  # peaks at the last row allowed
    assert (beyond.row <= LAST_PEAK).all()


def test_tilted_crystals_widen_showers(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the geometry: behind a depth, lines are off a tilted crystal by depth times tilt."""
    widths = {}
    particles = same(PHOTON, 0, 0.8, 300)
    particles.z[:] = np.random.default_rng(1).uniform(-20.0, 20.0, 300)
    for tilt in (0.0, CRYSTALS.ecal_tilt, 2 * CRYSTALS.ecal_tilt):
        monkeypatch.setattr(fast, "DETECTOR", fast.DETECTOR._replace(ecal_tilt=tilt))
        showers = Fast().showers(particles, 4, math.inf)
        widths[tilt] = shapes.e1_e25(showers.crops[~showers.converted]).mean()
    assert widths[0.0] > widths[CRYSTALS.ecal_tilt] + 0.01
    assert widths[CRYSTALS.ecal_tilt] > widths[2 * CRYSTALS.ecal_tilt] + 0.01


def test_radiation_lies_on_the_side_of_the_charge() -> None:
    """A positron bends towards smaller phi in this field; what it radiates lags behind."""
    means = {}
    for charge in (-1, 1):
        showers = Fast().showers(same(ELECTRON, charge, 0.8, 600), 4, math.inf)
        mostly_itself = (showers.brem > 0.1) & (showers.brem < 0.4)
        phi = showers.crops[mostly_itself].sum(axis=(0, 1))
        means[charge] = phi @ (np.arange(32) - PEAK) / phi.sum()
    assert means[1] > 0.03
    assert means[-1] < -0.03


def test_conversions_and_radiation_grow_with_the_material() -> None:
    thickness = {0.0: 0.417, 1.0: 1.13}
    for eta, x0 in thickness.items():
        photons = Fast().showers(same(PHOTON, 0, eta, 600), 5, math.inf)
        expected = 1 - math.exp(-7 / 9 * x0)
        assert photons.converted.mean() == pytest.approx(expected, abs=0.06)
        assert not photons.brem.any()
        electrons = Fast().showers(same(ELECTRON, -1, eta, 600), 6, math.inf)
        # radiation alone takes E to E exp(-x0), whatever its spectrum
        assert electrons.brem.mean() == pytest.approx(1 - math.exp(-x0), abs=0.06)
        assert not electrons.converted.any()


def test_same_seed_same_showers(made: tuple[Particles, Showers]) -> None:
    particles, showers = made
    again, other = (Fast().showers(particles, seed, math.inf) for seed in (1, 2))
    np.testing.assert_array_equal(again.crops, showers.crops)
    assert not np.array_equal(other.crops, showers.crops)


def test_time_limit() -> None:
    with pytest.raises(TimeoutError):
        Fast().showers(same(PHOTON, 0, 0.0, 2), 1, -1.0)
