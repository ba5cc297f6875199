# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""The parametrised engine: helices, radiation and conversions in the tracker, GFLASH showers."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from calovision.simulation import energy_spots
from calovision.simulation.detector import record, tracker_layers
from calovision.simulation.egamma.particles import (
    BARREL_ROWS,
    CRYSTALS,
    LAST_PEAK,
    PEAK,
    PT,
    SIZE,
    Engine,
    Particles,
    Showers,
)
from calovision.simulation.egamma.shower import SHAPE, electron, photon
from calovision.simulation.propagation import through_tracker
from calovision.utils.compiled import fast

#: Finer than for jets: softer radiation, and all of GFLASH's spots.
DETECTOR = CRYSTALS._replace(photon_cut=0.003, spot_fraction=1.0)
_SOFTEST = 0.01  #: particles below it are not showered, GeV
_GRID = 64  #: crystals along each side of the grid around the straight line
_BATCH = 50  #: particles between two looks at the clock


@fast
def _peak(grid: Any, origin: Any) -> tuple[int, int]:
    """Row and column of the hottest crystal that a crop may have; nothing is beyond the barrel."""
    best, pi, pj = -1.0, 0, 0
    for i in range(grid.shape[0]):
        if not -BARREL_ROWS <= origin[0] + i < BARREL_ROWS:
            grid[i] = 0
        if abs(origin[0] + i) > LAST_PEAK:
            continue
        for j in range(grid.shape[1]):
            if grid[i, j] > best:
                best, pi, pj = grid[i, j], i, j
    return pi, pj


@fast
def _crop(grid: Any, pi: int, pj: int, crop: Any) -> None:
    """Fill ``crop`` with what surrounds a crystal of the grid."""
    for i in range(SIZE):
        for j in range(SIZE):
            a, b = pi + i - PEAK, pj + j - PEAK
            inside = 0 <= a < grid.shape[0] and 0 <= b < grid.shape[1]
            crop[i, j] = grid[a, b] if inside else 0.0


@fast
def _shower(number: int, arrivals: Any, ray: Any, grid: Any, origin: Any, d: Any, s: Any) -> float:
    """Shower the particles at the calorimeter; returns the deposited energy, GeV."""
    deposit = 0.0
    for k in range(number):
        p = energy_spots.set_ray(ray, arrivals[k])
        if p < _SOFTEST:
            continue
        if arrivals[k, 6] == 0:
            deposit += s.response * p - photon(s.response * p, ray, grid, origin, d, s)
        else:
            deposit += s.response * p - electron(s.response * p, 0.0, ray, grid, origin, d, s)
    return deposit


@fast
def _simulate(
    seed: int, eta: Any, phi: Any, z: Any, charge: Any, layers: Any, d: Any, s: Any, crops: Any
) -> tuple[Any, Any, Any, Any]:
    """Fill ``crops``; returns row, deposit (GeV), conversion and energy loss of every particle."""
    np.random.seed(seed)
    n = len(eta)
    row, deposit = np.zeros(n, np.int64), np.zeros(n)
    converted, brem = np.zeros(n, np.bool_), np.zeros(n)
    grid, origin = np.zeros((_GRID, _GRID), np.float32), np.zeros(2, np.int64)
    state, ray = np.zeros(7), np.zeros(energy_spots.RAY)
    arrivals, pairs = np.zeros((200, 7)), np.zeros((100, 8))
    for k in range(n):
        grid[:] = 0
        at = math.asinh(z[k] / d.ecal_radius + math.sinh(eta[k]))
        origin[0] = math.floor(at / d.crystal_eta) - _GRID // 2
        origin[1] = math.floor(phi[k] / d.crystal_phi) - _GRID // 2
        state[0], state[1], state[2], state[6] = 0.0, 0.0, z[k], charge[k]
        state[3], state[4] = PT * math.cos(phi[k]), PT * math.sin(phi[k])
        state[5] = PT * math.sinh(eta[k])
        number, _ = through_tracker(state, layers, d.field, d.photon_cut, arrivals, pairs)
        if charge[k] == 0:
            converted[k] = math.hypot(state[0], state[1]) < 0.999 * d.ecal_radius
        else:
            left = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
            brem[k] = max(1 - left / (PT * math.cosh(eta[k])), 0.0)
        deposit[k] = _shower(number, arrivals, ray, grid, origin, d, s)
        pi, pj = _peak(grid, origin)
        row[k] = origin[0] + pi
        _crop(grid, pi, pj, crops[k])
    return row, deposit, converted, brem


class Fast(Engine):
    """The parametrised engine."""

    def prepare(self) -> None:
        """Compile the loops, or find them in the cache."""
        nothing = np.zeros(0)
        none = np.zeros(0, np.int8)
        self.showers(Particles(none, none, nothing, nothing, nothing), 0, math.inf)

    def provenance(self) -> dict[str, object]:
        """The constants of detector and showers."""
        return {"detector": DETECTOR._asdict(), "shower": SHAPE._asdict()}

    def showers(self, particles: Particles, seed: int, time_limit: float) -> Showers:
        """See :meth:`calovision.simulation.egamma.particles.Engine.showers`."""
        deadline = time.monotonic() + time_limit
        n = len(particles)
        crops = np.zeros((n, SIZE, SIZE), np.float32)
        random, layers = np.random.default_rng(seed), tracker_layers()
        parts = []
        for first in range(0, max(n, 1), _BATCH):
            if time.monotonic() > deadline:
                raise TimeoutError
            batch = slice(first, first + _BATCH)
            parts.append(
                _simulate(
                    int(random.integers(2**32)),
                    particles.eta[batch],
                    particles.phi[batch],
                    particles.z[batch],
                    particles.charge[batch],
                    layers,
                    record(DETECTOR),
                    record(SHAPE),
                    crops[batch],
                )
            )
        row, deposit, converted, brem = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return Showers(crops, row, deposit, converted, brem)
