"""Sampling of one level: features of its nodes, their splits, and the next level."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from calovision.models.generators.splitting.compiled_network import NodeNetwork
from calovision.models.generators.splitting.compiled_sampling import (
    draw_counts,
    draw_energies,
    open_counts,
    open_energies,
    tell_energies,
    tell_hits,
)
from calovision.models.generators.splitting.hits import Floats
from calovision.models.generators.splitting.level import Cut, Nodes
from calovision.models.generators.splitting.sparse_pyramid import ActiveNodes, SparsePyramid
from calovision.networks.splitter import OUTCOME
from calovision.utils.compiled import compiled

#: nodes ``(m, 3)`` and channels ``C`` to random numbers ``(m, C, 4)`` float32 in [0, 1): two that
#: share out the hits of a channel, and two for its energy
Numbers = Callable[[Nodes, int], Floats]


def split_all(
    stage: int,
    canvas: SparsePyramid,
    front: ActiveNodes,
    network: NodeNetwork,
    numbers: Numbers,
) -> ActiveNodes:
    """Cut all nodes of a level in two rounds; returns, and puts on the canvas, the next level.

    Args:
        stage: which cut; the level that is cut and the coarser one are on the canvas.
        canvas: of the images.
        front: nodes of the level.
        network: of the stage, told about the images.
        numbers: random, by node.
    """
    cut = network.cut
    front = front.within(cut.channels)
    whole, *rounds = _rounds(cut, front)
    # Those that do not divide pass on as they are.
    passed = ActiveNodes(cut.firsts(whole.nodes), whole.content)
    canvas.put(stage + 1, passed)
    made = [passed]
    for chosen in rounds:
        if not len(chosen.nodes):
            continue
        hidden = network.hidden(canvas, stage, chosen.nodes)
        first = _drawn(network, chosen, hidden, canvas.unit, numbers)
        halves = _halves(cut, chosen, first)
        canvas.put(stage + 1, halves)
        made.append(halves)
    return ActiveNodes.joined(made)


def _drawn(
    network: NodeNetwork,
    front: ActiveNodes,
    hidden: Floats,
    unit: Floats,
    numbers: Numbers,
) -> Floats:
    """``(m, C, 2)`` hits and excess of the first halves of nodes."""
    nodes, whole, m, cut = front.nodes, front.content, len(front.nodes), network.cut
    uniform = numbers(nodes, cut.channels)
    first = np.empty_like(whole)
    known = np.zeros((m, OUTCOME * cut.channels), np.float32)
    limits, space = np.empty((m, 2), np.float32), np.empty(m, np.int64)
    for c in range(cut.channels):
        rows = space[: open_counts(c, nodes, whole, cut.cells, first, limits, space)]
        if len(rows):
            law = network.count[c](rows, hidden, known)
            draw_counts(c, rows, law, uniform, limits, first)
        tell_hits(c, whole, first, known)
        rows = space[: open_energies(c, whole, first, space)]
        if len(rows):
            law = network.energy[c](rows, hidden, known)
            draw_energies(c, rows, law, uniform, whole, first)
        if c < cut.channels - 1:
            tell_energies(c, whole, first, unit, known)
    return first


def _rounds(cut: Cut, front: ActiveNodes) -> list[ActiveNodes]:
    """Nodes that do not divide, those of the first round and those of the second."""
    order, ends = np.empty(len(front.nodes), np.int64), np.empty(3, np.int64)
    _order(order, ends, front.nodes, cut.divides(front.nodes))
    ordered = front[order]
    return [ordered[a:b] for a, b in pairwise([0, *ends.tolist()])]


@compiled
def _order(order, ends, nodes, divides):  # type: ignore[no-untyped-def]
    """Write rows of nodes, sorted by their rounds, and where each of the rounds ends."""
    found = 0
    for kind in range(3):
        for k in range(len(nodes)):
            late = (nodes[k, 1] + nodes[k, 2]) % 2
            if kind == (1 + late if divides[k] else 0):
                order[found] = k
                found += 1
        ends[kind] = found


def _halves(cut: Cut, front: ActiveNodes, first: Floats) -> ActiveNodes:
    """Both halves of nodes, those with hits."""
    nodes = np.empty((2 * len(first), 3), np.int32)
    content = np.empty((2 * len(first), *first.shape[1:]), np.float32)
    tables = cut.axis, cut.first, cut.second
    found = _divide(nodes, content, front.nodes, front.content, first, *tables)
    return ActiveNodes(nodes[:found], content[:found])


@compiled
def _divide(  # type: ignore[no-untyped-def]
    children, content, nodes, whole, first, axis, first_child, second_child
):
    found = 0
    for k in range(len(nodes)):
        parent = nodes[k, 1 + axis]
        for half in range(2):
            lit = False
            for c in range(whole.shape[1]):
                for x in range(2):
                    part = first[k, c, x]
                    content[found, c, x] = part if half == 0 else whole[k, c, x] - part
                lit = lit or content[found, c, 0] != 0.0
            if lit:
                for x in range(3):
                    children[found, x] = nodes[k, x]
                child = first_child[parent] if half == 0 else second_child[parent]
                children[found, 1 + axis] = child
                found += 1
    return found
