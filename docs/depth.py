"""Where showers of 50 GeV have their longitudinal maximum: fast engine and Geant4."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
from geant4_depth import ENERGY, SLICES, THICKNESS
from numpy.typing import NDArray

from calovision.simulation.detector import record
from calovision.simulation.egamma.fast import DETECTOR
from calovision.simulation.egamma.particles import PHOTON
from calovision.simulation.egamma.shower import SHAPE
from calovision.simulation.propagation import pair_fraction
from calovision.simulation.showers import longitudinal

DRAWS = 400  #: depths drawn of every electron shower
EVENTS = 150  #: of Geant4, of either kind
REACH = 5  #: slices to each side of the largest that a parabola is fitted to
Profiles = NDArray[np.float64]


@numba.njit
def _profiles(seed: int, profiles: Profiles, photons: bool, d: object, stretch: float) -> None:
    """Energies in slices, as the fast engine draws the depths of its spots."""
    np.random.seed(seed)  # noqa: NPY002 (the compiled generator has its own stream)
    for k in range(len(profiles)):
        start, share = 0.0, 1.0
        if photons:
            start, share = np.random.exponential(9 / 7), pair_fraction()  # noqa: NPY002
        for part in (share, 1 - share):
            if part <= 0:
                continue
            maximum, alpha = longitudinal(ENERGY * part, d)
            maximum *= stretch
            for _ in range(DRAWS):
                depth = start + np.random.gamma(alpha, maximum / (alpha - 1))  # noqa: NPY002
                if depth < SLICES * THICKNESS:
                    profiles[k, int(depth / THICKNESS)] += ENERGY * part / DRAWS


def fast(label: int, events: int, seed: int) -> Profiles:
    """``(events, SLICES)`` GeV of the fast engine."""
    profiles = np.zeros((events, SLICES))
    _profiles(seed, profiles, label == PHOTON, record(DETECTOR), SHAPE.depth)
    return profiles


def geant4(label: int) -> Profiles:
    """``(EVENTS, SLICES)`` GeV of Geant4, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "profiles.npy"
        script = Path(__file__).with_name("geant4_depth.py")
        words = [str(script), "0" if label == PHOTON else "-1", str(EVENTS), str(out)]
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        found: Profiles = np.load(out)
    return found


def maximum(profiles: Profiles) -> tuple[float, float]:
    """Depth of the mean profile's maximum, X0, and its bootstrap error."""
    rng = np.random.default_rng(1)
    again = [_top(profiles[rng.integers(len(profiles), size=len(profiles))]) for _ in range(200)]
    return _top(profiles), float(np.std(again))


def _top(profiles: Profiles) -> float:
    mean = profiles.mean(0)
    top = int(mean.argmax())
    near = np.arange(max(top - REACH, 0), min(top + REACH + 1, SLICES))
    a, b, _ = np.polyfit((near + 0.5) * THICKNESS, mean[near], 2)
    return float(-b / (2 * a))
