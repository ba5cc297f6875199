"""Counts and energies of an image at every level of a partition, and what a node sees of them.

Per level there are two arrays, padded by :data:`PAD` empty nodes on every side: ``content``
``(n, R + 2 PAD, P + 2 PAD, 2 C)`` float32 holds for each of the level's ``C`` channels the number
of hits and their energy above threshold (GeV); ``seen``, of the same shape, holds the logarithms
that networks look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.tasks.partition import Ints, Partition

PAD = 2  #: nodes that a node sees in every direction

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Level:
    """One level of the pyramids of some images."""

    content: Floats
    seen: Floats

    @classmethod
    def empty(cls, partition: Partition, level: int, n: int) -> Level:
        """A level of ``n`` images without hits."""
        rows, cols = partition.shape(level)
        shape = (n, rows + 2 * PAD, cols + 2 * PAD, 2 * len(partition.channels(level)))
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


@dataclass(frozen=True)
class Hits:
    """Hits to fill pyramids with: image, channel, pixel row and column, energy over threshold.

    Those of the first image come first, then those of the second, and so on.
    """

    n: int
    owner: Ints
    channel: Ints
    row: Ints
    col: Ints
    excess: Floats

    @classmethod
    def of(cls, events: Events, threshold: Floats) -> Hits:
        """Hits of a set; ``threshold`` ``(C,)`` is the least energy of a hit, GeV."""
        channel, cell = events.channel.astype(np.int64), events.cell.astype(np.int64)
        cols = events.geometry.cols
        excess = np.maximum(events.energy - threshold[channel], 0.0).astype(np.float32)
        return cls(len(events), events.owner, channel, cell // cols, cell % cols, excess)

    def mirrored(self, eta: NDArray[np.bool_], phi: NDArray[np.bool_], size: int) -> Hits:
        """The same with the images ``(n,)`` chosen by ``eta`` and ``phi`` turned over there."""
        row = np.where(eta[self.owner], size - 1 - self.row, self.row)
        col = np.where(phi[self.owner], size - 1 - self.col, self.col)
        return Hits(self.n, self.owner, self.channel, row, col, self.excess)

    def some(self, images: Ints) -> Hits:
        """Hits of the chosen images, in rising order, numbered anew."""
        first, last = np.searchsorted(self.owner, np.stack([images, images + 1]))
        lengths = last - first
        starts = np.cumsum(lengths) - lengths
        mine = np.arange(lengths.sum()) + np.repeat(first - starts, lengths)
        return Hits(
            len(images),
            np.repeat(np.arange(len(images)), lengths),
            self.channel[mine],
            self.row[mine],
            self.col[mine],
            self.excess[mine],
        )


def filled(
    partition: Partition, level: int, hits: Hits, unit: Floats
) -> tuple[Level, NDArray[np.int32]]:
    """A level of the pyramids of ``hits``, and its nodes with hits.

    Args:
        partition: of the window.
        level: which level.
        hits: of ``n`` images.
        unit: ``(C,)`` GeV; energies enter the networks as ``log(1 + E / unit)``.

    Returns:
        the level, and ``(m, 3)`` image, row and column of its nodes with hits of its channels.
    """
    made = Level.empty(partition, level, hits.n)
    rows, cols = (
        a.intervals[d] for a, d in zip(partition.axes, partition.depths(level), strict=True)
    )
    nodes = np.empty((len(hits.row), 3), np.int32)
    found = _fill(
        made.content, nodes, hits.owner, hits.channel, rows, hits.row, cols, hits.col, hits.excess
    )
    nodes = nodes[:found]
    look(made, nodes, unit)
    return made, nodes


def pyramid(
    partition: Partition, hits: Hits, unit: Floats
) -> Callable[[int], tuple[Level, NDArray[np.int32]]]:
    """All levels of the pyramids of ``hits``, each :func:`filled` when it is first asked for."""
    return cache(lambda level: filled(partition, level, hits, unit))


@numba.njit(cache=True)
def _fill(content, nodes, owner, channel, rows, row, cols, col, excess):  # type: ignore[no-untyped-def]
    found, size = 0, content.shape[3]
    for h in range(len(owner)):
        c = channel[h]
        if 2 * c >= size:
            continue
        b, i, j = owner[h], rows[row[h]], cols[col[h]]
        cell = content[b, i + PAD, j + PAD]
        hits = np.float32(0.0)
        for k in range(0, size, 2):
            hits += cell[k]
        if hits == 0.0:
            nodes[found, 0], nodes[found, 1], nodes[found, 2] = b, i, j
            found += 1
        cell[2 * c] += 1.0
        cell[2 * c + 1] += excess[h]
    return found


def look(level: Level, nodes: NDArray[np.int32], unit: Floats) -> None:
    """Write the logarithms of the contents of ``nodes`` ``(m, 3)``."""
    _look(level.content, level.seen, nodes, unit)


@numba.njit(cache=True)
def _look(content, seen, nodes, unit):  # type: ignore[no-untyped-def]
    for k in range(len(nodes)):
        b, i, j = nodes[k, 0], nodes[k, 1] + PAD, nodes[k, 2] + PAD
        for c in range(content.shape[3] // 2):
            seen[b, i, j, 2 * c] = np.log1p(content[b, i, j, 2 * c])
            seen[b, i, j, 2 * c + 1] = np.log1p(content[b, i, j, 2 * c + 1] / unit[c])


def read(level: Level, nodes: NDArray[np.int32], channels: int) -> Floats:
    """``(m, channels, 2)`` hits and energy above threshold of ``nodes``."""
    out = np.empty((len(nodes), channels, 2), np.float32)
    _read(level.content, nodes, out)
    return out


@numba.njit(cache=True)
def _read(content, nodes, out):  # type: ignore[no-untyped-def]
    for k in range(len(nodes)):
        b, i, j = nodes[k, 0], nodes[k, 1] + PAD, nodes[k, 2] + PAD
        for c in range(out.shape[1]):
            out[k, c, 0] = content[b, i, j, 2 * c]
            out[k, c, 1] = content[b, i, j, 2 * c + 1]


def write(
    level: Level, nodes: NDArray[np.int32], content: Floats, unit: Floats
) -> NDArray[np.int32]:
    """Write ``content`` ``(m, C, 2)`` of ``nodes``; returns those of them that have hits."""
    kept = np.empty_like(nodes)
    found = _write(level.content, nodes, content, kept)
    kept = kept[:found]
    look(level, kept, unit)
    return kept


@numba.njit(cache=True)
def _write(content, nodes, new, kept):  # type: ignore[no-untyped-def]
    found = 0
    for k in range(len(nodes)):
        hits = np.float32(0.0)
        for c in range(new.shape[1]):
            hits += new[k, c, 0]
        if hits == 0.0:
            continue
        b, i, j = nodes[k, 0], nodes[k, 1] + PAD, nodes[k, 2] + PAD
        for c in range(new.shape[1]):
            content[b, i, j, 2 * c] = new[k, c, 0]
            content[b, i, j, 2 * c + 1] = new[k, c, 1]
        for x in range(3):
            kept[found, x] = nodes[k, x]
        found += 1
    return found
