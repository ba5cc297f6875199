# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""From the signals of one jet to the hits that are read out: noise, thresholds, window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.events.geometry import JET_IMAGES
from calovision.simulation.detector import TOWER
from calovision.simulation.response import Canvas
from calovision.utils.compiled import fast

WINDOW = JET_IMAGES.rows  #: crystals along each side of the image
HALF = WINDOW // TOWER // 2  #: towers from the window's centre tower to its border
SEED_TOWERS = 5  #: towers by which the window's centre may lie off the jet axis
SPAN = 2 * (HALF + SEED_TOWERS) + 1  #: towers along each side of the grids of a jet
MAX_HITS = 2 * WINDOW**2 + (WINDOW // TOWER) ** 2
_EMPTY, _SIGNAL, _NEAR, READ = 0, 1, 2, 4  #: marks of a crystal: energy, a seed nearby, kept


@fast
def centre(towers: Any, axis: Any, d: Any) -> tuple[int, int]:
    """First tower ``(eta, phi)`` of the window, whose middle is the hottest tower near the jet."""
    best, bi, bj = -1.0, 0, 0
    middle = HALF + SEED_TOWERS
    width = TOWER * d.crystal_eta
    for i in range(middle - SEED_TOWERS, middle + SEED_TOWERS + 1):
        for j in range(middle - SEED_TOWERS, middle + SEED_TOWERS + 1):
            away = math.hypot(i - middle, j - middle) * width
            if away < d.seed_distance and towers[i, j] > best:
                best, bi, bj = towers[i, j], i, j
    return bi - HALF, bj - HALF


@fast
def select(ecal: Any, kept: Any, d: Any) -> None:
    """Add noise to the crystals and choose those that are read out (in place).

    As in the reduced collections of CMS, these are the surroundings of energetic crystals, after
    zero suppression. Noise alone does not make a seed, so a crystal without signal gets its noise
    only if it lies next to one.

    Args:
        ecal: ``(rows, cols)`` energies, GeV; noise is added.
        kept: of the same shape, int8, filled with ``READ`` for the crystals that are read out.
        d: the detector.
    """
    kept[:] = _EMPTY
    near = d.ecal_neighbours
    rows, cols = ecal.shape
    for i in range(rows):
        for j in range(cols):
            if ecal[i, j] > 0:
                ecal[i, j] += np.random.normal() * d.ecal_noise
                kept[i, j] |= _SIGNAL
                if ecal[i, j] > d.ecal_seed:
                    for a in range(max(i - near, 0), min(i + near + 1, rows)):
                        for b in range(max(j - near, 0), min(j + near + 1, cols)):
                            kept[a, b] |= _NEAR
    for i in range(rows):
        for j in range(cols):
            if kept[i, j] & _NEAR:
                if not kept[i, j] & _SIGNAL:
                    ecal[i, j] = np.random.normal() * d.ecal_noise
                if ecal[i, j] > d.ecal_threshold:
                    kept[i, j] = READ


@fast
def fakes(tracks: Any, d: Any) -> None:
    """Add fake tracks (in place), which wrong combinations of hits make where there are tracks.

    Their curvature is even, down to none, so that the spectrum is that of 1/pt**2: a few are
    stiffer than any particle, as in the public set (up to 76 TeV among 139,306 jets).
    """
    rows, cols = tracks.shape
    near = d.fake_spread
    n = 0
    for i in range(rows):
        for j in range(cols):
            n += tracks[i, j] > 0
    for _ in range(np.random.poisson(d.fake_rate * n)):
        i, j = place(tracks, np.random.randint(n))
        i += np.random.randint(-near, near + 1)
        j += np.random.randint(-near, near + 1)
        pt = min(d.fake_threshold / (1 - np.random.random()), d.fake_limit)
        if 0 <= i < rows and 0 <= j < cols:
            tracks[i, j] += pt


@fast
def place(grid: Any, number: int) -> tuple[int, int]:
    """Row and column of the pixel of such a number among those with something."""
    rows, cols = grid.shape
    for i in range(rows):
        for j in range(cols):
            number -= grid[i, j] > 0
            if number < 0:
                return i, j
    return 0, 0


@fast
def growth(crystal: float, power: float, d: Any) -> float:
    """Noise and thresholds at a crystal counted from eta = 0, over those there."""
    return math.pow(math.cosh(crystal * d.crystal_eta), power)


@fast
def read_out(c: Canvas, kept: Any, cell: Any, code: Any, value: Any, d: Any) -> int:
    """Write the hits of the canvas to arrays of ``MAX_HITS``; returns how many there are.

    The origin of the canvas becomes the window's first crystal.
    """
    ti, tj = centre(c.towers, c.axis, d)
    c.origin[0] += ti * TOWER
    c.origin[1] += tj * TOWER
    rows, cols = slice(ti * TOWER, ti * TOWER + WINDOW), slice(tj * TOWER, tj * TOWER + WINDOW)
    tracks, ecal = c.tracks[rows, cols], c.ecal[rows, cols]
    fakes(tracks, d)
    unit = np.empty(WINDOW)
    for i in range(WINDOW):
        unit[i] = growth(c.origin[0] + i + 0.5, d.ecal_growth, d)
        measured = np.float32(d.ecal_scale / unit[i])
        for j in range(WINDOW):
            ecal[i, j] *= measured
    select(ecal, kept, d)
    m = 0
    for i in range(WINDOW):
        for j in range(WINDOW):
            if tracks[i, j] > 0:
                cell[m], code[m], value[m] = i * WINDOW + j, 0, tracks[i, j]
                m += 1
    for i in range(WINDOW):
        for j in range(WINDOW):
            if kept[i, j] == READ:
                cell[m], code[m], value[m] = i * WINDOW + j, 1, ecal[i, j] * unit[i]
                m += 1
    for i in range(WINDOW // TOWER):
        scale = growth(c.origin[0] + (i + 0.5) * TOWER, d.hcal_growth, d)
        for j in range(WINDOW // TOWER):
            energy = d.hcal_scale * c.towers[ti + i, tj + j]
            energy += np.random.normal() * d.hcal_noise * scale
            if energy > d.hcal_threshold * scale:
                middle = (i * TOWER + TOWER // 2) * WINDOW + j * TOWER + TOWER // 2
                cell[m], code[m], value[m] = middle, 2, energy
                m += 1
    return m
