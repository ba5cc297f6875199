"""What the cascade learns from, against levels filled one by one for all images."""

from __future__ import annotations

import numpy as np
import pytest
from whole_levels import UNIT, contents, levels, limits, seen

from calovision.events.events import Events
from calovision.tasks.known_cuts import known_cuts
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid_hits import Hits
from calovision.tasks.steering import SUMS, add_sums, places

THRESHOLD = np.array([0.1, 0.02, 0.0], np.float32)
MERGED = 6


@pytest.mark.parametrize("stage", [0, 1, 5, 6, 11, 12, 15, 17])
def test_they_are_those_of_whole_levels(toy_jets: Events, stage: int) -> None:
    partition, some = Partition(toy_jets.geometry), np.array([1, 4, 5, 11])
    turned = np.arange(16) % 2 == 0, np.arange(16) % 3 == 0
    hits = Hits.of(toy_jets, THRESHOLD, np.arange(0, 48, 3)).mirrored(*turned)
    axes = np.random.default_rng(1).normal(0, 0.05, (4, 2)).astype(np.float32)
    made = known_cuts(partition, stage, hits.some(some), UNIT, THRESHOLD, axes)

    cut, nodes, here, following, around = levels(hits.some(some), stage, partition)
    whole = contents(here, nodes, cut.channels)
    lit = whole[:, :, 0].sum(1) > 0
    late, divides = (nodes[:, 1] + nodes[:, 2]) % 2 == 1, cut.divides(nodes)

    def summed(rows: np.ndarray, level: int) -> np.ndarray:
        """Sums of the images over these nodes of a level."""
        found = np.zeros((len(some), cut.channels, SUMS))
        content = contents((here, following)[level], rows, cut.channels)
        place = places(partition, stage + level)
        add_sums(found, 1.0, rows, content, THRESHOLD, axes, place)
        return found

    early = nodes[~late]
    second = early[cut.divides(early)].copy()
    second[:, 1 + cut.axis] = cut.second[second[:, 1 + cut.axis]]
    halves = summed(cut.firsts(early), 1) + summed(second, 1)
    sums = np.stack([summed(nodes, 0), halves + summed(nodes[late], 0)], 1)
    nodes, whole, late = (x[lit & divides] for x in (nodes, whole, late))
    expected = (
        sums.reshape(-1, *sums.shape[2:]),
        np.column_stack([2 * nodes[:, 0] + late, nodes[:, 1:]]),
        seen(cut, nodes, here.seen, following.seen, around.seen),
        whole,
        contents(following, cut.firsts(nodes), cut.channels),
        *limits(cut, nodes, whole[:, :, 0]),
    )
    assert len(made[1]) > 0
    assert made[2].shape == (len(nodes), cut.inputs)
    steered = made[2].shape[1] - expected[2].shape[1]
    for own, other in zip(without(made, steered), expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)
    if stage < MERGED:
        merged = hits.merged(partition, MERGED).some(some)
        again = known_cuts(partition, stage, merged, UNIT, THRESHOLD, axes)
        for own, other in zip(without(made, steered), without(again, steered), strict=True):
            assert own.dtype == other.dtype
            assert own.shape == other.shape
            np.testing.assert_allclose(own.sum(0), other.sum(0), rtol=1e-4, atol=1e-5)


def without(arrays: tuple[np.ndarray, ...], columns: int) -> list[np.ndarray]:
    """The arrays, contexts without the last columns, which nobody has written yet."""
    return [x[:, :-columns] if k == 2 else x for k, x in enumerate(arrays)]
