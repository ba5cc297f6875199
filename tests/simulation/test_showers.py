"""GFLASH and hadronic showers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.simulation import energy_spots, response, showers
from calovision.simulation.detector import CMS_BARREL, record
from calovision.simulation.propagation import to_cylinder
from calovision.simulation.response import Canvas, calorimeters, new_canvas, start

DETECTOR = record(CMS_BARREL)


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Seeds the compiled loops."""
    response.set_seed(1)


@pytest.fixture
def canvas() -> Canvas:
    made = new_canvas(35, 35)
    start(made, 0.04, 0.04, 1.5, DETECTOR)
    made.state[:] = [0.0, 0.0, 0.0, 1.0, 0.04, 0.04, 0.0]
    assert to_cylinder(made.state, CMS_BARREL.ecal_radius, CMS_BARREL.field)
    energy_spots.set_ray(made.ray, made.state)
    return made


@pytest.mark.parametrize("energy", [0.05, 0.5, 5.0, 50.0])
def test_electron_energy_is_deposited_or_leaks(canvas: Canvas, energy: float) -> None:
    leak = 0.0
    for _ in range(400):
        leak += showers.electron(energy, 0.0, canvas.ray, canvas.ecal, canvas.origin, DETECTOR)
    total = canvas.ecal.sum() + leak
    assert total == pytest.approx(400 * energy, rel=2e-3)  # a few spots fall beside the grid
    assert leak < 0.03 * 400 * energy


def test_late_showers_leak_more(canvas: Canvas) -> None:
    def leak(first: float) -> float:
        return sum(
            showers.electron(20.0, first, canvas.ray, canvas.ecal, canvas.origin, DETECTOR)
            for _ in range(50)
        )

    assert leak(12.0) > 3 * leak(0.0)


@pytest.mark.parametrize("energy", [5.0, 20.0, 100.0])
def test_longitudinal_maximum_follows_gflash(energy: float) -> None:
    y = energy / CMS_BARREL.ecal_critical
    drawn = np.array([showers.longitudinal(energy, DETECTOR) for _ in range(4000)])
    spread = 1 / (-1.4 + 1.26 * math.log(y))  # of log T, hep-ex/0001020 app. A.1
    log_t = np.log(drawn[:, 0])
    assert log_t.mean() == pytest.approx(math.log(math.log(y) - 0.858), abs=4 * spread / 4000**0.5)
    assert log_t.std() == pytest.approx(spread, rel=0.06)
    # the mean depth of one shower, T alpha / (alpha - 1), lies behind its maximum
    t, alpha = drawn.T
    assert np.all(t * alpha / (alpha - 1) > t)


def test_radial_profile_holds_90_percent_in_one_moliere_radius() -> None:
    depth = np.random.default_rng(1).gamma(4.0, 1 / 3.0, 4000)  # in units of the maximum's
    random = np.random.default_rng(2)
    state, radii = energy_spots.seed(), []
    for t in depth:
        in_core, core, tail = showers.radial(math.log(20.0), float(t), DETECTOR)
        median = core if random.random() < in_core else tail
        state, x, y = energy_spots.heavy_tail(state, median, 12.0)
        radii.append(math.hypot(x, y))
    assert np.mean(np.array(radii) < 1.0) == pytest.approx(0.90, abs=0.04)


def test_hadron_deposits_less_than_it_has_and_shares_it(canvas: Canvas) -> None:
    ecal, hcal = [], []
    for _ in range(400):
        canvas.ecal[:] = 0
        canvas.towers[:] = 0
        args = (canvas.ray, canvas.ecal, canvas.towers, canvas.origin, DETECTOR)
        showers.hadron(20.0, True, *args)
        ecal.append(canvas.ecal.sum())
        hcal.append(canvas.towers.sum())
    assert 0.6 * 20 < np.mean(ecal) + np.mean(hcal) < 1.1 * 20
    assert np.corrcoef(ecal, hcal)[0, 1] < -0.3  # what showers early does not reach the HCAL
    ionising = np.array(ecal) < 0.5  # passed through the crystals without a shower
    expected = math.exp(-CMS_BARREL.ecal_depth / CMS_BARREL.ecal_interaction)
    assert ionising.mean() == pytest.approx(expected, abs=0.08)


def test_towers_and_crystals_are_aligned(canvas: Canvas) -> None:
    energy_spots.add(canvas.ecal, canvas.origin, 1, canvas.ray, 0.0, 0.0, 0.0, 2.0, DETECTOR)
    energy_spots.add(canvas.towers, canvas.origin, 5, canvas.ray, 0.0, 0.0, 0.0, 3.0, DETECTOR)
    crystal = np.argwhere(canvas.ecal)
    tower = np.argwhere(canvas.towers)
    assert canvas.ecal.sum() == 2.0
    assert canvas.towers.sum() == 3.0
    np.testing.assert_array_equal(crystal // 5, tower)


def test_photon_reaches_the_right_crystal() -> None:
    made = new_canvas(35, 35)
    eta, phi = 0.3123, 0.777
    start(made, eta, phi, 1.5, DETECTOR)
    pt = 30.0
    made.state[:] = [0, 0, 0, pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), 0]
    no_material = np.array([[CMS_BARREL.ecal_radius, 0.0, 0.0, 1e9]])
    calorimeters(made, pt * math.cosh(eta), 0, 0, no_material, DETECTOR)
    i, j = np.unravel_index(made.ecal.argmax(), made.ecal.shape)
    assert abs(i + made.origin[0] - math.floor(eta / CMS_BARREL.crystal_eta)) <= 1
    assert abs(j + made.origin[1] - math.floor(phi / CMS_BARREL.crystal_phi)) <= 1


def test_spots_scatter_evenly_with_their_median() -> None:
    state, places = energy_spots.seed(), []
    for _ in range(20_000):
        state, x, y = energy_spots.heavy_tail(state, 20.0, 200.0)
        places.append((x, y))
    r, angle = np.hypot(*np.transpose(places)), np.arctan2(*np.transpose(places))
    assert r.max() <= 200.0 * (1 + 1e-9)
    for limit in (5.0, 20.0, 60.0):  # the fraction inside is r^2 / (r^2 + R^2)
        inside = limit**2 / (limit**2 + 20.0**2)
        assert np.mean(r < limit) == pytest.approx(inside, abs=0.015)
    counts = np.histogram(angle, bins=8, range=(-np.pi, np.pi))[0]
    assert counts == pytest.approx(np.full(8, 2500), abs=5 * 2500**0.5)


@given(
    eta=st.floats(-1.6, 1.6),
    phi=st.floats(-3.1, 3.1),
    slant=st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    depth=st.floats(0, 230),
    place=st.tuples(st.floats(-400, 400), st.floats(-400, 400)),
)
@settings(max_examples=300, deadline=None)
def test_spots_fall_into_the_cell_of_their_place(
    eta: float, phi: float, slant: tuple[float, float], depth: float, place: tuple[float, float]
) -> None:
    at = CMS_BARREL.ecal_radius * np.array([math.cos(phi), math.sin(phi), math.sinh(eta)])
    turned, tilted = phi + slant[0], eta + slant[1]
    way = np.array([math.cos(turned), math.sin(turned), math.sinh(tilted)])
    way /= np.linalg.norm(way)
    across = np.array([-way[1], way[0], 0.0]) / math.hypot(way[0], way[1])
    x, y, z = at + depth * way + place[0] * across + place[1] * np.cross(way, across)
    ray, grid = np.zeros(energy_spots.RAY), np.zeros((500, 360), np.float32)
    energy_spots.set_ray(ray, np.array([*at, *(7.0 * way), 0.0]))
    energy_spots.add(grid, np.array([-250, 0]), 1, ray, depth, *place, 1.0, DETECTOR)
    ((i, j),) = np.argwhere(grid)
    place_eta = math.asinh(z / math.hypot(x, y)) / CMS_BARREL.crystal_eta + 250
    place_phi = math.atan2(y, x) / CMS_BARREL.crystal_phi % 360
    assert -1e-3 < place_eta - i < 1 + 1e-3
    assert -1e-3 < place_phi - j < 1 + 1e-3
