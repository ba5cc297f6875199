"""What nodes see of maps and lists, against what they see of whole levels."""

from __future__ import annotations

import numpy as np
import pytest
from whole_levels import UNIT, contents, levels, seen

from calovision.events.events import Events
from calovision.tasks.canvas import Canvas, Front
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid import filled
from calovision.tasks.pyramid_hits import Hits


def painted(events: Events, stage: int) -> tuple[Canvas, Front]:
    """A canvas with all that a stage looks at, in two portions, and the nodes that are cut."""
    partition = Partition(events.geometry)
    canvas, fronts = Canvas(partition, len(events), UNIT), {}
    hits = Hits.of(events, np.zeros(3, np.float32))
    for level in (stage, stage + 1, partition.coarse(stage)):
        made, nodes = filled(partition, level, hits, UNIT)
        fronts[level] = Front(nodes, contents(made, nodes, made.content.shape[3] // 2))
    for level, front in fronts.items():
        odd = np.arange(len(front.nodes)) % 2 == 1
        canvas.put(level, front[odd])
        canvas.put(level, front[~odd])
    return canvas, fronts[stage]


@pytest.mark.parametrize("stage", [0, 1, 6, 11, 12, 17])
def test_nodes_see_the_same(toy_jets: Events, stage: int) -> None:
    cut, nodes, *of = levels(toy_jets[:8], stage, Partition(toy_jets.geometry))
    canvas, _ = painted(toy_jets[:8], stage)
    wanted = seen(cut, nodes, *(level.seen for level in of))
    assert np.array_equal(canvas.look(cut, stage, nodes), wanted)


def test_what_is_wiped_is_not_seen(toy_jets: Events) -> None:
    cut, nodes, *_ = levels(toy_jets[:8], 12, Partition(toy_jets.geometry))
    canvas, front = painted(toy_jets[:8], 12)
    before = canvas.look(cut, 12, nodes)
    canvas.wipe(12, front)
    assert not np.array_equal(canvas.look(cut, 12, nodes), before)
    canvas.put(12, front)
    assert np.array_equal(canvas.look(cut, 12, nodes), before)


def test_some_images_of_a_canvas(toy_jets: Events) -> None:
    cut, nodes, *_ = levels(toy_jets[:8], 12, Partition(toy_jets.geometry))
    canvas, front = painted(toy_jets[:8], 12)
    some = slice(3, 6)
    part = Canvas(canvas.partition, 3, UNIT)
    for level in (12, 13, canvas.partition.coarse(12)):
        part.take(level, canvas, some)
    mine = front.between(some)
    chosen = (nodes[:, 0] >= 3) & (nodes[:, 0] < 6)
    assert np.array_equal(mine.moved(3).nodes, nodes[chosen])
    wanted = canvas.look(cut, 12, nodes)[chosen]
    assert np.array_equal(part.look(cut, 12, mine.nodes), wanted)


def test_nodes_without_the_channels_that_go_on_are_left_out() -> None:
    nodes = np.array([[0, 1, 2], [0, 3, 4]], np.int32)
    content = np.zeros((2, 3, 2), np.float32)
    content[0, 2], content[1, 1] = 1, 2
    front = Front(nodes, content)
    assert front.within(3) is front
    assert front.within(2).nodes.tolist() == [[0, 3, 4]]
    assert front.within(2).content.shape == (1, 2, 2)
