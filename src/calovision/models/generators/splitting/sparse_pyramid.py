"""Levels of images in generation: their active nodes, and the features of each node.

Few of a level's nodes have hits. Of the others nothing is kept: a map says which row of a list a
node is, 0 for an empty one, so that what a group of images needs stays in the processor's cache.
Training, which goes through whole images one by one, has arrays of all nodes instead
(:mod:`calovision.models.generators.splitting.pyramid`); what a node sees is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.fill import LOG_2, PAD
from calovision.models.generators.splitting.hits import Floats
from calovision.models.generators.splitting.level import Nodes
from calovision.utils.compiled import compiled


@dataclass(frozen=True)
class ActiveNodes:
    """Nodes with hits of one level of some images.

    Attributes:
        nodes: ``(m, 3)`` image, row and column.
        content: ``(m, C, 2)`` hits, and energy above threshold (GeV), of the level's channels.
    """

    nodes: Nodes
    content: Floats

    def __getitem__(self, chosen: NDArray[Any] | slice) -> ActiveNodes:
        return ActiveNodes(self.nodes[chosen], self.content[chosen])

    @classmethod
    def joined(cls, parts: list[ActiveNodes]) -> ActiveNodes:
        """All nodes of several fronts."""
        nodes = np.concatenate([p.nodes for p in parts])
        return cls(nodes, np.concatenate([p.content for p in parts]))

    def within(self, channels: int) -> ActiveNodes:
        """Nodes with hits of the first ``channels`` of its channels."""
        if channels == self.content.shape[1]:
            return self
        content = self.content[:, :channels]
        lit = content[:, :, 0].any(1)
        return ActiveNodes(self.nodes[lit], np.ascontiguousarray(content[lit]))

    def between(self, images: slice) -> ActiveNodes:
        """The nodes of some images, counted from the first of them."""
        owner = self.nodes[:, 0]
        return self[(owner >= images.start) & (owner < images.stop)].moved(-images.start)

    def moved(self, images: int) -> ActiveNodes:
        """The same nodes, of images with other numbers."""
        return ActiveNodes(self.nodes + np.array([images, 0, 0], np.int32), self.content)


@dataclass(frozen=True)
class SparsePyramid:
    """Levels of ``n`` images as networks see them.

    Attributes:
        partition: of the window.
        n: images.
        unit: ``(C,)`` GeV; energies are seen as ``log(1 + E / unit)``.
        maps: by level, ``(n, R + 2 PAD, P + 2 PAD)`` int32 row of every node in the list, padded by
            ``PAD`` empty nodes.
        lists: by level, ``(m + 1, 2 C)`` logarithms of hits and energy, those of none first.
    """

    partition: BinaryTree
    n: int
    unit: Floats
    maps: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    lists: dict[int, Floats] = field(default_factory=dict)

    def put(self, level: int, front: ActiveNodes) -> None:
        """Add nodes to a level."""
        self._begin(level)
        before = self.lists[level]
        after = np.empty((len(before) + len(front.nodes), before.shape[1]), np.float32)
        after[: len(before)] = before
        _put(self.maps[level], after, len(before), front.nodes, front.content, self.unit)
        self.lists[level] = after

    def take(self, level: int, other: SparsePyramid, images: slice) -> None:
        """Let a level be that of some images of another canvas."""
        self.maps[level], self.lists[level] = other.maps[level][images], other.lists[level]

    def wipe(self, level: int, front: ActiveNodes) -> None:
        """Empty a level, all nodes of which are given; its memory is used again."""
        image, row, col = front.nodes.T
        self.maps[level][image, row + PAD, col + PAD] = 0
        self.lists[level] = self.lists[level][:1]

    def level(self, level: int) -> tuple[NDArray[np.int32], Floats]:
        """Map and list of a level, empty ones if nothing has been put there."""
        self._begin(level)
        return self.maps[level], self.lists[level]

    def _begin(self, level: int) -> None:
        if level not in self.maps:
            rows, cols = self.partition.shape(level)
            size = 2 * len(self.partition.channels(level))
            self.maps[level] = np.zeros((self.n, rows + 2 * PAD, cols + 2 * PAD), np.int32)
            self.lists[level] = np.zeros((1, size), np.float32)


@compiled
def _put(places, seen, start, nodes, content, unit):  # type: ignore[no-untyped-def]
    for k in range(len(nodes)):
        row = start + k
        places[nodes[k, 0], nodes[k, 1] + PAD, nodes[k, 2] + PAD] = row
        for c in range(content.shape[1]):
            hits = content[k, c, 0]
            seen[row, 2 * c], seen[row, 2 * c + 1] = 0.0, 0.0
            if hits != 0.0:
                seen[row, 2 * c] = LOG_2 if hits == 1.0 else np.log1p(hits)
                seen[row, 2 * c + 1] = np.log1p(content[k, c, 1] / unit[c])
