"""Levels of the pyramid against sums over blocks of dense images."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.hits import Hits
from calovision.models.generators.splitting.pyramid import Level, filled

UNIT = np.array([0.5, 0.1, 2.0], np.float32)
THRESHOLD = np.zeros(3, np.float32)


@pytest.mark.parametrize("level", [0, 3, 8, 12, 15, 18])
def test_a_level_holds_the_sums_over_its_nodes(toy_jets: Events, level: int) -> None:
    events = toy_jets[:5]
    partition = BinaryTree(events.geometry)
    made, nodes = filled(partition, level, Hits.of(events, THRESHOLD), UNIT)
    inner = made.content[:, PAD:-PAD, PAD:-PAD]
    dense = events.to_dense()
    edges = [
        axis.edges[d][:-1] for axis, d in zip(partition.axes, partition.depths(level), strict=True)
    ]
    for c in partition.channels(level):
        sums = np.add.reduceat(np.add.reduceat(dense[:, c], edges[0], 1), edges[1], 2)
        np.testing.assert_allclose(inner[..., 2 * c + 1], sums, rtol=1e-4, atol=1e-4)
    assert np.array_equal(
        inner[..., 0::2].sum((1, 2)), events.counts()[:, list(partition.channels(level))]
    )
    lit = np.stack((inner[..., 0::2].sum(-1) > 0).nonzero(), 1)
    assert np.array_equal(nodes[np.lexsort(nodes.T[::-1])], lit)


def test_networks_look_at_logarithms(toy_jets: Events) -> None:
    partition = BinaryTree(toy_jets.geometry)
    made, _ = filled(partition, 6, Hits.of(toy_jets[:3], THRESHOLD), UNIT)
    np.testing.assert_allclose(made.seen[..., 0::2], np.log1p(made.content[..., 0::2]), rtol=1e-5)
    np.testing.assert_allclose(
        made.seen[..., 1::2], np.log1p(made.content[..., 1::2] / UNIT), rtol=1e-5
    )


def test_mirrored_hits_make_mirrored_images(toy_jets: Events) -> None:
    events = toy_jets[:4]
    partition = BinaryTree(events.geometry)
    eta, phi = np.array([True, False, True, False]), np.array([True, True, False, False])
    turned = Hits.of(events, THRESHOLD).mirrored(eta, phi)
    there = filled(partition, 18, turned, UNIT)[0].content[:, PAD:-PAD, PAD:-PAD]
    here = filled(partition, 18, Hits.of(events, THRESHOLD), UNIT)[0].content[:, PAD:-PAD, PAD:-PAD]
    for i in range(4):
        expected = here[i, :: -1 if eta[i] else 1, :: -1 if phi[i] else 1]
        assert np.array_equal(there[i], expected)


def test_some_images_are_those_images(toy_jets: Events) -> None:
    partition = BinaryTree(toy_jets.geometry)
    hits, few = Hits.of(toy_jets, THRESHOLD), np.array([3, 10, 40])
    one = filled(partition, 9, hits.some(few), UNIT)[0]
    other = filled(partition, 9, Hits.of(toy_jets[few], THRESHOLD), UNIT)[0]
    assert isinstance(one, Level)
    assert np.array_equal(one.content, other.content)
