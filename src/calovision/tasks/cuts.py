"""One stage of the cascade: which nodes are cut in two, and what each of them sees.

Nodes are cut in two rounds, like the black and the white fields of a chessboard: the second round
sees how the four neighbours of a node have been cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from calovision.tasks.partition import Ints, Partition
from calovision.tasks.pyramid import PAD, Floats, Level, read

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
    def of(cls, partition: Partition, stage: int) -> Cut:
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

    def rounds(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Nodes ``(m, 3)`` of both rounds."""
        late = (nodes[:, 1] + nodes[:, 2]) % 2 == 1
        return nodes[~late], nodes[late]

    def contexts(self, nodes: Nodes, here: Level, following: Level, around: Level) -> Floats:
        """``(m, inputs)`` what each node sees.

        Args:
            nodes: ``(m, 3)`` image, row and column.
            here: the level that is cut.
            following: the next level; nodes of the second round see their neighbours' parts of it.
            around: the coarser level, see :meth:`Partition.coarse`.
        """
        out = np.empty((len(nodes), self.inputs), np.float32)
        _contexts(
            out,
            nodes,
            here.seen,
            following.seen,
            around.seen,
            *self.coarse,
            self.axis,
            self.first,
            self.second,
            self.place,
            self.channels,
        )
        return out

    def contents(self, nodes: Nodes, here: Level) -> Floats:
        """``(m, C, 2)`` hits and energy above threshold of the channels that are cut."""
        return read(here, nodes, self.channels)

    def limits(self, nodes: Nodes, hits: Floats) -> tuple[Floats, Floats]:
        """Fewest and most of ``hits`` ``(m, C)`` that can lie in the first half."""
        room = self.cells[:, nodes[:, 1], nodes[:, 2]]
        return np.maximum(hits - room[1], 0), np.minimum(hits, room[0])

    def firsts(self, nodes: Nodes) -> Nodes:
        """First children of ``nodes``, ``(m, 3)``."""
        children = nodes.copy()
        children[:, 1 + self.axis] = self.first[nodes[:, 1 + self.axis]]
        return children

    def seconds(self, nodes: Nodes) -> Nodes:
        """Second children of ``nodes`` that divide, ``(m, 3)``."""
        children = nodes.copy()
        children[:, 1 + self.axis] = self.second[nodes[:, 1 + self.axis]]
        return children

    def divides(self, nodes: Nodes) -> NDArray[np.bool_]:
        """Which of ``nodes`` have two children; others are narrow enough already."""
        return np.asarray(self.second[nodes[:, 1 + self.axis]] >= 0)


def known_cuts(
    partition: Partition, stage: int, levels: Callable[[int], tuple[Level, Nodes]]
) -> tuple[Any, ...]:
    """How true images are cut at a stage: arrays of all nodes that divide.

    Args:
        partition: of the window.
        stage: which cut.
        levels: of the images, and their nodes; see :func:`~calovision.tasks.pyramid.pyramid`.

    Returns:
        image ``(m,)`` int64, context ``(m, inputs)``, contents of the nodes and of their first
        halves ``(m, C, 2)``, fewest and most hits of the first halves ``(m, C)``.
    """
    cut = Cut.of(partition, stage)
    here, nodes = levels(stage)
    following, around = levels(stage + 1)[0], levels(partition.coarse(stage))[0]
    kept, owner = np.empty_like(nodes), np.empty(len(nodes), np.int64)
    contents = np.empty((2, len(nodes), cut.channels, 2), np.float32)
    limits = np.empty((2, len(nodes), cut.channels), np.float32)
    tables = (cut.axis, cut.first, cut.second, cut.cells)
    found = _known(kept, owner, contents, limits, nodes, here.content, following.content, *tables)
    context = cut.contexts(kept[:found], here, following, around)
    return owner[:found], context, *contents[:, :found], *limits[:, :found]


@numba.njit(cache=True)
def _known(  # type: ignore[no-untyped-def]
    kept, owner, contents, limits, nodes, here, following, axis, first, second, cells
):
    found, none = 0, np.float32(0.0)
    for k in range(len(nodes)):
        b, i, j = nodes[k]
        place = i if axis == 0 else j
        hits = none
        for c in range(cells.shape[3]):
            hits += here[b, i + PAD, j + PAD, 2 * c]
        if second[place] < 0 or hits == 0.0:
            continue
        u = first[place] if axis == 0 else i
        v = j if axis == 0 else first[place]
        for c in range(cells.shape[3]):
            for x in range(2):
                contents[0, found, c, x] = here[b, i + PAD, j + PAD, 2 * c + x]
                contents[1, found, c, x] = following[b, u + PAD, v + PAD, 2 * c + x]
            hits = contents[0, found, c, 0]
            limits[0, found, c] = max(hits - cells[1, i, j, c], none)
            limits[1, found, c] = min(hits, cells[0, i, j, c])
        kept[found], owner[found] = nodes[k], b
        found += 1
    return found


def _places(partition: Partition, depths: tuple[int, int], pixels: Ints) -> Floats:
    """``(R, P, PLACE)`` eta, phi, radius and its logarithm, share of the first half, size."""
    middles = []
    for axis, depth in zip(partition.axes, depths, strict=True):
        edges = axis.edges[depth]
        middles.append((edges[1:] + edges[:-1]) / edges[-1] - 1)
    eta, phi = np.meshgrid(*middles, indexing="ij")
    radius, size = np.hypot(eta, phi), pixels.sum(0)
    table = [eta, phi, radius, np.log(radius + 0.02), pixels[0] / size, np.log(size) / 5]
    return np.stack(table, -1).astype(np.float32)


@numba.njit(cache=True)
def _contexts(  # type: ignore[no-untyped-def]
    out, nodes, here, following, around, coarse_row, coarse_col, axis, first, second, place, cut
):
    rows, cols = place.shape[0], place.shape[1]
    wide, narrow = (2 * PAD + 1) * here.shape[3], (2 * COARSE + 1) * around.shape[3]
    # Neighbours in a row lie side by side in memory.
    here_flat, around_flat = here.reshape(-1), around.reshape(-1)
    for k in range(len(nodes)):
        b, i, j = nodes[k, 0], nodes[k, 1], nodes[k, 2]
        at = 0
        for di in range(2 * PAD + 1):
            start = ((b * here.shape[1] + i + di) * here.shape[2] + j) * here.shape[3]
            for x in range(wide):
                out[k, at + x] = here_flat[start + x]
            at += wide
        u, v = coarse_row[i] + PAD - COARSE, coarse_col[j] + PAD - COARSE
        for di in range(2 * COARSE + 1):
            start = ((b * around.shape[1] + u + di) * around.shape[2] + v) * around.shape[3]
            for x in range(narrow):
                out[k, at + x] = around_flat[start + x]
            at += narrow
        late = (i + j) % 2
        for side in range(SIDES):
            ni = i + (side == 0) - (side == 1)
            nj = j + (side == 2) - (side == 3)
            inside = late == 1 and 0 <= ni < rows and 0 <= nj < cols
            for half in range(2):
                child = -1
                if inside:
                    place_on_axis = ni if axis == 0 else nj
                    child = first[place_on_axis] if half == 0 else second[place_on_axis]
                ci = child if axis == 0 else ni
                cj = nj if axis == 0 else child
                for c in range(2 * cut):
                    out[k, at] = following[b, ci + PAD, cj + PAD, c] if child >= 0 else 0.0
                    at += 1
        out[k, at] = late
        at += 1
        for p in range(PLACE):
            out[k, at + p] = place[i, j, p]
