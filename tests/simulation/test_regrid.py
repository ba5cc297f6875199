"""The same jets on other grids, and the muons that the public images leave out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI, JET_IMAGES, Channel, Geometry
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.generator import CHARGED_HADRON, MUON, Jets, Particles
from calovision.simulation.jets import detect
from calovision.simulation.regrid import check_simulable

LAYERS = tuple(Channel(name, gev_per_unit=50.0) for name in ("track", "ecal", "hcal", "muon"))
COARSE = Geometry("coarse", 64, 64, LAYERS, "jets", (0.03, 0.0305))
QUIET = CMS_BARREL._replace(pileup=0.0, ecal_noise=0.0, hcal_noise=0.0)


def jet(*particles: tuple[float, float, float, int, int]) -> Jets:
    """A jet at eta 0.5, phi 3.1 of particles (pt, eta, phi, charge, kind)."""
    pt, eta, phi, charge, kind = (np.array(c) for c in zip(*particles, strict=True))
    real = [v.astype(np.float32) for v in (pt, eta, phi, pt * np.cosh(eta))]
    made = Particles(
        np.array([0, len(pt)]),
        np.where(kind == MUON, 13, 211).astype(np.int32),
        *real,
        charge.astype(np.int8),
        kind.astype(np.int8),
    )
    zero = np.zeros(1, np.int8)
    at = [np.array([v]) for v in (100.0, 0.5, 3.1, 0.0, 100.0)]
    return Jets(made, np.zeros(len(pt), np.int8), np.zeros(1, np.int64), zero, zero, *at)


PION, NEAR, FAR = (
    (80.0, 0.5, 3.1, 1, CHARGED_HADRON),
    (20.0, 0.6, -3.1, -1, MUON),  # behind the seam at phi = pi
    (20.0, 2.0, 3.1, -1, MUON),
)


@pytest.mark.parametrize("seed", range(4))
def test_coarser_pixels_hold_the_same_energy(seed: int) -> None:
    one = jet(PION, NEAR)
    fine, coarse = detect(one, seed, QUIET), detect(one, seed, QUIET, COARSE)
    assert coarse.geometry == COARSE
    inside = (np.abs(fine.eta) < 0.9) & (np.abs(fine.phi) < 0.9)
    for channel in range(3):
        mine, theirs = fine.channel == channel, coarse.channel == channel
        assert coarse.energy[theirs].sum() <= fine.energy[mine].sum() * (1 + 1e-5)
        assert coarse.energy[theirs].sum() >= fine.energy[mine & inside].sum() * (1 - 1e-5)
        for of_fine, of_coarse in ((fine.eta, coarse.eta), (fine.phi, coarse.phi)):
            if mine.any() and inside[mine].all():
                a = np.average(of_fine[mine], weights=fine.energy[mine])
                b = np.average(of_coarse[theirs], weights=coarse.energy[theirs])
                assert a == pytest.approx(b, abs=0.03)
    assert {k: v.tolist() for k, v in fine.columns.items()} == {
        k: v.tolist() for k, v in coarse.columns.items()
    }
    places = coarse.code.astype(int) * COARSE.cells + coarse.cell
    assert (np.diff(places) > 0).all()


def test_the_public_grid_under_another_name_is_the_same_image() -> None:
    one = jet(PION)
    named = replace(JET_IMAGES, name="mine")
    fine, again = detect(one, 3, CMS_BARREL), detect(one, 3, CMS_BARREL, named)
    np.testing.assert_array_equal(fine.cell, again.cell)
    np.testing.assert_array_equal(fine.code, again.code)
    np.testing.assert_allclose(fine.value, again.value, rtol=1e-6)


def test_muons_are_where_they_fly() -> None:
    soft = (2.9, 0.4, 3.0, 1, MUON)
    seen = detect(jet(PION, NEAR, FAR, soft), 1, QUIET, COARSE)
    muon = seen.channel == 3
    assert seen.energy[muon] == pytest.approx([20.0], rel=0.05)
    track = (seen.channel == 0) & (seen.energy > 15) & (seen.energy < 25)
    if track.any():  # at the efficiency of the tracker
        assert abs(seen.cell[track][0] - seen.cell[muon][0]) in (0, 1, 64, 65, 63)
    centre = seen.eta[seen.energy.argmax()]
    assert seen.eta[muon] - centre == pytest.approx([0.1], abs=0.1)


def test_channels_are_filled_by_what_they_are() -> None:
    only = Geometry("calorimeter", 25, 25, (Channel("sum"),), "jets", (0.087, 0.0872))
    fine, coarse = detect(jet(PION), 2, QUIET), detect(jet(PION), 2, QUIET, only)
    assert set(coarse.code) == {0}
    calorimeters = fine.energy[fine.channel > 0].sum()
    assert coarse.energy.sum() == pytest.approx(calorimeters, rel=1e-3)


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        (replace(COARSE, pitch=(0.01, 0.03)), "finer than a crystal"),
        (replace(COARSE, pitch=(0.03, 0.05)), "wider than"),
        (replace(COARSE, channels=(*LAYERS, Channel("endcap"))), "cannot be simulated"),
        (replace(COARSE, channels=(Channel("t", unit="ns"),)), "cannot be simulated"),
        (replace(COARSE, channels=(Channel("hcal", block=5),)), "no grid"),
        (replace(COARSE, schema="crops"), "no grid"),
    ],
)
def test_what_cannot_be_simulated_is_refused(geometry: Geometry, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_simulable(geometry)


def test_a_window_of_crystals_fits() -> None:
    check_simulable(COARSE)
    check_simulable(JET_IMAGES)
    assert math.isclose(COARSE.rows * 0.03, 1.92)
    assert COARSE.pitch > (CRYSTAL_ETA, CRYSTAL_PHI)
