"""What the cascade learns from, against levels filled one by one for all images."""

from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.tasks.cuts import Cut
from calovision.tasks.known_cuts import known_cuts
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid import filled
from calovision.tasks.pyramid_hits import Hits

UNIT = np.array([0.5, 0.1, 2.0], np.float32)
THRESHOLD = np.array([0.1, 0.02, 0.0], np.float32)
MERGED = 6


@pytest.mark.parametrize("stage", [0, 1, 5, 6, 11, 12, 15, 17])
def test_they_are_those_of_whole_levels(toy_jets: Events, stage: int) -> None:
    partition, some = Partition(toy_jets.geometry), np.array([1, 4, 5, 11])
    turned = np.arange(16) % 2 == 0, np.arange(16) % 3 == 0
    hits = Hits.of(toy_jets, THRESHOLD, np.arange(0, 48, 3)).mirrored(*turned)
    made = known_cuts(partition, stage, hits.some(some), UNIT)

    cut = Cut.of(partition, stage)
    levels = (stage, stage + 1, partition.coarse(stage))
    (here, nodes), (following, _), (around, _) = (
        filled(partition, level, hits.some(some), UNIT) for level in levels
    )
    nodes = nodes[cut.divides(nodes)]
    whole = cut.contents(nodes, here)
    nodes, whole = nodes[whole[:, :, 0].sum(1) > 0], whole[whole[:, :, 0].sum(1) > 0]
    expected = (
        nodes[:, 0],
        cut.contexts(nodes, here, following, around),
        whole,
        cut.contents(cut.firsts(nodes), following),
        *cut.limits(nodes, whole[:, :, 0]),
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
