"""Who is cut when, and what a node may see."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.tasks.cuts import Cut
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid import Level, filled
from calovision.tasks.pyramid_fill import PAD
from calovision.tasks.pyramid_hits import Hits

UNIT = np.array([0.5, 0.1, 2.0], np.float32)
STAGES = [0, 1, 6, 11, 12, 17]


def levels(events: Events, stage: int) -> tuple[Cut, np.ndarray, Level, Level, Level]:
    partition = Partition(events.geometry)
    hits = Hits.of(events, np.zeros(3, np.float32))
    here, nodes = filled(partition, stage, hits, UNIT)
    following, _ = filled(partition, stage + 1, hits, UNIT)
    around, _ = filled(partition, partition.coarse(stage), hits, UNIT)
    return Cut.of(partition, stage), nodes, here, following, around


@pytest.mark.parametrize("stage", STAGES)
def test_halves_make_up_the_whole(toy_jets: Events, stage: int) -> None:
    cut, nodes, here, following, _ = levels(toy_jets[:8], stage)
    whole = cut.contents(nodes, here)
    first = cut.contents(cut.firsts(nodes), following)
    second = np.zeros_like(first)
    there = cut.divides(nodes)
    second[there] = cut.contents(cut.seconds(nodes[there]), following)
    np.testing.assert_allclose(first + second, whole, rtol=1e-4, atol=1e-4)
    low, high = cut.limits(nodes, whole[:, :, 0])
    assert (low <= first[:, :, 0]).all()
    assert (first[:, :, 0] <= high).all()
    assert (low == whole[:, :, 0])[~there].all()


@pytest.mark.parametrize("stage", STAGES)
def test_nodes_of_one_round_are_no_neighbours(toy_jets: Events, stage: int) -> None:
    cut, nodes, *_ = levels(toy_jets[:4], stage)
    rounds = cut.rounds(nodes)
    assert sum(len(r) for r in rounds) == len(nodes)
    for chosen in rounds:
        found = {tuple(n) for n in chosen.tolist()}
        assert not any((b, i + 1, j) in found or (b, i, j + 1) in found for b, i, j in found)


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_sees_its_neighbours_halves_only_in_the_second_round(
    toy_jets: Events, stage: int
) -> None:
    cut, nodes, here, following, around = levels(toy_jets[:8], stage)
    blind = Level(following.content, np.zeros_like(following.seen))
    before = [cut.contexts(r, here, following, around) for r in cut.rounds(nodes)]
    after = [cut.contexts(r, here, blind, around) for r in cut.rounds(nodes)]
    assert before[0].shape == (len(cut.rounds(nodes)[0]), cut.inputs)
    assert np.array_equal(before[0], after[0])
    if stage > 1:
        assert not np.array_equal(before[1], after[1])


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_never_sees_its_own_halves(toy_jets: Events, stage: int) -> None:
    cut, nodes, here, following, around = levels(toy_jets[:2], stage)
    for node in nodes[:: max(len(nodes) // 20, 1)]:
        one = node[None]
        before = cut.contexts(one, here, following, around)
        changed = following.seen.copy()
        for child in (cut.firsts(one), cut.seconds(one)[cut.divides(one)]):
            changed[child[:, 0], child[:, 1] + PAD, child[:, 2] + PAD] = 9.0
        after = cut.contexts(one, here, Level(following.content, changed), around)
        assert np.array_equal(before, after)
