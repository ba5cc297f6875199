"""Hits of some images, prepared for the levels of their pyramids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree, Ints
from calovision.models.generators.splitting.fill import PAD, fill, wipe
from calovision.utils.compiled import compiled

Floats = NDArray[np.float32]


def intervals(partition: BinaryTree, level: int) -> tuple[Ints, Ints]:
    """Row and column, among the nodes of a level, of every pixel's row and column."""
    (eta, phi), (a, b) = partition.axes, partition.depths(level)
    return eta.intervals[a], phi.intervals[b]


@dataclass(frozen=True)
class Hits:
    """Hits to fill pyramids with.

    Attributes:
        images: ``(n,)`` those of the images below that have a pyramid.
        offsets: ``(m + 1,)`` first hit of every image.
        channel, row, col: ``(hits,)`` channel, and pixel in the image as it was.
        number: ``(hits,)`` how many hits each is: 1, unless they are :meth:`merged`.
        excess: ``(hits,)`` energy above threshold, GeV.
        turned: ``(2, m)`` which images are turned over along eta and along phi.
    """

    images: Ints
    offsets: Ints
    channel: NDArray[np.uint8]
    row: NDArray[np.int16]
    col: NDArray[np.int16]
    number: NDArray[np.uint16]
    excess: Floats
    turned: NDArray[np.bool_]

    @property
    def lengths(self) -> Ints:
        """``(n,)`` hits of every image that has a pyramid."""
        return np.diff(self.offsets)[self.images]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All of it, for compiled functions."""
        places = self.images, self.offsets, self.channel, self.row, self.col
        return *places, self.number, self.excess, self.turned

    @classmethod
    def of(cls, events: Events, threshold: Floats, chosen: Ints | None = None) -> Hits:
        """Hits of a set, or of its ``chosen`` events.

        ``threshold`` ``(C,)`` is the least energy of a hit, GeV.
        """
        images = np.arange(len(events)) if chosen is None else chosen
        offsets = np.concatenate([[0], np.cumsum(events.n_hits[images])])
        channels = events.geometry.channels
        blocks = np.array([c.block**2 for c in channels] + [1] * len(channels))
        gev = np.array([c.gev_per_unit for c in channels] * 2)
        channel = np.empty(offsets[-1], np.uint8)
        row, col = np.empty((2, len(channel)), np.int16)
        excess = np.empty(len(channel), np.float32)
        cells, cols = (events.offsets, events.cell, events.code, events.value), events.geometry.cols
        _gather(channel, row, col, excess, images, *cells, cols, blocks, gev, threshold)
        turned = np.zeros((2, len(images)), np.bool_)
        number = np.ones(len(channel), np.uint16)
        return cls(np.arange(len(images)), offsets, channel, row, col, number, excess, turned)

    def mirrored(self, eta: NDArray[np.bool_], phi: NDArray[np.bool_]) -> Hits:
        """The same with the images ``(m,)`` chosen by ``eta`` and ``phi`` turned over there."""
        return replace(self, turned=self.turned ^ np.stack([eta, phi]))

    def some(self, images: Ints) -> Hits:
        """The same hits, to fill only the pyramids of some images."""
        return replace(self, images=self.images[images])

    def merged(self, partition: BinaryTree, level: int) -> Hits:
        """Fewer, for coarser levels: the hits of a channel in a node of ``level`` become one.

        All channels have to have that level.
        """
        lengths = self.lengths
        most = int(lengths.sum())
        channel, (row, col) = np.empty(most, np.uint8), np.empty((2, most), np.int16)
        number, excess = np.empty(most, np.uint16), np.empty(most, np.float32)
        offsets = np.zeros(len(lengths) + 1, np.int64)
        nodes = np.empty((int(lengths.max(initial=0)), 3), np.int32)
        (rows, cols), channels = partition.shape(level), len(partition.channels(level))
        content = np.zeros((rows + 2 * PAD, cols + 2 * PAD, 2 * channels), np.float32)
        first = (a.edges[d] for a, d in zip(partition.axes, partition.depths(level), strict=True))
        arrays = channel, row, col, number, excess, nodes, content, *first
        _merge(offsets, *arrays, *self.arrays, *intervals(partition, level))
        images, turned = np.arange(len(lengths)), np.zeros((2, len(lengths)), np.bool_)
        end = offsets[-1]
        return Hits(
            *(images, offsets, channel[:end], row[:end], col[:end]),
            *(number[:end], excess[:end], turned),
        )


@compiled
def _gather(  # type: ignore[no-untyped-def]
    channel, row, col, excess, images, offsets, cell, code, value, cols, blocks, gev, threshold
):
    at = 0
    for image in images:
        for h in range(offsets[image], offsets[image + 1]):
            k = code[h]
            c = k if k < len(threshold) else k - len(threshold)
            i = np.uint32(cell[h]) // np.uint32(cols)
            channel[at], row[at], col[at] = c, i, cell[h] - i * cols
            energy = np.float32(np.float64(value[h]) * blocks[k] * gev[k])
            excess[at] = max(energy - threshold[c], np.float32(0.0))
            at += 1


@compiled
def _merge(  # type: ignore[no-untyped-def]
    ends, channel, row, col, number, excess, nodes, content, top, left, images, *hits
):
    at, flat, size = 0, content.reshape(-1), content.shape[2]
    for b in range(len(images)):
        found = fill(content, nodes, 0, 0, images[b], *hits)
        for k in range(found):
            u, v = nodes[k, 1], nodes[k, 2]
            start = ((u + PAD) * content.shape[1] + v + PAD) * size
            for x in range(start, start + size, 2):
                if flat[np.uint64(x)] != 0.0:
                    channel[at], row[at], col[at] = (x - start) // 2, top[u], left[v]
                    number[at], excess[at] = flat[np.uint64(x)], flat[np.uint64(x + 1)]
                    at += 1
        wipe(content, nodes, found)
        ends[b + 1] = at
