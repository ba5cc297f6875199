"""Who is cut, and what a node may see."""

from __future__ import annotations

import numpy as np
import pytest
from whole_levels import contents, levels, limits, seconds, seen

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.fill import PAD

STAGES = [0, 1, 6, 11, 12, 17]


@pytest.mark.parametrize("stage", STAGES)
def test_halves_make_up_the_whole(toy_jets: Events, stage: int) -> None:
    cut, nodes, here, following, _ = levels(toy_jets[:8], stage, BinaryTree(toy_jets.geometry))
    whole = contents(here, nodes, cut.channels)
    first = contents(following, cut.firsts(nodes), cut.channels)
    second = np.zeros_like(first)
    there = cut.divides(nodes)
    second[there] = contents(following, seconds(cut, nodes[there]), cut.channels)
    np.testing.assert_allclose(first + second, whole, rtol=1e-4, atol=1e-4)
    low, high = limits(cut, nodes, whole[:, :, 0])
    assert (low <= first[:, :, 0]).all()
    assert (first[:, :, 0] <= high).all()
    assert (low == whole[:, :, 0])[~there].all()


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_sees_its_neighbours_halves_only_in_the_second_round(
    toy_jets: Events, stage: int
) -> None:
    cut, nodes, *of = levels(toy_jets[:8], stage, BinaryTree(toy_jets.geometry))
    here, following, around = (level.seen for level in of)
    late = (nodes[:, 1] + nodes[:, 2]) % 2 == 1
    before = [seen(cut, nodes[late == k], here, following, around) for k in (False, True)]
    blind = np.zeros_like(following)
    after = [seen(cut, nodes[late == k], here, blind, around) for k in (False, True)]
    assert np.array_equal(before[0], after[0])
    if stage > 1:
        assert not np.array_equal(before[1], after[1])


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_never_sees_its_own_halves(toy_jets: Events, stage: int) -> None:
    cut, nodes, *of = levels(toy_jets[:2], stage, BinaryTree(toy_jets.geometry))
    here, following, around = (level.seen for level in of)
    for node in nodes[:: max(len(nodes) // 20, 1)]:
        one = node[None]
        before = seen(cut, one, here, following, around)
        changed = following.copy()
        for child in (cut.firsts(one), seconds(cut, one)[cut.divides(one)]):
            changed[child[:, 0], child[:, 1] + PAD, child[:, 2] + PAD] = 9.0
        assert np.array_equal(before, seen(cut, one, here, changed, around))
