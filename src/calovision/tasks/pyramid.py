"""Counts and energies of an image at every level of a partition, and what a node sees of them.

Per level there are two arrays, padded by :data:`PAD` empty nodes on every side: ``content``
``(n, R + 2 PAD, P + 2 PAD, 2 C)`` float32 holds for each of the level's ``C`` channels the number
of hits and their energy above threshold (GeV); ``seen``, of the same shape, holds the logarithms
that networks look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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
    """Hits to fill pyramids with.

    Attributes:
        images: ``(n,)`` those of the images below that have a pyramid.
        offsets: ``(m + 1,)`` first hit of every image.
        channel, row, col: ``(hits,)`` channel, and pixel in the image as it was.
        excess: ``(hits,)`` energy above threshold, GeV.
        turned: ``(2, m)`` which images are turned over along eta and along phi.
    """

    images: Ints
    offsets: Ints
    channel: NDArray[np.uint8]
    row: NDArray[np.int16]
    col: NDArray[np.int16]
    excess: Floats
    turned: NDArray[np.bool_]

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
        return cls(np.arange(len(images)), offsets, channel, row, col, excess, turned)

    def mirrored(self, eta: NDArray[np.bool_], phi: NDArray[np.bool_]) -> Hits:
        """The same with the images ``(m,)`` chosen by ``eta`` and ``phi`` turned over there."""
        return replace(self, turned=self.turned ^ np.stack([eta, phi]))

    def some(self, images: Ints) -> Hits:
        """The same hits, to fill only the pyramids of some images."""
        return replace(self, images=self.images[images])


@numba.njit(cache=True)
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
    made = Level.empty(partition, level, len(hits.images))
    rows, cols = (
        a.intervals[d] for a, d in zip(partition.axes, partition.depths(level), strict=True)
    )
    most = int((hits.offsets[hits.images + 1] - hits.offsets[hits.images]).sum())
    nodes = np.empty((most, 3), np.int32)
    arrays = (hits.images, hits.offsets, hits.channel, hits.row, hits.col, hits.excess)
    found = _fill(made.content, made.seen, nodes, *arrays, hits.turned, rows, cols, unit)
    return made, nodes[:found]


def pyramid(
    partition: Partition, hits: Hits, unit: Floats
) -> Callable[[int], tuple[Level, NDArray[np.int32]]]:
    """All levels of the pyramids of ``hits``, each :func:`filled` when it is first asked for."""
    return cache(lambda level: filled(partition, level, hits, unit))


@numba.njit(cache=True)
def _fill(  # type: ignore[no-untyped-def]
    content, seen, nodes, images, offsets, channel, row, col, excess, turned, rows, cols, unit
):
    size, found = content.shape[3], 0
    # One flat array and unsigned places, which need no check whether they count from the end.
    flat, line = content.reshape(-1), content.shape[2] * content.shape[3]
    for b in range(len(images)):
        image = images[b]
        start = (b * content.shape[1] + PAD) * line + PAD * size
        # A mirrored image counts its pixels from the other side.
        up = -1 if turned[0, image] else 1
        along = -1 if turned[1, image] else 1
        top = len(rows) - 1 if turned[0, image] else 0
        left = len(cols) - 1 if turned[1, image] else 0
        for h in range(offsets[image], offsets[image + 1]):
            c = 2 * np.int64(channel[h])
            if c >= size:
                continue
            i, j = rows[top + up * row[h]], cols[left + along * col[h]]
            node = np.uint64(start + i * line + j * size)
            hits = node + np.uint64(c)
            if flat[hits] == 0.0:
                dark = True
                for k in range(0, size, 2):
                    dark = dark and flat[node + np.uint64(k)] == 0.0
                if dark:
                    nodes[found, 0], nodes[found, 1], nodes[found, 2] = b, i, j
                    found += 1
            flat[hits] += np.float32(1.0)
            flat[hits + np.uint64(1)] += excess[h]
    _look(content, seen, nodes[:found], unit)
    return found


def look(level: Level, nodes: NDArray[np.int32], unit: Floats) -> None:
    """Write the logarithms of the contents of ``nodes`` ``(m, 3)``, which were empty so far."""
    _look(level.content, level.seen, nodes, unit)


@numba.njit(cache=True)
def _look(content, seen, nodes, unit):  # type: ignore[no-untyped-def]
    for k in range(len(nodes)):
        b, i, j = nodes[k, 0], nodes[k, 1] + PAD, nodes[k, 2] + PAD
        for c in range(content.shape[3] // 2):
            if content[b, i, j, 2 * c] != 0.0:
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
