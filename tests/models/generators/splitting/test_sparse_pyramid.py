"""Maps and lists, and what networks make of them, against what they make of whole levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from whole_levels import UNIT, contents, levels, seen

from calovision.events.events import Events
from calovision.models.generators.splitting.binary_tree import BinaryTree
from calovision.models.generators.splitting.compiled_network import NodeNetwork
from calovision.models.generators.splitting.hits import Hits
from calovision.models.generators.splitting.level import Cut
from calovision.models.generators.splitting.pyramid import filled
from calovision.models.generators.splitting.sparse_pyramid import ActiveNodes, SparsePyramid
from calovision.networks.splitter import OUTCOME, Splitter


def painted(events: Events, stage: int) -> tuple[SparsePyramid, ActiveNodes]:
    """A canvas with all that a stage looks at, in two portions, and the nodes that are cut."""
    partition = BinaryTree(events.geometry)
    canvas, fronts = SparsePyramid(partition, len(events), UNIT), {}
    hits = Hits.of(events, np.zeros(3, np.float32))
    for level in (stage, stage + 1, partition.coarse(stage)):
        made, nodes = filled(partition, level, hits, UNIT)
        fronts[level] = ActiveNodes(nodes, contents(made, nodes, made.content.shape[3] // 2))
    for level, front in fronts.items():
        odd = np.arange(len(front.nodes)) % 2 == 1
        canvas.put(level, front[odd])
        canvas.put(level, front[~odd])
    return canvas, fronts[stage]


def network(cut: Cut, width: int) -> Splitter:
    """A network whose answers depend on all that it is told."""
    torch.manual_seed(width)
    made = Splitter(
        inputs=cut.inputs, conditions=3, channels=cut.channels, width=width, head=width // 2 + 1
    )
    for head in (*made.count, *made.energy):
        assert isinstance(head, torch.nn.Sequential)
        torch.nn.init.normal_(head[2].weight)
    return made.eval()


def conditions(n: int) -> torch.Tensor:
    """``(n, 3)`` what networks are told of events."""
    return torch.randn((n, 3), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("stage", [0, 1, 6, 11, 12, 17])
@pytest.mark.parametrize("width", [16, 19])
@torch.no_grad()
def test_networks_make_the_same_of_nodes(toy_jets: Events, stage: int, width: int) -> None:
    cut, nodes, *of = levels(toy_jets[:8], stage, BinaryTree(toy_jets.geometry))
    canvas, _ = painted(toy_jets[:8], stage)
    slow, told = network(cut, width), conditions(8)
    context = torch.from_numpy(seen(cut, nodes, *(level.seen for level in of)))
    wanted = slow(context, told, torch.from_numpy(nodes[:, 0].astype(np.int64)))
    fast = NodeNetwork.of(slow, cut, told)
    hidden = fast.hidden(canvas, stage, nodes)
    np.testing.assert_allclose(hidden[:, :width], wanted.numpy(), rtol=1e-5, atol=1e-5)
    assert not hidden[:, width:].any()
    rows = np.arange(0, len(nodes), 3)
    known = np.random.default_rng(0).random((len(nodes), OUTCOME * cut.channels), np.float32)
    given = torch.from_numpy(known)[rows]
    for c in range(cut.channels):
        count = slow.count_law(c, wanted[rows], given[:, : OUTCOME * c]).numpy()
        energy = slow.energy_law(c, wanted[rows], given[:, : OUTCOME * c + 2]).numpy()
        for heads, law in ((fast.count, count), (fast.energy, energy)):
            found = heads[c](rows, hidden, known)[:, : law.shape[1]]
            np.testing.assert_allclose(found, law, rtol=1e-5, atol=1e-5)


def test_what_is_wiped_is_not_seen(toy_jets: Events) -> None:
    cut, nodes, *_ = levels(toy_jets[:8], 12, BinaryTree(toy_jets.geometry))
    canvas, front = painted(toy_jets[:8], 12)
    fast = NodeNetwork.of(network(cut, 16), cut, conditions(8))
    before = fast.hidden(canvas, 12, nodes)
    canvas.wipe(12, front)
    assert not np.array_equal(fast.hidden(canvas, 12, nodes), before)
    canvas.put(12, front)
    assert np.array_equal(fast.hidden(canvas, 12, nodes), before)


def test_some_images_of_a_canvas(toy_jets: Events) -> None:
    cut, nodes, *_ = levels(toy_jets[:8], 12, BinaryTree(toy_jets.geometry))
    canvas, front = painted(toy_jets[:8], 12)
    some, fast = slice(3, 6), NodeNetwork.of(network(cut, 16), cut, conditions(8))
    part = SparsePyramid(canvas.partition, 3, UNIT)
    for level in (12, 13, canvas.partition.coarse(12)):
        part.take(level, canvas, some)
    mine = front.between(some)
    chosen = (nodes[:, 0] >= 3) & (nodes[:, 0] < 6)
    assert np.array_equal(mine.moved(3).nodes, nodes[chosen])
    wanted = fast.hidden(canvas, 12, nodes)[chosen]
    np.testing.assert_allclose(fast.some(some).hidden(part, 12, mine.nodes), wanted, rtol=1e-5)


def test_nodes_without_the_channels_that_go_on_are_left_out() -> None:
    nodes = np.array([[0, 1, 2], [0, 3, 4]], np.int32)
    content = np.zeros((2, 3, 2), np.float32)
    content[0, 2], content[1, 1] = 1, 2
    front = ActiveNodes(nodes, content)
    assert front.within(3) is front
    assert front.within(2).nodes.tolist() == [[0, 3, 4]]
    assert front.within(2).content.shape == (1, 2, 2)
