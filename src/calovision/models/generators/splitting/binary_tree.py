"""The binary tree of the image window, halved again and again down to single readout cells.

The window is halved along eta and phi in turn. Cuts fall between the largest readout cells (HCAL
towers) until each has a node of its own, and only then inside them, between the next smaller cells,
so that every channel's cells are nodes of some level. The middle of the image, where the axis of a
jet lies, is cut out first: most of the energy is there, and what lies on a cut is hard to share out
well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calovision.events.geometry import Geometry

Ints = NDArray[np.int64]

CORES = (2, 0)  #: reach, in the largest cells, of the regions around the middle one kept whole


def halvings(size: int, blocks: Iterable[int]) -> list[Ints]:
    """Edges of the intervals of ``[0, size)`` at every depth, in pixels.

    Args:
        size: pixels, a multiple of all ``blocks``.
        blocks: pixels along a readout cell, of every channel; each a multiple of all smaller ones.
    """
    depths = [np.array([0, size])]
    for grain in sorted(set(blocks), reverse=True):
        while np.diff(depths[-1]).max() > grain:
            edges = [0]
            for start, stop in pairwise(depths[-1]):
                if stop - start > grain:
                    edges.append(_cut(int(start), int(stop), grain, size))
                edges.append(int(stop))
            depths.append(np.array(edges))
    return depths


def _cut(start: int, stop: int, grain: int, size: int) -> int:
    """Where an interval is cut: around the core of the image if it reaches in, else halfway."""
    middle = size // 2 // grain
    for reach in CORES:
        for edge in ((middle - reach) * grain, (middle + reach + 1) * grain):
            if start < edge < stop:
                return edge
    return start + ((stop - start) // grain + 1) // 2 * grain


@dataclass(frozen=True, eq=False)
class Axis:
    """Intervals of one axis at every depth, and how they lie in one another.

    Attributes:
        edges: per depth ``(m + 1,)`` pixels.
    """

    edges: tuple[Ints, ...]

    @property
    def depth(self) -> int:
        """Number of halvings down to the smallest readout cells."""
        return len(self.edges) - 1

    @cached_property
    def intervals(self) -> list[Ints]:
        """Per depth, the interval of every pixel."""
        return [np.repeat(np.arange(len(e) - 1), np.diff(e)) for e in self.edges]

    def within(self, pixel: Ints, depth: int) -> Ints:
        """Interval at ``depth`` that holds each pixel."""
        return self.intervals[depth][pixel]

    def ancestors(self, depth: int, coarse: int) -> Ints:
        """Interval at the depth ``coarse`` that holds each interval of ``depth``."""
        return self.within(self.edges[depth][:-1], coarse)

    def children(self, depth: int) -> tuple[Ints, Ints]:
        """First child of every interval at the next depth, and the second or -1."""
        first = self.within(self.edges[depth][:-1], depth + 1)
        last = self.within(self.edges[depth][1:] - 1, depth + 1)
        return first, np.where(last > first, last, -1)

    def widths(self, depth: int) -> Ints:
        """Pixels of every interval."""
        return np.diff(self.edges[depth])


@dataclass(frozen=True)
class BinaryTree:
    """All levels of halving of an image window.

    Level 0 is the window; stage ``s`` leads from level ``s`` to level ``s + 1`` by a cut along eta
    (even ``s``) or phi (odd ``s``).

    Attributes:
        geometry: of the images, square ones; channels with small cells come first.
    """

    geometry: Geometry

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """Halvings along eta and along phi."""
        blocks = [c.block for c in self.geometry.channels]
        sizes = (self.geometry.rows, self.geometry.cols)
        return tuple(Axis(tuple(halvings(s, blocks))) for s in sizes)  # type: ignore[return-value]

    @property
    def stages(self) -> int:
        """Number of cuts."""
        return 2 * self.axes[0].depth

    def depths(self, level: int) -> tuple[int, int]:
        """Depth along eta and phi of a level."""
        return (level + 1) // 2, level // 2

    def shape(self, level: int) -> tuple[int, int]:
        """Nodes along eta and phi of a level."""
        (a, b), (eta, phi) = self.depths(level), self.axes
        return len(eta.edges[a]) - 1, len(phi.edges[b]) - 1

    @cached_property
    def finest(self) -> tuple[int, ...]:
        """Per channel, the level whose nodes are its readout cells."""
        widest = [int(np.diff(e).max()) for e in self.axes[0].edges]
        return tuple(
            2 * next(d for d, w in enumerate(widest) if w <= c.block)
            for c in self.geometry.channels
        )

    @cached_property
    def towers(self) -> int:
        """The finest level that all channels have."""
        return min(self.finest)

    def channels(self, level: int) -> tuple[int, ...]:
        """Channels whose readout cells are no larger than the nodes of a level."""
        return tuple(c for c, finest in enumerate(self.finest) if finest >= level)

    def coarse(self, stage: int) -> int:
        """The level that a stage looks at for its wider surroundings."""
        return min(max(stage - 4, 0), self.towers) if stage <= self.towers else self.towers
