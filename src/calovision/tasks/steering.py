"""Steer the shapes of events that are being made to those that were asked for.

All nodes of a round of cuts are cut at once, none of which knows what the others will do, so that
the shape of a whole channel scatters about what was asked. Variables that are independent but for a
given sum have their laws multiplied with an exponential; so before anything is drawn, the laws'
means tell what the shapes would become, their variances what they can do about it, and all laws are
tilted so that what is missing is made up for. What is left is up to the next round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from calovision.tasks.cuts import Cut, Nodes
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid_hits import Floats
from calovision.tasks.totals import BY_ENERGY, CONE, CORE, Table

MOMENTS = BY_ENERGY - 1  #: shapes that are sums of a node's energy times something of its place
LEAST = 1e-9  #: GeV; energies below count as none
LATER = 1.0  #: variance of what later draws change, in units of that of these
#: what of each shape need not be made up for: shares of the energy, times rad in the middle
TOLERANCE = np.array([3e-3, 1e-3, 1e-3, 7e-4, 4e-3])
MOST = 1.0  #: tilts are no larger: a law should stay itself

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Aims:
    """What the shapes of ``n`` events should become.

    Attributes:
        shapes: ``(n, C, BY_ENERGY)`` see :func:`~calovision.tasks.totals.aims`.
        axes: ``(n, 2)`` eta and phi of the jets' axes.
    """

    shapes: Table
    axes: Table


@lru_cache(maxsize=64)
def places(partition: Partition, level: int) -> Floats:
    """``(R, P, 6)`` of the nodes of a level.

    Means over a node's pixels of being within ``CONE`` of the middle of the window, and of eta and
    phi (rad) where they are, 0 elsewhere; eta and phi of its own middle; its size (rad).
    """
    geometry = partition.geometry
    edges = [a.edges[d] for a, d in zip(partition.axes, partition.depths(level), strict=True)]
    pixels = np.outer(*(np.diff(e) for e in edges))
    cell = np.arange(geometry.cells).reshape(geometry.rows, geometry.cols)
    near = geometry.radius(cell) < CONE
    eta, phi = geometry.eta(cell), geometry.phi(cell)
    tables = np.stack([near, near * eta, near * phi, eta, phi], -1).astype(np.float64)
    summed = np.add.reduceat(np.add.reduceat(tables, edges[0][:-1], 0), edges[1][:-1], 1)
    pixel = float(eta[1, 0] - eta[0, 0])
    size = pixel * np.sqrt(pixels)[..., None]
    return np.concatenate([summed / pixels[..., None], size], -1).astype(np.float32)


class Round:
    """What the nodes of one round of cuts can do for the shapes of their events.

    Args:
        cut: the stage.
        nodes: ``(m, 3)``, all of which divide.
        content: ``(m, C, 2)`` hits, and energy above threshold (GeV).
        threshold: ``(C,)`` GeV.
        sums: ``(n, C, MOMENTS + 1)`` of all nodes of the events, see :func:`add_sums`.
        aims: of the events.
        here: :func:`places` of the level that is cut.
        following: the same of the next one.
    """

    def __init__(
        self,
        cut: Cut,
        nodes: Nodes,
        content: Floats,
        threshold: Floats,
        sums: Sums,
        aims: Aims,
        here: Floats,
        following: Floats,
    ) -> None:
        self.nodes, self.content, self.sums, self.aims = nodes, content, sums, aims
        self.energy = content[..., 0] * threshold[: content.shape[1]] + content[..., 1]
        tables = cut.axis, cut.first, cut.second
        self.moments = _round_moments(nodes, aims.axes, here, following, *tables)

    def tilts(self, channel: int, parts: Table) -> Table:
        """``(m,)`` how the laws of nodes should be tilted towards their first halves.

        Args:
            channel: which one.
            parts: ``(m, 2)`` mean and variance, by its law, of the first half's part of a node's
                energy.
        """
        found = np.zeros(len(self.nodes))
        shapes, energy = self.aims.shapes[:, channel], self.energy[:, channel]
        _tilts(found, self.nodes, energy, parts, self.moments, self.sums[:, channel], shapes)
        return found


@numba.njit(cache=True)
def _moments(place, axis, out):  # type: ignore[no-untyped-def]
    """Write by what a node's energy counts in each of the sums.

    Being near the middle of the window, eta and phi there; distance (rad) to the jet's ``axis``
    within ``CONE`` of it, and being within ``CORE`` of it.
    """
    distance = np.hypot(place[3] - axis[0], place[4] - axis[1])
    near = min(max((CONE - distance) / place[5] + 0.5, 0.0), 1.0)
    out[0], out[1], out[2] = place[0], place[1], place[2]
    out[3] = near * distance
    out[4] = min(max((CORE - distance) / place[5] + 0.5, 0.0), 1.0)


@numba.njit(cache=True)
def add_sums(sums, sign, nodes, content, threshold, axes, place):  # type: ignore[no-untyped-def]
    """Add ``sign`` times what nodes contribute to the sums of their events.

    Args:
        sums: ``(n, C, MOMENTS + 1)``: energy (GeV) times each moment, and energy.
        sign: 1, or -1 to take away.
        nodes: ``(m, 3)`` event, row, column.
        content: ``(m, C, 2)`` or more channels: hits, and energy above threshold (GeV).
        threshold: ``(C,)`` GeV.
        axes: ``(n, 2)`` eta and phi of the jets' axes.
        place: :func:`places` of the nodes' level.
    """
    moment = np.empty(MOMENTS)
    for k in range(len(nodes)):
        b = nodes[k, 0]
        _moments(place[nodes[k, 1], nodes[k, 2]], axes[b], moment)
        for c in range(sums.shape[1]):
            if content[k, c, 0] != 0.0:
                energy = sign * (np.float64(content[k, c, 0]) * threshold[c] + content[k, c, 1])
                for x in range(MOMENTS):
                    sums[b, c, x] += energy * moment[x]
                sums[b, c, MOMENTS] += energy


@numba.njit(cache=True)
def _round_moments(  # type: ignore[no-untyped-def]
    nodes, axes, here, following, axis, first, second
):
    """``(m, 3, MOMENTS)`` of nodes and of their halves."""
    found = np.empty((len(nodes), 3, MOMENTS))
    for k in range(len(nodes)):
        b, i, j = nodes[k, 0], nodes[k, 1], nodes[k, 2]
        _moments(here[i, j], axes[b], found[k, 0])
        interval = i if axis == 0 else j
        for half in range(2):
            child = first[interval] if half == 0 else second[interval]
            at = following[child, j] if axis == 0 else following[i, child]
            _moments(at, axes[b], found[k, 1 + half])
    return found


@numba.njit(cache=True)
def _tilts(out, nodes, energy, parts, moments, sums, wanted):  # type: ignore[no-untyped-def]
    n = len(sums)
    lacking, squares = np.zeros((n, MOMENTS)), np.zeros((n, MOMENTS, MOMENTS))
    for b in range(n):
        for x in range(MOMENTS):
            lacking[b, x] = wanted[b, x] * sums[b, MOMENTS] - sums[b, x]
    for k in range(len(nodes)):
        if energy[k] > LEAST:
            b, part = nodes[k, 0], parts[k, 0]
            for x in range(MOMENTS):
                one, two = moments[k, 1, x], moments[k, 2, x]
                lacking[b, x] -= energy[k] * (part * one + (1 - part) * two - moments[k, 0, x])
                weight = parts[k, 1] * energy[k] ** 2 * (one - two)
                for y in range(x + 1):
                    squares[b, x, y] += weight * (moments[k, 1, y] - moments[k, 2, y])
    for b in range(n):
        total = sums[b, MOMENTS]
        if total > LEAST:
            for x in range(MOMENTS):
                least = (TOLERANCE[x] * total) ** 2
                squares[b, x, x] = (1 + LATER) * squares[b, x, x] + least
            solve(squares[b], lacking[b])
    for k in range(len(nodes)):
        if energy[k] > LEAST:
            b, tilt = nodes[k, 0], 0.0
            for x in range(MOMENTS):
                tilt += energy[k] * (moments[k, 1, x] - moments[k, 2, x]) * lacking[b, x]
            out[k] = min(max(tilt, -MOST), MOST)


@numba.njit(cache=True)
def solve(matrix, vector):  # type: ignore[no-untyped-def]
    """Solve equations in place, by Cholesky's decomposition of the lower triangle."""
    size = len(vector)
    for x in range(size):
        for y in range(x + 1):
            left = matrix[x, y]
            for z in range(y):
                left -= matrix[x, z] * matrix[y, z]
            matrix[x, y] = np.sqrt(left) if x == y else left / matrix[y, y]
    for x in range(size):
        for z in range(x):
            vector[x] -= matrix[x, z] * vector[z]
        vector[x] /= matrix[x, x]
    for x in range(size - 1, -1, -1):
        for z in range(x + 1, size):
            vector[x] -= matrix[z, x] * vector[z]
        vector[x] /= matrix[x, x]
