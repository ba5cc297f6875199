"""One level of the binary tree: which nodes are split in two, and the features of each.

Nodes are cut in two rounds, like the black and the white fields of a chessboard: the second round
sees how the four neighbours of a node have been cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.models.generators.splitting.binary_tree import BinaryTree, Ints
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.hits import Floats
from calovision.utils.compiled import compiled

COARSE = 1  #: nodes of the coarser level that a node sees in every direction
PLACE = 6  #: numbers that tell where a node is and how it is cut
SIDES = 4  #: neighbours whose halves a node of the second round sees

Nodes = NDArray[np.int32]


@dataclass(frozen=True)
class Cut:
    """Tables of one stage.

    Attributes:
        axis: 0 for a cut along eta, 1 along phi.
        first, second: children of every interval of the cut axis; the second is -1 if there is
            only one.
        cells: ``(2, R, P, C)`` readout cells in both halves of every node, of the channels that
            are cut.
        place: ``(R, P, PLACE)`` position (window half-widths) and size of every node.
        coarse: per axis, the interval of the coarser level around every interval.
        channels: number of channels that are cut.
        inputs: numbers in the context of a node.
    """

    axis: int
    first: Ints
    second: Ints
    cells: Floats
    place: Floats
    coarse: tuple[Ints, Ints]
    channels: int
    inputs: int

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, partition: BinaryTree, stage: int) -> Cut:
        """The tables of a stage of a partition."""
        axis, axes = stage % 2, partition.axes
        depths, channels = partition.depths(stage), partition.channels(stage + 1)
        first, second = axes[axis].children(depths[axis])
        after = axes[axis].widths(depths[axis] + 1)
        halves = np.stack([after[first], np.where(second >= 0, after[second], 0)])
        other = axes[1 - axis].widths(depths[1 - axis])
        pixels = halves[:, :, None] * other if axis == 0 else other[:, None] * halves[:, None]
        blocks = np.array([partition.geometry.channels[c].block ** 2 for c in channels])
        around = partition.coarse(stage)
        coarse = partition.depths(around)
        seen = (2 * PAD + 1) ** 2 * len(partition.channels(stage))
        seen += (2 * COARSE + 1) ** 2 * len(partition.channels(around))
        return cls(
            axis,
            first,
            second,
            (pixels[..., None] // blocks).astype(np.float32),
            _places(partition, depths, pixels),
            (axes[0].ancestors(depths[0], coarse[0]), axes[1].ancestors(depths[1], coarse[1])),
            len(channels),
            2 * seen + SIDES * 4 * len(channels) + 1 + PLACE,
        )

    @property
    def tables(self) -> tuple[Any, ...]:
        """What :func:`contexts` needs."""
        return *self.coarse, self.axis, self.first, self.second, self.place, self.channels

    def firsts(self, nodes: Nodes) -> Nodes:
        """First children of ``nodes``, ``(m, 3)``."""
        children = nodes.copy()
        children[:, 1 + self.axis] = self.first[nodes[:, 1 + self.axis]]
        return children

    def divides(self, nodes: Nodes) -> NDArray[np.bool_]:
        """Which of ``nodes`` have two children; others are narrow enough already."""
        return np.asarray(self.second[nodes[:, 1 + self.axis]] >= 0)


def _places(partition: BinaryTree, depths: tuple[int, int], pixels: Ints) -> Floats:
    """``(R, P, PLACE)`` eta, phi, radius and its logarithm, share of the first half, size."""
    middles = []
    for axis, depth in zip(partition.axes, depths, strict=True):
        edges = axis.edges[depth]
        middles.append((edges[1:] + edges[:-1]) / edges[-1] - 1)
    eta, phi = np.meshgrid(*middles, indexing="ij")
    radius, size = np.hypot(eta, phi), pixels.sum(0)
    table = [eta, phi, radius, np.log(radius + 0.02), pixels[0] / size, np.log(size) / 5]
    return np.stack(table, -1).astype(np.float32)


@compiled
def contexts(  # type: ignore[no-untyped-def]
    out, before, nodes, number, here, following, around, *tables
):
    """Write to ``out`` ``(m, inputs)`` what ``number`` nodes see, from row ``before``.

    Args:
        out: to write to.
        before: rows that are written already.
        nodes: ``(m, 3)`` image, row and column.
        number: of nodes.
        here: the level that is cut, as networks see it.
        following: the next level; nodes of the second round see their neighbours' parts of it.
        around: the coarser level, see :meth:`BinaryTree.coarse`.
        tables: :attr:`Cut.tables`.
    """
    coarse_row, coarse_col, axis, first, second, place, cut = tables
    rows, cols = place.shape[0], place.shape[1]
    flat, width = out.reshape(-1), out.shape[1]
    here_flat, around_flat = here.reshape(-1), around.reshape(-1)
    following_flat = following.reshape(-1)
    place_flat = place.reshape(-1)
    size = following.shape[3]
    wide, narrow = (2 * PAD + 1) * here.shape[3], (2 * COARSE + 1) * around.shape[3]
    for k in range(number):
        b, i, j = np.int64(nodes[k, 0]), np.int64(nodes[k, 1]), np.int64(nodes[k, 2])
        at = (before + k) * width
        # Neighbours in a row lie side by side in memory.
        for di in range(2 * PAD + 1):
            start = ((b * here.shape[1] + i + di) * here.shape[2] + j) * here.shape[3]
            _copy(flat, at, here_flat, start, wide)
            at += wide
        u, v = coarse_row[i] + PAD - COARSE, coarse_col[j] + PAD - COARSE
        for di in range(2 * COARSE + 1):
            start = ((b * around.shape[1] + u + di) * around.shape[2] + v) * around.shape[3]
            _copy(flat, at, around_flat, start, narrow)
            at += narrow
        late = (i + j) % 2
        for side in range(SIDES):
            for half in range(2):
                u, v = 0, 0  # a corner of the padding, which is empty
                if late:
                    u, v = neighbour_half(i, j, side, half, rows, cols, axis, first, second)
                row = b * following.shape[1] + u
                _copy(flat, at, following_flat, (row * following.shape[2] + v) * size, 2 * cut)
                at += 2 * cut
        flat[at] = late
        _copy(flat, at + 1, place_flat, (i * cols + j) * PLACE, PLACE)


@compiled
def _copy(to, at, source, start, number):  # type: ignore[no-untyped-def]
    for x in range(number):
        to[np.uint64(at + x)] = source[np.uint64(start + x)]


@compiled
def neighbour_half(  # type: ignore[no-untyped-def]
    i, j, side, half, rows, cols, axis, first, second
):
    """Row and column in the next level, padding counted, of a half of a neighbour of a node.

    Those of a corner of the padding, which is empty, where there is no such half.
    """
    ni = i + (side == 0) - (side == 1)
    nj = j + (side == 2) - (side == 3)
    if not (0 <= ni < rows and 0 <= nj < cols):
        return 0, 0
    interval = ni if axis == 0 else nj
    child = first[interval] if half == 0 else second[interval]
    if child < 0:
        return 0, 0
    return (child + PAD, nj + PAD) if axis == 0 else (ni + PAD, child + PAD)
