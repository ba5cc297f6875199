"""Which crystals of a crop are stored: selective read-out, then the clusters around the seeds.

CMS reads out all crystals near energetic trigger towers, whatever their energy, and little
elsewhere (CMS detector paper, JINST 3 S08004, section 4.3). Of these, reconstruction keeps the
ones in clusters: strips of five crystals side by side along phi (the hybrid algorithm, JINST 10
P06005, arXiv:1502.02701), squares around the seeds, crystals connected to a seed (particle flow,
arXiv:1706.04965), and isolated ones well above noise.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calovision.events.geometry import CRYSTAL_ETA
from calovision.simulation.detector import TOWER
from calovision.utils.compiled import fast

HALF = 2  #: crystals to each side of a seed in a strip and in the square around it
REACH = 17  #: strips to each side of a seed
_OUT, _SEEN, _KEPT = 0, 1, 2


class ReadOut(NamedTuple):
    """Noise and thresholds of crystals in crops.

    Noise, interest, strips and seeds are those that CMS published for Run 1; the other three were
    read off the least energies in 100 real crops of the public set.
    """

    noise: float = 0.046  #: r.m.s. noise per crystal, GeV
    interest: float = 2.0  #: transverse energy of a trigger tower read out with its neighbours, GeV
    suppression: float = 0.17  #: zero suppression of crystals in other towers, GeV
    strip: float = 0.1  #: energy of a strip that belongs to a cluster, GeV
    strip_peak: float = 0.35  #: energy of a cluster's largest strip, GeV
    seed: float = 1.0  #: transverse energy of a seed of strips, GeV
    connected_seed: float = 0.23  #: energy of a crystal that others are connected to, GeV
    connected: float = 0.08  #: energy of a crystal connected to it, GeV
    isolated: float = 0.095  #: energy of any other crystal, GeV


READ_OUT = ReadOut()


@fast
def _read_out(ecal: Any, kept: Any, row: int, col: int, r: Any) -> None:
    """Mark the crystals that selective read-out lets through as seen."""
    rows, cols = ecal.shape
    a, b = row // TOWER, col // TOWER
    towers = np.zeros((rows // TOWER + 4, cols // TOWER + 4))
    for i in range(rows):
        for j in range(cols):
            slope = math.cosh((row + i + 0.5) * CRYSTAL_ETA)
            towers[(row + i) // TOWER - a + 1, (col + j) // TOWER - b + 1] += ecal[i, j] / slope
    for i in range(rows):
        for j in range(cols):
            s, t = (row + i) // TOWER - a + 1, (col + j) // TOWER - b + 1
            whole = towers[s - 1 : s + 2, t - 1 : t + 2].max() > r.interest
            kept[i, j] = _SEEN if whole or ecal[i, j] > r.suppression else _OUT


@fast
def _strips(ecal: Any, kept: Any, used: Any, i: int, j: int, r: Any) -> None:
    """Keep the crystals of the clusters that strips along phi through a seed make."""
    rows, cols = ecal.shape
    low, high = max(i - HALF, 0), min(i + HALF + 1, rows)
    first, last = max(j - REACH, 0), min(j + REACH + 1, cols)
    used[i, j] = True
    strip = np.zeros(cols + 1)  # the last one stays empty and ends a cluster
    for b in range(first, last):
        for a in range(low, high):
            if kept[a, b] != _OUT and (not used[a, b] or (a == i and b == j)):
                strip[b] += max(ecal[a, b], 0.0)
    begin = first
    for b in range(first, last + 1):
        if b < last and strip[b] > r.strip:
            continue
        if b > begin and strip[begin:b].max() > r.strip_peak:
            for c in range(begin, b):
                for a in range(low, high):
                    if kept[a, c] != _OUT:
                        kept[a, c], used[a, c] = _KEPT, True
                left = strip[c - 1] if c > 0 else 0.0
                if strip[c] > r.strip_peak and left < strip[c] >= strip[c + 1]:
                    _square(ecal, kept, low + int(ecal[low:high, c].argmax()), c)
        begin = b + 1


@fast
def _square(ecal: Any, kept: Any, i: int, j: int) -> None:
    """Keep the crystals around the hottest one of a peak."""
    for a in range(max(i - HALF, 0), min(i + HALF + 1, ecal.shape[0])):
        for b in range(max(j - HALF, 0), min(j + HALF + 1, ecal.shape[1])):
            if kept[a, b] != _OUT:
                kept[a, b] = _KEPT


@fast
def _connect(ecal: Any, kept: Any, r: Any) -> None:
    """Keep the crystals that are connected to an energetic one, across corners too."""
    rows, cols = ecal.shape
    stack = np.empty((rows * cols, 2), np.int64)
    found = np.zeros((rows, cols), np.bool_)
    top = 0
    for i in range(rows):
        for j in range(cols):
            if kept[i, j] != _OUT and ecal[i, j] > r.connected_seed:
                stack[top, 0], stack[top, 1], found[i, j] = i, j, True
                top += 1
    while top > 0:
        top -= 1
        i, j = stack[top]
        kept[i, j] = _KEPT
        for a in range(max(i - 1, 0), min(i + 2, rows)):
            for b in range(max(j - 1, 0), min(j + 2, cols)):
                if kept[a, b] != _OUT and not found[a, b] and ecal[a, b] > r.connected:
                    stack[top, 0], stack[top, 1], found[a, b] = a, b, True
                    top += 1


@fast
def store(ecal: Any, kept: Any, row: int, col: int, r: Any) -> None:
    """Choose the crystals of a crop that are stored: none without a seed.

    Args:
        ecal: ``(rows, cols)`` energies with noise, GeV; may be negative.
        kept: of the same shape, int8; filled with 1 for what is stored, 0 elsewhere.
        row: number of the first row along eta, 0 beginning at eta = 0; trigger towers begin at
            multiples of five.
        col: number of the first column along phi.
        r: a record of :class:`ReadOut`.
    """
    rows, cols = ecal.shape
    _read_out(ecal, kept, row, col, r)
    used = np.zeros((rows, cols), np.bool_)
    found = False
    while True:
        best, si, sj = r.seed, -1, -1
        for i in range(rows):
            slope = math.cosh((row + i + 0.5) * CRYSTAL_ETA)
            for j in range(cols):
                if kept[i, j] != _OUT and not used[i, j] and ecal[i, j] / slope > best:
                    best, si, sj = ecal[i, j] / slope, i, j
        if si < 0:
            break
        found = True
        _strips(ecal, kept, used, si, sj, r)
    _connect(ecal, kept, r)
    for i in range(rows):
        for j in range(cols):
            stored = kept[i, j] == _KEPT or (kept[i, j] == _SEEN and ecal[i, j] > r.isolated)
            kept[i, j] = 1 if found and stored and ecal[i, j] > 0 else 0
