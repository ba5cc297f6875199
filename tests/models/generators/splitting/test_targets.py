"""What the cascade learns from, against sums over blocks of dense images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.hits import Hits
from calovision.models.generators.splitting.targets import split_targets

Array = NDArray[Any]

THRESHOLD = np.array([0.1, 0.02, 0.0], np.float32)
UNIT = np.array([0.5, 0.1, 2.0], np.float32)
MERGED, TOWERS = 6, 12
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


def dense(events: Events, turned: tuple[Array, Array]) -> Array:
    """``(n, C, rows, cols, 2)`` hits, and energy above threshold, at the middle of every cell."""
    images = np.zeros((len(events), 3, 125, 125, 2))
    place = events.owner, events.channel, events.cell // 125, events.cell % 125
    energy = events.energy.astype(float) - THRESHOLD[events.channel]
    images[place] = np.stack([np.ones(len(energy)), np.maximum(energy, 0)], -1)
    for i, (eta, phi) in enumerate(zip(*turned, strict=True)):
        images[i] = images[i, :, :: -1 if eta else 1, :: -1 if phi else 1]
    return images


def edges(partition: BinaryTree, level: int) -> tuple[Array, Array]:
    """Where the nodes of a level begin and end, along eta and phi: pixels."""
    eta, phi = partition.axes
    return eta.edges[(level + 1) // 2], phi.edges[level // 2]


def sums(partition: BinaryTree, level: int, image: Array) -> Array:
    """``(R, P, C, 2)`` of one image; HCAL towers are no further divided."""
    rows, cols = edges(partition, level)
    some = image[: 3 if level <= TOWERS else 2]
    found = np.add.reduceat(np.add.reduceat(some, rows[:-1], 1), cols[:-1], 2)
    return np.moveaxis(found, 0, 2)


def looked_at(nodes: Array) -> Array:
    """What networks see of contents ``(..., C, 2)``."""
    unit = np.stack([np.ones(3), UNIT], 1)[: nodes.shape[-2]]
    return np.log1p(nodes / unit)


def square(nodes: Array, i: int, j: int, reach: int) -> Array:
    """Nodes around one, nothing beyond the window."""
    padded = np.pad(nodes, ((reach, reach), (reach, reach), (0, 0), (0, 0)))
    return padded[i : i + 2 * reach + 1, j : j + 2 * reach + 1].ravel()


def expected(partition: BinaryTree, stage: int, image: Array) -> list[tuple[Array, ...]]:
    """Context, whole, first half, fewest and most hits of every node of one image that divides."""
    axis, found = stage % 2, []
    wide = min(max(stage - 4, 0), TOWERS) if stage <= TOWERS else TOWERS
    own, fine, coarse = (edges(partition, level) for level in (stage, stage + 1, wide))
    here, after, around = (sums(partition, level, image) for level in (stage, stage + 1, wide))
    cut = after.shape[2]

    def halves(i: int, j: int) -> list[tuple[int, int]]:
        """The one or two nodes of the next level in a node."""
        start, stop = own[axis][(i, j)[axis]], own[axis][(i, j)[axis] + 1]
        children = np.flatnonzero((fine[axis][:-1] >= start) & (fine[axis][1:] <= stop))
        return [(k, j) if axis == 0 else (i, k) for k in children]

    def area(k: tuple[int, int]) -> int:
        return int(np.prod([fine[a][k[a] + 1] - fine[a][k[a]] for a in (0, 1)]))

    for i, j in np.argwhere(here[:, :, :cut, 0].sum(2) > 0):
        mine = halves(i, j)
        if len(mine) < 2:
            continue
        late = (i + j) % 2
        sides = np.zeros((4, 2, cut, 2))
        for side, (di, dj) in enumerate(SIDES):
            if late and 0 <= i + di < len(own[0]) - 1 and 0 <= j + dj < len(own[1]) - 1:
                for half, place in enumerate(halves(i + di, j + dj)):
                    sides[side, half] = looked_at(after[place])
        far = [int((coarse[a][1:] <= own[a][k]).sum()) for a, k in ((0, i), (1, j))]
        eta, phi = (own[a][k : k + 2].mean() / 62.5 - 1 for a, k in ((0, i), (1, j)))
        size, radius = area(mine[0]) + area(mine[1]), np.hypot(eta, phi)
        shares = area(mine[0]) / size, np.log(size) / 5
        context = [
            square(looked_at(here), i, j, 2),
            square(looked_at(around), far[0], far[1], 1),
            sides.ravel(),
            [late, eta, phi, radius, np.log(radius + 0.02), *shares],
        ]
        whole = here[i, j, :cut]
        cells = [np.array([area(m) // b**2 for b in (1, 1, 5)[:cut]]) for m in mine]
        low, high = np.maximum(whole[:, 0] - cells[1], 0), np.minimum(whole[:, 0], cells[0])
        found.append((np.concatenate(context), whole, after[mine[0]], low, high))
    return found


@pytest.mark.parametrize("stage", [0, 1, 5, 6, 11, 12, 15, 17])
def test_they_are_those_of_dense_images(toy_jets: Events, stage: int) -> None:
    partition, some = BinaryTree(toy_jets.geometry), np.array([1, 4, 5, 11])
    events = toy_jets[::3][:16]
    turned = np.arange(16) % 2 == 0, np.arange(16) % 3 == 0
    hits = Hits.of(toy_jets, THRESHOLD, np.arange(0, 48, 3)).mirrored(*turned)
    made = split_targets(partition, stage, hits.some(some), UNIT)
    images = dense(events, turned)
    rows = [(k, *row) for k, i in enumerate(some) for row in expected(partition, stage, images[i])]
    wanted = [np.array(x) for x in zip(*rows, strict=True)]
    assert len(made[0]) == len(rows) > 0
    # Nodes of an image come in any order; where they lie tells them apart.
    orders = [np.lexsort((x[1][:, -5], x[1][:, -6], x[0])) for x in (made, wanted)]
    for own, other in zip(made, wanted, strict=True):
        np.testing.assert_allclose(own[orders[0]], other[orders[1]], rtol=1e-4, atol=2e-5)
    if stage < MERGED:
        again = split_targets(partition, stage, hits.merged(partition, MERGED).some(some), UNIT)
        order = np.lexsort((again[1][:, -5], again[1][:, -6], again[0]))
        for own, other in zip(again, wanted, strict=True):
            np.testing.assert_allclose(own[order], other[orders[1]], rtol=1e-4, atol=2e-5)
