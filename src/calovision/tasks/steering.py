"""What the shapes of half-made events still lack of those that were asked for.

A cascade decides many nodes at a time, none of which knows what the others will do, so that the
shape of a whole channel scatters about what was asked. Before every round of cuts it is therefore
measured on the nodes as they are now, as if the energy of each were where its middle is, and the
networks are told what is missing; what one round did too much, the next one undoes. Every node is
also told its own part in that, as a tilt of its law towards one of its halves: the laws of
independent variables whose sum is given are multiplied with an exponential, and how much depends on
what each can do for the sum.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.tasks.cuts import LEADS, Cut, Nodes
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid_hits import Floats
from calovision.tasks.totals import CONE, CORE, SHAPES

MOMENTS = SHAPES - 1  #: shapes that are sums of a node's energy times something of its place
SUMS = SHAPES + 1  #: sums from which a channel's shapes follow, and its energy
PLACE = 6  #: numbers of a node's place, see :func:`places`
LEAST = 1e-9  #: GeV, and its square; energies below count as none
LATER = 1.5  #: variance of what later rounds change, in units of that of this round
RIDGE = 0.02  #: the same, in units of the usual variance of what is missing, where cuts do nothing
ONE_HIT, MANY_HITS = 0.25, 0.05  #: variance of the first half's part of the energy, about
MOST = 4.0  #: what a node is told is not larger
CLOSEST = 1e-6  #: standard deviations are no smaller
FLOOR = 0.01  #: added to pTD, so that there is a logarithm
FARTHEST = 5.0  #: standard deviations beyond which what is missing is cut off

Sums = NDArray[np.float64]


@lru_cache(maxsize=64)
def places(partition: Partition, level: int) -> Floats:
    """``(R, P, PLACE)`` of the nodes of a level.

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


@numba.njit(cache=True)
def moments(place, axis, out):  # type: ignore[no-untyped-def]
    """Write by what a node's energy counts in each of the sums, :data:`MOMENTS` of them.

    Being near the middle of the window, eta and phi there; distance (rad) to the jet's ``axis``
    within ``CONE`` of it, and being within ``CORE`` of it. Returns being within ``CONE`` of it.
    """
    distance = np.hypot(place[3] - axis[0], place[4] - axis[1])
    near = min(max((CONE - distance) / place[5] + 0.5, 0.0), 1.0)
    out[0], out[1], out[2] = place[0], place[1], place[2]
    out[3] = near * distance
    out[4] = min(max((CORE - distance) / place[5] + 0.5, 0.0), 1.0)
    return near


@numba.njit(cache=True)
def add_sums(sums, sign, nodes, content, threshold, axes, place):  # type: ignore[no-untyped-def]
    """Add ``sign`` times what nodes contribute to the sums of their images.

    Args:
        sums: ``(n, C, SUMS)``: energy times each of the :func:`moments`, its square near the axis,
            and energy (GeV).
        sign: 1, or -1 to take away.
        nodes: ``(m, 3)`` image, row, column.
        content: ``(m, C, 2)`` or more channels: hits, and energy above threshold (GeV).
        threshold: ``(C,)`` GeV.
        axes: ``(n, 2)`` eta and phi of the jets' axes.
        place: :func:`places` of the nodes' level.
    """
    moment = np.empty(MOMENTS)
    for k in range(len(nodes)):
        b = nodes[k, 0]
        near = moments(place[nodes[k, 1], nodes[k, 2]], axes[b], moment)
        for c in range(sums.shape[1]):
            if content[k, c, 0] != 0.0:
                energy = np.float64(content[k, c, 0]) * threshold[c] + content[k, c, 1]
                add_node(sums[b, c], sign, energy, moment, near)


@numba.njit(cache=True)
def add_node(sums, sign, energy, moment, near):  # type: ignore[no-untyped-def]
    """Add ``sign`` times a node of some energy (GeV) to the sums ``(SUMS,)`` of its channel."""
    for x in range(MOMENTS):
        sums[x] += sign * energy * moment[x]
    sums[MOMENTS] += sign * energy * energy * near
    sums[SHAPES] += sign * energy


def lead(
    out: Floats,
    cut: Cut,
    front: tuple[Nodes, Floats],
    sums: Sums,
    aims: tuple[Floats, Floats],
    scale: Floats,
    threshold: Floats,
    place: Floats,
) -> None:
    """Write what each node's cut should do to the last ``LEADS C`` columns of ``out``.

    For every channel: the tilt of its law towards the first half; its energy over the root of the
    summed squares of all near the axis, and that times what pTD lacks. The tilt is
    ``lever @ (levers.T @ V @ levers + rest)^-1 @ missing``, all in units of what is usually
    missing: a tilt moves the mean of a part by as much times its variance, of which the diagonal
    matrix ``V`` holds a guess, so the parts make up for what is missing but for what is left to
    later rounds. Their variance, the rest, is ``LATER`` times the diagonal of this round's, and
    ``RIDGE``.

    Args:
        out: ``(m, inputs)`` contexts of all nodes of a round.
        cut: its tables.
        front: nodes ``(m, 3)``, all of which divide, and their contents ``(m, C, 2)``.
        sums: ``(n, C, SUMS)`` of their images, see :func:`add_sums`.
        aims: shapes ``(n, C, SHAPES)`` and axes ``(n, 2)`` that are asked for.
        scale: ``(n, 2, K)`` mean and standard deviation of what is missing in the images' round, of
            which the first ``SHAPES C`` are used.
        threshold: ``(C,)`` GeV.
        place: :func:`places` of the next level.
    """
    tables = cut.axis, cut.first, cut.second
    _lead(out, *front, sums, *aims, scale[:, 0], scale[:, 1], threshold, place, *tables)


@numba.njit(cache=True)
def _lead(  # type: ignore[no-untyped-def]
    out, nodes, content, sums, wanted, axes, mean, deviation, threshold, place, axis, first, second
):
    n, channels, m = len(sums), sums.shape[1], len(nodes)
    squares = np.zeros((n, channels, MOMENTS, MOMENTS))
    levers = np.empty((m, MOMENTS))
    one, two = np.empty(MOMENTS), np.empty(MOMENTS)
    for k in range(m):
        b, i, j = nodes[k, 0], nodes[k, 1], nodes[k, 2]
        interval = i if axis == 0 else j
        for half in range(2):
            child = first[interval] if half == 0 else second[interval]
            at = place[child, j] if axis == 0 else place[i, child]
            moments(at, axes[b], one if half == 0 else two)
        for x in range(MOMENTS):
            levers[k, x] = one[x] - two[x]
        for c in range(channels):
            if content[k, c, 0] != 0.0:
                energy = np.float64(content[k, c, 0]) * threshold[c] + content[k, c, 1]
                part = energy / max(sums[b, c, SHAPES], LEAST)
                spread = MANY_HITS + (ONE_HIT - MANY_HITS) / np.float64(content[k, c, 0])
                for x in range(MOMENTS):
                    own = spread * part * levers[k, x] / deviation[b, SHAPES * c + x]
                    for y in range(x + 1):
                        other = part * levers[k, y] / deviation[b, SHAPES * c + y]
                        squares[b, c, x, y] += own * other
    force, ptd = np.zeros((n, channels, MOMENTS)), np.zeros((n, channels))
    for b in range(n):
        for c in range(channels):
            if sums[b, c, SHAPES] > LEAST:
                for x in range(MOMENTS):
                    at = SHAPES * c + x
                    lacking = wanted[b, c, x] - sums[b, c, x] / sums[b, c, SHAPES] - mean[b, at]
                    force[b, c, x] = lacking / deviation[b, at]
                _solve(squares[b, c], force[b, c])
                for x in range(MOMENTS):
                    force[b, c, x] /= deviation[b, SHAPES * c + x]
                own = np.sqrt(max(sums[b, c, MOMENTS], LEAST)) / sums[b, c, SHAPES]
                at = SHAPES * c + MOMENTS
                lacking = np.log((max(wanted[b, c, MOMENTS], 0.0) + FLOOR) / (own + FLOOR))
                ptd[b, c] = (lacking - mean[b, at]) / deviation[b, at]
    start = out.shape[1] - LEADS * channels
    for k in range(m):
        b = nodes[k, 0]
        for c in range(channels):
            energy = np.float64(content[k, c, 0]) * threshold[c] + content[k, c, 1]
            part, tilt = energy / max(sums[b, c, SHAPES], LEAST), 0.0
            for x in range(MOMENTS):
                tilt += part * levers[k, x] * force[b, c, x]
            share = min(energy / np.sqrt(max(sums[b, c, MOMENTS], LEAST)), MOST)
            at = start + LEADS * c
            out[k, at] = min(max(tilt, -MOST), MOST)
            out[k, at + 1] = share
            out[k, at + 2] = min(max(share * ptd[b, c], -MOST), MOST)


@numba.njit(cache=True)
def _solve(matrix, vector):  # type: ignore[no-untyped-def]
    """Solve ``(matrix + rest) x = vector`` in place, by Cholesky's decomposition."""
    size = len(vector)
    for x in range(size):
        matrix[x, x] = (1 + LATER) * matrix[x, x] + RIDGE
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


def missing(sums: Tensor, wanted: Tensor) -> Tensor:
    """``(n, SHAPES C)`` float64 what is asked for less what is there, of pTD its logarithm.

    Args:
        sums: ``(n, C, SUMS)`` see :func:`add_sums`.
        wanted: ``(n, C, SHAPES)`` see :func:`~calovision.tasks.totals.aims`; pTD of nodes, not of
            hits, is what it is compared with.
    """
    energy = sums[..., SHAPES:]
    lacking = wanted[..., :MOMENTS] - sums[..., :MOMENTS] / energy.clamp(min=LEAST)
    ptd = sums[..., MOMENTS:SHAPES].clamp(min=LEAST).sqrt() / energy.clamp(min=LEAST)
    spread = torch.log((wanted[..., MOMENTS:].clamp(min=0) + FLOOR) / (ptd + FLOOR))
    found = torch.cat([lacking, spread], -1)
    return torch.where(energy > LEAST, found, torch.zeros_like(found)).flatten(1)


class Steering(nn.Module):
    """What networks are told of an event before a round of cuts.

    Args:
        partition: of the window.
        totals: numbers about the whole event, which they are always told.
    """

    scale: Tensor

    def __init__(self, partition: Partition, totals: int) -> None:
        super().__init__()
        self.partition, self.totals = partition, totals
        channels = len(partition.geometry.channels)
        # By stage and round, mean and standard deviation of what is missing.
        self.register_buffer("scale", torch.ones(partition.stages, 2, 2, SHAPES * channels))

    def told(self, stage: int) -> int:
        """How many numbers they are told."""
        return self.totals + SHAPES * len(self.partition.channels(stage + 1))

    def aims(self, asked: Tensor, channels: int) -> tuple[Tensor, Tensor]:
        """Shapes ``(n, C, SHAPES)`` of the first channels, and axes ``(n, 2)``."""
        shapes = asked[:, self.totals : self.totals + SHAPES * channels]
        return shapes.reshape(-1, channels, SHAPES), asked[:, -2:]

    def forward(self, asked: Tensor, sums: Tensor, stage: int, turn: int) -> Tensor:
        """``(n, told)`` float32 totals, and what is missing in each shape, of order one.

        Args:
            asked: ``(n, totals + SHAPES C + 2)`` totals, shapes and axes that are asked for.
            sums: ``(n, c, SUMS)`` of the channels that are cut, see :func:`add_sums`.
            stage: which cut.
            turn: 0 before the first round, 1 before the second.
        """
        told = self.lacking(asked, sums, stage, turn).clamp(-FARTHEST, FARTHEST)
        return torch.cat([asked[:, : self.totals], told.float()], 1)

    def lacking(self, asked: Tensor, sums: Tensor, stage: int, turn: int) -> Tensor:
        """``(n, SHAPES c)`` float64 what is missing, in units of what usually is."""
        found = self._missing(asked, sums)
        mean, deviation = self.scale[stage, turn, :, : found.shape[1]].double()
        units: Tensor = (found - mean) / deviation
        return units

    def learn(self, asked: Tensor, sums: Tensor, stage: int, turn: int) -> None:
        """Find mean and standard deviation, see :meth:`forward`."""
        lacking = self._missing(asked, sums)
        here = self.scale[stage, turn, :, : lacking.shape[1]]
        here[0] = lacking.mean(0).float()
        here[1] = lacking.std(0, correction=0).clamp(min=CLOSEST).float()

    def _missing(self, asked: Tensor, sums: Tensor) -> Tensor:
        return missing(sums, self.aims(asked, sums.shape[1])[0].double())
