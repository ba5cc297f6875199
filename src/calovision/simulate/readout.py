# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""From the signals of one jet to the hits that are read out: noise, thresholds, window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.simulate.compiled import compiled
from calovision.simulate.detector import TOWER
from calovision.simulate.imaging import (
    _HALF,
    _SEED_TOWERS,
    WINDOW,
    Canvas,
)

_EMPTY, _DRAWN, _TAKEN = 0, 1, 2  #: states of a crystal in the clustering


@compiled
def centre(towers: Any, axis: Any, origin: Any, d: Any) -> tuple[int, int]:
    """First tower ``(eta, phi)`` of the window, whose middle is the hottest tower near the jet."""
    best, bi, bj = -1.0, 0, 0
    middle = _HALF + _SEED_TOWERS
    width = TOWER * d.crystal_eta
    for i in range(middle - _SEED_TOWERS, middle + _SEED_TOWERS + 1):
        for j in range(middle - _SEED_TOWERS, middle + _SEED_TOWERS + 1):
            away = math.hypot(i - middle, j - middle) * width
            if away < d.seed_distance and towers[i, j] > best:
                best, bi, bj = towers[i, j], i, j
    return bi - _HALF, bj - _HALF


@compiled
def cluster(ecal: Any, clustered: Any, stack: Any, d: Any) -> None:
    """Add noise and mark the crystals of clusters as particle flow builds them (in place).

    A cluster starts at a crystal above ``ecal_seed`` and takes in every crystal above
    ``ecal_threshold`` that touches it. Noise alone does not reach a seed, so a crystal without
    signal gets its noise only when a cluster reaches it.

    Args:
        ecal: ``(125, 125)`` energies, GeV; noise is added.
        clustered: ``(125, 125)`` int8, filled with ``_TAKEN`` for crystals in clusters.
        stack: work space.
        d: the detector.
    """
    clustered[:] = _EMPTY
    top = 0
    for i in range(WINDOW):
        for j in range(WINDOW):
            if ecal[i, j] > 0:
                ecal[i, j] += np.random.normal() * d.ecal_noise
                clustered[i, j] = _DRAWN
                if ecal[i, j] > d.ecal_seed:
                    clustered[i, j] = _TAKEN
                    stack[top] = i * WINDOW + j
                    top += 1
    while top > 0:
        top -= 1
        i, j = divmod(stack[top], WINDOW)
        for a in range(max(i - 1, 0), min(i + 2, WINDOW)):
            for b in range(max(j - 1, 0), min(j + 2, WINDOW)):
                if clustered[a, b] == _TAKEN:
                    continue
                if clustered[a, b] == _EMPTY:
                    ecal[a, b] = np.random.normal() * d.ecal_noise
                    clustered[a, b] = _DRAWN
                if ecal[a, b] > d.ecal_threshold:
                    clustered[a, b] = _TAKEN
                    stack[top] = a * WINDOW + b
                    top += 1


@compiled
def read_out(c: Canvas, cell: Any, code: Any, value: Any, first: int, d: Any) -> int:
    """Write the hits of the canvas from position ``first`` on; returns the position after them."""
    ti, tj = centre(c.towers, c.axis, c.origin, d)
    rows, cols = slice(ti * TOWER, ti * TOWER + WINDOW), slice(tj * TOWER, tj * TOWER + WINDOW)
    tracks, ecal = c.tracks[rows, cols], c.ecal[rows, cols]
    cluster(ecal, c.clustered, c.stack, d)
    m = first
    for i in range(WINDOW):
        for j in range(WINDOW):
            if tracks[i, j] > 0:
                cell[m], code[m], value[m] = i * WINDOW + j, 0, tracks[i, j]
                m += 1
    for i in range(WINDOW):
        for j in range(WINDOW):
            if c.clustered[i, j] == _TAKEN:
                cell[m], code[m], value[m] = i * WINDOW + j, 1, ecal[i, j]
                m += 1
    for i in range(WINDOW // TOWER):
        for j in range(WINDOW // TOWER):
            energy = c.towers[ti + i, tj + j] + np.random.normal() * d.hcal_noise
            if energy > d.hcal_threshold:
                middle = (i * TOWER + TOWER // 2) * WINDOW + j * TOWER + TOWER // 2
                cell[m], code[m], value[m] = middle, 2, energy
                m += 1
    return m
