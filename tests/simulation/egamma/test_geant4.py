"""The Geant4 engine; only what needs the wheel is skipped without it."""

from __future__ import annotations

import importlib.metadata
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import calovision as cv
from calovision.simulation.detector import CMS_BARREL, tracker_layers
from calovision.simulation.egamma.geant4_detector import crystal, material_of
from calovision.simulation.egamma.geant4_run import PRECISION, crop
from calovision.simulation.egamma.particles import CRYSTALS, PEAK, draw
from calovision.simulation.geant4.process import WHEEL

try:
    importlib.metadata.version(WHEEL)
    HERE = sys.platform == "linux"
except importlib.metadata.PackageNotFoundError:
    HERE = False
needs_wheel = pytest.mark.skipif(not HERE, reason=f"{WHEEL} is not installed")


@pytest.mark.parametrize("index", [-85, -1, 0, 40, 84])
def test_crystals_lean_away_from_the_middle(index: int) -> None:
    centre, axes, trap = crystal(index)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    depth = CMS_BARREL.ecal_depth
    front = centre - axes[2] * depth / 2
    eta = math.asinh(front[2] / front[0])
    assert eta / CMS_BARREL.crystal_eta == pytest.approx(index + 0.5, abs=0.03)
    assert front[0] == pytest.approx(CMS_BARREL.ecal_radius, rel=2e-3)
    angle = math.acos(axes[2] @ front / np.linalg.norm(front))
    assert angle == pytest.approx(CRYSTALS.ecal_tilt, abs=1e-3)
    assert (centre[2] - front[2]) * (index + 0.5) > 0
    # crystals widen along phi as their distance from the beam
    far = 1 + depth * axes[2, 0] / front[0]
    assert (trap[8] + trap[9]) / (trap[4] + trap[5]) == pytest.approx(far, rel=1e-3)


def side(index: int, upper: bool) -> NDArray[np.float64]:
    """Corners ``(4, 3)`` (mm) of a crystal's upper or lower face along eta, front first."""
    centre, axes, (half, tilt, turn, *faces) = crystal(index)
    found = []
    for z, (dy, *dx, _) in ((-half, faces[:4]), (half, faces[4:])):
        y = z * math.tan(tilt) * math.sin(turn) + (dy if upper else -dy)
        found += [centre + np.array([x, y, z]) @ axes for x in (-dx[upper], dx[upper])]
    return np.array(found)


@pytest.mark.parametrize("index", [-85, -2, 0, 83])
def test_neighbours_share_a_face(index: int) -> None:
    """Neighbours end at depths of their own, on the same line."""
    here, there = side(index, upper=True), side(index + 1, upper=False)
    along = here[2] - here[0]
    along /= np.linalg.norm(along)
    for corner in there[::2]:
        beside = corner - here[0]
        assert np.linalg.norm(beside - (beside @ along) * along) < 1e-9
    half = np.arctan2(here[:, 1], here[:, 0])
    np.testing.assert_allclose(abs(half), CMS_BARREL.crystal_phi / 2, atol=1e-12)


def test_crop_wraps_around_phi_and_lies_in_the_barrel() -> None:
    energy = np.zeros((360, 170))
    energy[2, 152], energy[358, 152], energy[2, 144] = 5.0, 1.0, 2.0
    energy[7, 169] = 9.0  # hotter, but its crop would reach beyond the barrel
    row, around = crop(energy)
    assert row == 67
    assert around[PEAK, PEAK] == 5.0
    assert around[PEAK, PEAK - 4] == 1.0
    assert around[PEAK - 8, PEAK] == 2.0
    assert around.sum() == 8.0


def test_no_two_layers_of_the_tracker_overlap() -> None:
    x0 = {"G4_Be": 352.8, "G4_C": 213.5, "G4_Al": 88.97, "G4_Si": 93.7, "G4_Cu": 14.36}  # mm, PDG
    found = [
        (radius, radius + thickness * x0[material_of(radius, low)], low, high)
        for radius, thickness, low, high in tracker_layers()[:-1]
    ]
    for k, (inner, outer, low, high) in enumerate(found):
        assert outer < 1250  # the entrance of the calorimeter
        for other_inner, other_outer, other_low, other_high in found[:k]:
            beside = high <= other_low or other_high <= low
            assert beside or outer < other_inner or other_outer < inner


def test_its_process_starts_without_numba_and_pythia() -> None:
    script = """
import sys
import calovision.simulation.egamma.geant4_run
sys.exit(", ".join({"awkward", "numba", "pythia8mc", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.stderr.strip() == b""


def run_script(script: str, folder: Path, n: int, energy: float) -> str:
    """What a script prints that runs Geant4 on ``n`` photons of an energy (GeV)."""
    particles = draw(n, 0, np.random.default_rng(1))
    file = folder / "asked.npz"
    np.savez(
        file,
        charge=particles.charge,
        eta=particles.eta,
        phi=particles.phi,
        z=particles.z,
        energy=np.full(n, energy),
        seed=np.array(1),
    )
    words = [sys.executable, "-c", script, str(file), str(folder / "given.npz")]
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout


@needs_wheel
def test_electrons_that_are_not_made_would_be_stopped_at_once(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from calovision.simulation.egamma import geant4_run
from calovision.simulation.geant4 import process
load = geant4_run.load
def noted(folder):
    geant4_run.g4 = load(folder)
    return geant4_run.g4
geant4_run.load = noted
process.serve(geant4_run.run)
geant4_run.g4.G4UImanager.GetUIpointer().ApplyCommand("/run/dumpCouples")
"""
    shown = run_script(script, tmp_path, 1, 1e-3)
    couple = shown.split("Material : G4_PbWO4")[1]
    cut = re.search(r"Energy thresholds .* e-\s+([\d.]+) MeV", couple)
    assert cut is not None
    assert 0.95 * PRECISION.lowest_electron < float(cut[1]) <= PRECISION.lowest_electron


@needs_wheel
def test_photons_that_are_followed_stand_for_the_others(tmp_path: Path) -> None:
    script = """
from calovision.simulation.egamma import geant4_run
from calovision.simulation.geant4 import process
geant4_run.PRECISION = geant4_run.PRECISION._replace(roulette=0.2, soft_photon=30.0)
process.serve(geant4_run.run)
"""
    run_script(script, tmp_path, 40, 5.0)
    share = np.load(tmp_path / "given.npz")["deposit"] / 5.0
    assert share.max() > 1.05  # by chance, more than is there
    assert share.mean() == pytest.approx(0.95, abs=0.08)  # without weights 0.49


@needs_wheel
def test_geant4_events_are_what_the_fast_ones_are() -> None:
    n = 8
    events = cv.simulate.egamma(n, seed=3, engine="geant4", quiet=True).load()
    assert np.bincount(events.label).tolist() == [n // 2, n // 2]
    truth, photon = events.columns, events.label == 0
    share = truth["deposit"] / truth["energy"]
    assert share.max() <= 1.01  # soft photons have weights
    assert np.median(share) > 0.93
    energy = events.to_dense("gev")[:, 0]
    middle = energy[:, PEAK - 1 : PEAK + 2, PEAK - 1 : PEAK + 2]
    assert (energy.max(axis=(1, 2)) == middle.max(axis=(1, 2))).all()
    assert not truth["converted"][~photon].any()
    assert not truth["brem"][photon].any()
    assert 0.02 < np.median(truth["brem"][~photon]) < 0.98
    same = cv.simulate.egamma(n, seed=3, engine="geant4", quiet=True).load()
    np.testing.assert_array_equal(same.value, events.value)
