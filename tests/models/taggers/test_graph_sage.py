from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from calovision.events import JET_IMAGES, Events
from calovision.events.graphs import GraphView
from calovision.models.taggers.graph_sage import GraphTask


def fresh(train: Events, k: int = 10, positions: bool = False) -> GraphTask:
    torch.manual_seed(0)
    settings = SimpleNamespace(k=k, positions=positions, dropout=0.3)
    return GraphTask.from_events(settings, JET_IMAGES, train)


@pytest.mark.parametrize("k", [2, 10])
@pytest.mark.parametrize("positions", [False, True])
def test_logits_are_those_of_the_network_on_the_published_graph(
    toy_jets: Events, k: int, positions: bool
) -> None:
    task = fresh(toy_jets, k, positions)
    view = GraphView.of(toy_jets, k, "position" if positions else "value")
    graph = view.batch(np.arange(len(toy_jets)))
    features = [graph.features, graph.position] if positions else [graph.features]
    with torch.no_grad():
        expected = task.eval().network(
            torch.cat(features, 1) / task.scale, graph.edge_index, graph.batch, len(toy_jets)
        )
    found = task.logits(task.dataset(toy_jets))
    assert found.std() > 1e-4
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_scale_is_the_spread_over_pixels(toy_jets: Events) -> None:
    task = fresh(toy_jets)
    dense = toy_jets.to_dense("image").transpose(0, 2, 3, 1)
    pixels = dense[dense.any(axis=-1)].astype(np.float64)
    np.testing.assert_allclose(task.scale, pixels.std(axis=0), rtol=1e-4)


def test_scores_do_not_depend_on_the_batch(toy_jets: Events) -> None:
    task = fresh(toy_jets).eval()
    dataset = task.dataset(toy_jets)
    whole = task.logits(dataset)
    *inputs, label, _, _ = task.batch(dataset, np.array([40, 3]))
    with torch.no_grad():
        np.testing.assert_allclose(task.network(*inputs), whole[[40, 3]], atol=1e-5)
    assert label.tolist() == toy_jets.label[[40, 3]].tolist()


def test_without_positions_the_place_of_hits_does_not_matter(toy_jets: Events) -> None:
    # the published network cannot see geometry: the window rolled by two towers changes nothing
    row, col = np.divmod(toy_jets.cell.astype(np.int64), 125)
    rolled = dataclasses.replace(toy_jets, cell=((row + 10) % 125 * 125 + col).astype(np.uint16))
    for positions, same in ((False, True), (True, False)):
        task = fresh(toy_jets, positions=positions)
        a, b = (task.logits(task.dataset(e)) for e in (toy_jets, rolled))
        assert np.allclose(a, b, atol=1e-5) == same


def test_learns(toy_jets: Events) -> None:
    brighter = 1 + toy_jets.label[toy_jets.owner].astype(np.float32)
    toy_jets = dataclasses.replace(toy_jets, value=toy_jets.value * brighter)
    task = fresh(toy_jets).train()
    optimizer = torch.optim.Adam(task.parameters(), 3e-3)
    batch = task.batch(task.dataset(toy_jets), np.arange(32))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = task.loss(batch, torch.Generator())["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.02
