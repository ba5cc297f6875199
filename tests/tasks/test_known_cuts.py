"""What the cascade learns from, against levels filled one by one for all images."""

from __future__ import annotations

import numpy as np
import pytest
from whole_levels import UNIT, contents, levels, limits, seen

from calovision.events.events import Events
from calovision.tasks.known_cuts import known_cuts
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid_hits import Hits

THRESHOLD = np.array([0.1, 0.02, 0.0], np.float32)
MERGED = 6


@pytest.mark.parametrize("stage", [0, 1, 5, 6, 11, 12, 15, 17])
def test_they_are_those_of_whole_levels(toy_jets: Events, stage: int) -> None:
    partition, some = Partition(toy_jets.geometry), np.array([1, 4, 5, 11])
    turned = np.arange(16) % 2 == 0, np.arange(16) % 3 == 0
    hits = Hits.of(toy_jets, THRESHOLD, np.arange(0, 48, 3)).mirrored(*turned)
    made = known_cuts(partition, stage, hits.some(some), UNIT)

    cut, nodes, here, following, around = levels(hits.some(some), stage, partition)
    nodes = nodes[cut.divides(nodes)]
    whole = contents(here, nodes, cut.channels)
    lit = whole[:, :, 0].sum(1) > 0
    nodes, whole = nodes[lit], whole[lit]
    expected = (
        nodes[:, 0],
        seen(cut, nodes, here.seen, following.seen, around.seen),
        whole,
        contents(following, cut.firsts(nodes), cut.channels),
        *limits(cut, nodes, whole[:, :, 0]),
    )
    assert len(made[0]) > 0
    assert made[1].shape == (len(nodes), cut.inputs)
    for own, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)
    if stage < MERGED:
        again = known_cuts(partition, stage, hits.merged(partition, MERGED).some(some), UNIT)
        for own, other in zip(made, again, strict=True):
            assert own.dtype == other.dtype
            assert own.shape == other.shape
            np.testing.assert_allclose(own.sum(0), other.sum(0), rtol=1e-4)
