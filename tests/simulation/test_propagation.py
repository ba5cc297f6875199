"""Helix and tracker material."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.simulation.detector import CMS_BARREL, tracker_layers
from calovision.simulation.propagation import CURVATURE, through_tracker, to_cylinder

RADIUS, FIELD = CMS_BARREL.ecal_radius, CMS_BARREL.field


def state(pt: float, eta: float, phi: float, charge: float, z: float = 0.0) -> np.ndarray:
    momentum = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
    return np.array([0.0, 0.0, z, *momentum, charge])


@given(
    pt=st.floats(0.75, 100),
    eta=st.floats(-2.5, 2.5),
    phi=st.floats(-3.1, 3.1),
    charge=st.sampled_from([-1.0, 1.0]),
    z=st.floats(-100, 100),
)
@settings(max_examples=200, deadline=None)
def test_charged_particle_follows_the_analytic_circle(
    pt: float, eta: float, phi: float, charge: float, z: float
) -> None:
    moved = state(pt, eta, phi, charge, z)
    assert to_cylinder(moved, RADIUS, FIELD)
    bend = pt / (CURVATURE * FIELD)
    half = math.asin(RADIUS / (2 * bend))  # half the turning angle of a chord from the origin
    at = phi - charge * half
    np.testing.assert_allclose(moved[:2], [RADIUS * math.cos(at), RADIUS * math.sin(at)], atol=1e-3)
    assert moved[2] == pytest.approx(z + 2 * half * bend * math.sinh(eta), rel=1e-6, abs=1e-3)
    turned = phi - 2 * charge * half
    np.testing.assert_allclose(
        moved[3:6],
        [pt * math.cos(turned), pt * math.sin(turned), pt * math.sinh(eta)],
        rtol=1e-6,
        atol=1e-5 * pt,
    )


def test_neutral_particle_goes_straight() -> None:
    moved = state(3.0, 0.7, 1.0, 0.0, z=20.0)
    assert to_cylinder(moved, RADIUS, FIELD)
    expected = [RADIUS * math.cos(1.0), RADIUS * math.sin(1.0), 20 + RADIUS * math.sinh(0.7)]
    np.testing.assert_allclose(moved[:3], expected, rtol=1e-9)


def test_particle_on_the_cylinder_stays_there() -> None:
    for charge in (-1.0, 1.0):
        for pt in (0.8, 3.0, 50.0):
            made = state(pt, 0.3, 0.7, charge)
            assert to_cylinder(made, RADIUS, FIELD)
            again = made.copy()
            assert to_cylinder(again, RADIUS, FIELD)
            np.testing.assert_allclose(again, made, atol=1e-6)


def test_curling_particle_does_not_arrive() -> None:
    smallest = CURVATURE * FIELD * RADIUS / 2
    assert not to_cylinder(state(0.99 * smallest, 0.1, 0.3, 1.0), RADIUS, FIELD)
    assert to_cylinder(state(1.01 * smallest, 0.1, 0.3, 1.0), RADIUS, FIELD)


def shot(energy: float, charge: float, times: int) -> tuple[list[float], int]:
    """Energies that arrive at the ECAL, and how many primaries gave conversion electrons."""
    out, pairs = np.zeros((200, 7)), np.zeros((100, 8))
    layers, sums, converted = tracker_layers(), [], 0
    for _ in range(times):
        n, born = through_tracker(
            state(energy, 0.0, 0.4, charge), layers, FIELD, CMS_BARREL.photon_cut, out, pairs
        )
        sums.append(float(np.sqrt((out[:n, 3:6] ** 2).sum(1)).sum()))
        converted += born > 0
    return sums, converted


def test_material_creates_no_energy() -> None:
    for charge in (0.0, -1.0):
        sums, _ = shot(20.0, charge, 300)
        assert max(sums) < 20.0 + 1e-6
        assert np.mean(sums) > 0.95 * 20.0


def test_conversions_match_the_material() -> None:
    layers = tracker_layers()
    central = layers[(layers[:, 2] == 0), 1].sum()
    times = 3000
    _, converted = shot(20.0, 0.0, times)
    expected = 1 - math.exp(-7 / 9 * central)
    error = math.sqrt(expected * (1 - expected) / times)
    assert converted / times == pytest.approx(expected, abs=4 * error)
    assert central == pytest.approx(0.417, abs=0.005)  # radiation lengths at eta = 0
