"""Fake tracks, thresholds along eta, and which jets are taken."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.simulation.detector import CMS_BARREL, TOWER, record
from calovision.simulation.jets import acceptance
from calovision.simulation.readout import MAX_HITS, SPAN, WINDOW, fakes, growth, read_out
from calovision.simulation.response import new_canvas, set_seed, start
from calovision.simulation.showers import into_towers


def test_fake_tracks_have_an_even_curvature_and_lie_near_tracks() -> None:
    detector = record(CMS_BARREL._replace(fake_rate=1.0, fake_limit=50.0))
    pt = []
    set_seed(1)
    for _ in range(4000):
        tracks = np.zeros((60, 60), np.float32)
        tracks[30, 30] = 1.0
        fakes(tracks, detector)
        tracks[30, 30] = 0.0
        row, col = np.nonzero(tracks)
        if len(row) == 1:  # else one fake track may lie beside another
            assert max(abs(row[0] - 30), abs(col[0] - 30)) <= CMS_BARREL.fake_spread
            pt.append(tracks[row[0], col[0]])
    lowest = CMS_BARREL.fake_threshold
    assert min(pt) >= lowest
    assert max(pt) == pytest.approx(50.0)
    curvature = lowest / np.array(pt)
    assert np.mean(curvature > 0.5) == pytest.approx(0.5, abs=0.05)


def test_no_fake_tracks_without_tracks() -> None:
    tracks = np.zeros((60, 60), np.float32)
    fakes(tracks, record(CMS_BARREL._replace(fake_rate=1.0)))
    assert not tracks.any()


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_thresholds_grow_with_the_cosine(power: float) -> None:
    eta = 1.2
    found = growth(eta / CMS_BARREL.crystal_eta, power, record(CMS_BARREL))
    assert found == pytest.approx(math.cosh(eta) ** power)


def test_what_is_read_out_depends_on_where_the_cell_lies() -> None:
    """Cells of 1 GeV everywhere are read out up to the eta at which thresholds reach it."""
    last = 1.0  #: abs(eta)
    low = 1 / math.cosh(last)
    quiet = CMS_BARREL._replace(
        ecal_noise=0.0, hcal_noise=0.0, fake_rate=0.0, ecal_growth=1.0, hcal_growth=1.0
    )
    least = {"ecal_seed": low, "ecal_threshold": low, "hcal_threshold": low}
    detector = record(quiet._replace(ecal_scale=1.0, hcal_scale=1.0, ecal_neighbours=0, **least))
    canvas = new_canvas(SPAN, SPAN)
    start(canvas, 0.9, 0.0, 1.5, detector)
    canvas.ecal[:], canvas.towers[:] = 1.0, 1.0
    canvas.towers[SPAN // 2, SPAN // 2] = 1.001  # the middle of the window
    found = np.empty(MAX_HITS, np.uint16), np.empty(MAX_HITS, np.uint8), np.empty(MAX_HITS)
    hits = read_out(canvas, np.empty((WINDOW, WINDOW), np.int8), *found, detector)
    cell, code, value = (x[:hits] for x in found)
    eta = (canvas.origin[0] + cell.astype(int) // WINDOW + 0.5) * CMS_BARREL.crystal_eta
    rows = (canvas.origin[0] + np.arange(WINDOW) + 0.5) * CMS_BARREL.crystal_eta
    inside = np.abs(rows) < last
    assert 0 < inside.sum() < WINDOW
    for channel, share in ((1, WINDOW), (2, WINDOW // TOWER)):
        mine = code == channel
        wanted = rows if channel == 1 else rows[TOWER // 2 :: TOWER]
        assert mine.sum() == share * (np.abs(wanted) < last).sum()
        assert np.abs(eta[mine]).max() < last
        np.testing.assert_allclose(value[mine], 1.0, atol=2e-3)


def test_the_hcal_sees_less_of_soft_hadrons() -> None:
    detector = record(CMS_BARREL._replace(hcal_turn_on=2.0, hcal_stochastic=0.0))
    ray = np.zeros(15)
    ray[0], ray[3], ray[7], ray[11], ray[13] = CMS_BARREL.ecal_radius, 1.0, 1.0, 1.0, 1.0
    seen = []
    for energy in (0.5, 2.0, 100.0):
        towers = np.zeros((40, 40))
        into_towers(energy, ray, towers, np.array([-100, -100]), detector)
        seen.append(towers.sum() / energy)
    assert seen == pytest.approx([1 - math.exp(-0.25), 1 - math.exp(-1), 1.0], rel=0.02)


def test_soft_jets_are_seldom_taken() -> None:
    least = CMS_BARREL.jet_threshold
    pt = np.array([least - 1, least + CMS_BARREL.jet_turn_on, 1000.0], np.float32)
    assert acceptance(pt, CMS_BARREL) == pytest.approx([0.0, 1 - math.exp(-1), 1.0], rel=1e-4)
