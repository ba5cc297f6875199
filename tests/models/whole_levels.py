"""Levels of pyramids looked up node by node: what compiled code is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.hits import Floats, Hits
from calovision.models.generators.splitting.level import Cut, Nodes, contexts
from calovision.models.generators.splitting.pyramid import Level, filled

UNIT = np.array([0.5, 0.1, 2.0], np.float32)


def levels(
    events: Events | Hits, stage: int, partition: BinaryTree
) -> tuple[Cut, Nodes, Level, Level, Level]:
    """A cut, the nodes of its level, and that level, the next and the coarser one."""
    hits = events if isinstance(events, Hits) else Hits.of(events, np.zeros(3, np.float32))
    here, nodes = filled(partition, stage, hits, UNIT)
    following, _ = filled(partition, stage + 1, hits, UNIT)
    around, _ = filled(partition, partition.coarse(stage), hits, UNIT)
    return Cut.of(partition, stage), nodes, here, following, around


def contents(level: Level, nodes: Nodes, channels: int) -> Floats:
    """``(m, channels, 2)`` hits and energy of nodes."""
    image, row, col = nodes.T
    found: Floats = level.content[image, row + PAD, col + PAD, : 2 * channels]
    return found.reshape(len(nodes), channels, 2)


def seconds(cut: Cut, nodes: Nodes) -> Nodes:
    """Second children of nodes that divide."""
    children = nodes.copy()
    children[:, 1 + cut.axis] = cut.second[nodes[:, 1 + cut.axis]]
    return children


def limits(cut: Cut, nodes: Nodes, hits: Floats) -> tuple[Floats, Floats]:
    """Fewest and most of ``hits`` ``(m, C)`` that can lie in the first half."""
    room = cut.cells[:, nodes[:, 1], nodes[:, 2]]
    return np.maximum(hits - room[1], 0), np.minimum(hits, room[0])


def seen(cut: Cut, nodes: Nodes, *of: NDArray[np.float32]) -> Floats:
    """``(m, inputs)`` contexts."""
    out = np.zeros((len(nodes), cut.inputs), np.float32)
    contexts(out, 0, nodes, len(nodes), *of, *cut.tables)
    return out
