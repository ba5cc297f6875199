"""Showers of Geant4 in a cylinder; only what needs the wheel is skipped without it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.simulation import cylinder

HERE = importlib.util.find_spec("geant4_pybind") is not None and sys.platform == "linux"
needs_wheel = pytest.mark.skipif(not HERE, reason="geant4_pybind is not installed")
LAYER_X0 = 2 * (1.4 / 3.504 + 0.3 / 93.70)  #: radiation lengths of a layer that is read out (PDG)
CRITICAL_MEV = 7.97  #: energy of electrons in tungsten (PDG)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"energies": (10, 1)}, "energies are 10 to 1 GeV"),
        ({"energies": (0.0, 1)}, "energies are 0 to 1 GeV"),
        ({"energies": (10,)}, "energies is"),
        ({"energies": 10}, "energies is"),
        ({"energies": (float("nan"), 10)}, "energies is"),
        ({"particle": "pion"}, "no particle 'pion'"),
        ({"geometry": cv.JET_IMAGES}, "is no cylinder"),
        ({"events": 0}, "number of events"),
    ],
)
def test_what_makes_no_sense_is_told(changed: dict[str, object], told: str, tmp_path: Path) -> None:
    arguments = {"events": 2, "out": tmp_path / "set", "quiet": True, **changed}
    with pytest.raises(InputError, match=told):
        cv.simulate.showers(**arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


@needs_wheel
@pytest.mark.filterwarnings("ignore:.*of the same seed")
def test_showers_are_those_of_tungsten(tmp_path: Path) -> None:
    made = cv.simulate.showers(12, energies=(4, 16), seed=2, out=tmp_path / "set", quiet=True)
    events = made.load()
    energy = events.columns["energy"]
    assert ((energy >= 4) & (energy <= 16)).all()
    assert events.label.tolist() == [1] * 12
    # The sampling fraction fluctuates by some five per cent of a shower.
    share = events.columns["deposit"] / energy
    assert share.mean() == pytest.approx(cylinder.SAMPLED, rel=0.06)
    np.testing.assert_allclose(events.sums().sum(1) / energy, share / cylinder.SAMPLED, rtol=0.05)
    # Showers are deepest at ln(E / critical energy) - 0.5 radiation lengths (PDG), in silicon a
    # little before: soft photons, which are many behind the maximum, end in tungsten.
    profile = (events.sums() / energy[:, None]).mean(0)
    deepest = (np.argmax(np.convolve(profile, np.ones(3), "same")) + 0.5) * LAYER_X0
    expected = np.log(1e3 * energy / CRITICAL_MEV).mean() - 0.5
    assert deepest == pytest.approx(expected - 0.6, abs=1.2)
    again = cv.simulate.showers(12, energies=(4, 16), seed=2, quiet=True).load()
    assert again == events
    # The challenge's own format, and back.
    cv.export(made, tmp_path / "showers.hdf5")
    with h5py.File(tmp_path / "showers.hdf5") as file:
        assert file["showers"].shape == (12, 6480)
        voxels = file["showers"][()]
        np.testing.assert_allclose(file["incident_energies"][:, 0], energy * 1e3, rtol=1e-6)
    assert voxels[voxels > 0].min() >= cylinder.LEAST_KEV * 1e-3 / cylinder.SAMPLED * 0.999
    assert cv.load(tmp_path / "showers.hdf5").load().sums() == pytest.approx(events.sums())


@needs_wheel
def test_photons_begin_later() -> None:
    depths = []
    for particle in ("photon", "electron"):
        made = cv.simulate.showers(24, particle=particle, energies=(2, 2.01), seed=1, quiet=True)  # type: ignore[arg-type]
        sums = made.load().sums()
        depths.append((sums @ np.arange(45)).sum() / sums.sum() * LAYER_X0)
    assert 0.3 < depths[0] - depths[1] < 2.0  # by one radiation length or so
