"""Signals, read-out and the window."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.simulation.detector import CMS_BARREL, record
from calovision.simulation.generator import NEUTRAL_HADRON, PHOTON, Jets, Particles
from calovision.simulation.jets import detect
from calovision.simulation.pythia import GLUON
from calovision.simulation.response import new_canvas, start, track

QUIET = CMS_BARREL._replace(pileup=0.0, ecal_noise=0.0, hcal_noise=0.0)


def one_particle(eta: float, phi: float, pt: float, charge: int, kind: int) -> Jets:
    """A jet made of one particle."""
    energy = pt * math.cosh(eta)
    values = [np.array([v], np.float32) for v in (pt, eta, phi, energy)]
    particles = Particles(
        np.array([0, 1]),
        np.array([211], np.int32),
        *values,
        np.array([charge], np.int8),
        np.array([kind], np.int8),
    )
    zero = np.zeros(1, np.int8)
    at = [np.array([v]) for v in (pt, eta, phi, 0.0, pt)]
    return Jets(particles, zero, np.zeros(1, np.int64), zero, zero + GLUON, *at)


def test_a_track_lands_once_with_its_momentum() -> None:
    perfect = {"track_resolution": 0.0, "track_curvature": 0.0, "track_resolution_eta": 0.0}
    detector = record(CMS_BARREL._replace(**perfect))
    canvas = new_canvas(35, 35)
    start(canvas, 0.4, 3.1, 1.5, detector)  # beside the seam at phi = pi
    for eta, phi in ((0.41, 3.13), (0.33, -3.12), (-0.2, 3.0)):
        canvas.tracks[:] = 0
        while not track(canvas, 25.0, eta, phi, 1.0, detector):
            pass
        (i,), (j,) = np.nonzero(canvas.tracks)
        assert canvas.tracks[i, j] == pytest.approx(25.0)
        assert i + canvas.origin[0] == math.floor(eta / CMS_BARREL.crystal_eta)
        assert (j + canvas.origin[1]) % 360 == math.floor(phi / CMS_BARREL.crystal_phi) % 360


def test_photon_energy_is_in_the_ecal_channel() -> None:
    whole = {"ecal_scale": 1.0, "ecal_threshold": 0.0, "ecal_neighbours": 30}
    detector = QUIET._replace(**whole, photon_cut=100.0)
    sums = np.array(
        [detect(one_particle(0.1, 1.0, 60.0, 0, PHOTON), s, detector).sums()[0] for s in range(40)]
    )
    kept = sums[sums[:, 1] > 0, 1] / (60 * math.cosh(0.1))  # the others converted and were cut
    assert len(kept) > 20
    assert kept.mean() == pytest.approx(0.98, abs=0.02)


def test_hcal_hits_are_whole_towers_in_the_grid() -> None:
    seen = detect(one_particle(0.3, -1.0, 80.0, 0, NEUTRAL_HADRON), 4, QUIET)
    hcal = seen.code == 2
    assert hcal.any()
    row, col = np.divmod(seen.cell[hcal].astype(int), 125)
    assert np.all(row % 5 == 2)
    assert np.all(col % 5 == 2)
    hottest = np.argmax(seen.value[hcal])
    assert (row[hottest], col[hottest]) == (62, 62)


def test_momentum_is_measured_within_resolution() -> None:
    detector = QUIET._replace(jet_scale=1.0, track_efficiency=1.0, flow_tail=0.0)
    pt = [
        float(detect(one_particle(0.5, 2.0, 40.0, 1, 3), s, detector).columns["pt"][0])
        for s in range(50)
    ]
    assert np.mean(pt) == pytest.approx(40.0, rel=0.01)
    assert np.std(pt) == pytest.approx(40.0 * detector.flow_track_resolution, rel=0.4)


def test_rows_are_eta_and_columns_are_phi() -> None:
    first = one_particle(0.3, 0.5, 50.0, 0, NEUTRAL_HADRON)
    p = first.particles
    # a photon 20 crystals away in phi and 7 in eta
    eta, phi = 0.3 + 7 * CMS_BARREL.crystal_eta, 0.5 + 20 * CMS_BARREL.crystal_phi
    first.particles = Particles(
        np.array([0, 2]),
        np.array([130, 22], np.int32),
        np.append(p.pt, np.float32(30.0)),
        np.append(p.eta, np.float32(eta)),
        np.append(p.phi, np.float32(phi)),
        np.append(p.energy, np.float32(30 * math.cosh(eta))),
        np.zeros(2, np.int8),
        np.array([NEUTRAL_HADRON, PHOTON], np.int8),
    )
    first.member = np.zeros(2, np.int8)
    detector = QUIET._replace(photon_cut=100.0, beam_spot_length=0.0)
    for seed in range(20):
        image = detect(first, seed, detector).to_dense()[0]
        # mask what the hadron may leave in the crystals near the centre
        ecal = image[1].copy()
        ecal[:, 50:72] = 0
        if ecal.max() > 5:  # the photon did not convert, the hadron's tower is the centre
            row, col = np.unravel_index(ecal.argmax(), ecal.shape)
            assert abs(col - 62 - 20) <= 4
            assert abs(row - 62 - 7) <= 4
            return
    pytest.fail("no photon was seen")


def test_hits_are_sorted_and_positive(simulated: Events) -> None:
    key = simulated.owner * 10**6 + simulated.code.astype(np.int64) * 10**5 + simulated.cell
    assert np.all(np.diff(key) > 0)
    assert np.all(simulated.value > 0)


def test_pileup_adds_activity_evenly(simulated: Events) -> None:
    n = simulated.columns["n_pileup"].astype(float)
    variance = CMS_BARREL.pileup + (CMS_BARREL.pileup_spread * CMS_BARREL.pileup) ** 2
    assert n.mean() == pytest.approx(CMS_BARREL.pileup, abs=4 * (variance / len(n)) ** 0.5)
    assert n.var() == pytest.approx(variance, rel=0.2)
    # pile-up's share of the hits over sqrt(17), over their relative spread, is .6, .15 and .13
    for channel, least in enumerate((0.3, 0.06, 0.05)):
        assert np.corrcoef(n, simulated.counts()[:, channel])[0, 1] > least
    track = simulated.code == 0
    far = np.abs(simulated.geometry.eta(simulated.cell[track])) > 0.6
    phi = simulated.geometry.phi(simulated.cell[track])[far]
    assert np.histogram(phi, bins=5)[0] == pytest.approx(far.sum() / 5, rel=0.1)
