"""Counts and energies of an image at every level of the binary tree, and features of its nodes.

Per level there are two arrays, padded by :data:`PAD` empty nodes on every side: ``content``
``(n, R + 2 PAD, P + 2 PAD, 2 C)`` float32 holds for each of the level's ``C`` channels the number
of hits and their energy above threshold (GeV); ``seen``, of the same shape, holds the logarithms
that networks look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.fill import PAD, fill, logarithms
from calovision.models.generators.splitting.hits import Floats, Hits, intervals
from calovision.utils.compiled import compiled


@dataclass(frozen=True)
class Level:
    """One level of the pyramids of some images."""

    content: Floats
    seen: Floats

    @classmethod
    def empty(cls, partition: BinaryTree, level: int, n: int) -> Level:
        """A level of ``n`` images without hits."""
        rows, cols = partition.shape(level)
        shape = (n, rows + 2 * PAD, cols + 2 * PAD, 2 * len(partition.channels(level)))
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def filled(
    partition: BinaryTree, level: int, hits: Hits, unit: Floats
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
    nodes = np.empty((hits.lengths.sum(), 3), np.int32)
    found = _filled(
        made.content, made.seen, nodes, *hits.arrays, *intervals(partition, level), unit
    )
    return made, nodes[:found]


@compiled
def _filled(content, seen, nodes, images, offsets, *rest):  # type: ignore[no-untyped-def]
    found, places, unit = 0, rest[:-1], rest[-1]
    for b in range(len(images)):
        mine = nodes[found:]
        more = fill(content[b], mine, 0, 0, images[b], offsets, *places)
        mine[:more, 0] = b
        found += more
    logarithms(content, seen, nodes, found, unit)
    return found
