from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from calovision.events import JET_IMAGES, Events
from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI
from calovision.events.graphs import Graphs, GraphView, Space

SPACES: list[Space] = ["position", "value"]


def graphs(events: Events, k: int, space: Space = "position") -> Graphs:
    return GraphView.of(events, k, space).batch(np.arange(len(events)))


def plain_edges(events: Events, k: int, space: Space) -> set[tuple[int, int]]:
    """(neighbour, pixel) pairs by sorting all distances, with the documented rule for ties."""
    image = events.to_dense("image")[0].reshape(3, -1)
    cell = np.flatnonzero(image.any(axis=0))
    content = image[:, cell].T
    if space == "value":
        total = content.sum(axis=1, dtype=np.float64)
        cell = cell[np.lexsort((cell, *content.T[::-1], total))]
        point = image[:, cell].T.astype(np.float64)
    else:
        point = np.stack([cell // 125, cell % 125], 1).astype(np.float64)
    pitch = np.array([CRYSTAL_ETA, CRYSTAL_PHI]) if space == "position" else np.ones(3)
    edges = set()
    for i in range(len(cell)):
        distance = (((point - point[i]) * pitch) ** 2).sum(axis=1)
        distance[i] = np.inf
        edges |= {(int(cell[j]), int(cell[i])) for j in np.argsort(distance, kind="stable")[:k]}
    return edges


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("k", [2, 10, 40])
def test_edges_are_those_of_sorting_all_distances(toy_jets: Events, space: Space, k: int) -> None:
    # 40 is more than the 25 equal pixels of a tower.
    for event in range(3):
        one = toy_jets[event]
        graph = graphs(one, k, space)
        number = pixel_numbers(graph.position)
        source, target = number[graph.edge_index.numpy()]
        assert len(source) == k * len(number)
        assert set(zip(source.tolist(), target.tolist(), strict=True)) == plain_edges(one, k, space)


def pixel_numbers(position: torch.Tensor) -> NDArray[np.int64]:
    eta, phi = position.double().numpy().T
    row, col = np.rint(eta / CRYSTAL_ETA) + 62, np.rint(phi / CRYSTAL_PHI) + 62
    return (row * 125 + col).astype(np.int64)


@pytest.mark.parametrize("space", SPACES)
def test_graph_neighbours_are_the_nearest(toy_jets: Events, space: Space) -> None:
    k = 6
    batch = graphs(toy_jets[:3], k, space)
    source, target = batch.edge_index
    assert torch.equal(batch.batch[source], batch.batch[target])
    assert not (source == target).any()
    assert torch.bincount(target, minlength=len(batch.batch)).unique().tolist() == [k]
    points = (batch.position if space == "position" else batch.features).double()
    for event in range(3):
        mine = batch.batch == event
        exact = torch.cdist(points[mine], points[mine]).fill_diagonal_(torch.inf)
        nearest = exact.topk(k, largest=False).values.sort(1).values
        edges = mine[target]
        found = (points[source[edges]] - points[target[edges]]).norm(dim=1)
        found = found.reshape(-1, k).sort(1).values
        torch.testing.assert_close(found, nearest, atol=1e-7, rtol=1e-5)


def test_graph_nodes_are_the_nonzero_pixels(toy_jets: Events) -> None:
    batch = graphs(toy_jets[:4], 2)
    dense = toy_jets[:4].to_dense("image")
    assert torch.bincount(batch.batch).tolist() == dense.any(axis=1).sum(axis=(1, 2)).tolist()
    sums = torch.zeros(4, 3).index_add_(0, batch.batch, batch.features)
    np.testing.assert_allclose(sums, dense.sum(axis=(2, 3)), rtol=1e-4)
    for event in range(4):
        mine = batch.batch == event
        cell = pixel_numbers(batch.position[mine])
        expected = dense[event].reshape(3, -1)[:, cell].T
        np.testing.assert_array_equal(batch.features[mine].numpy(), expected)


def test_lone_pixels_of_a_channel_with_larger_cells_stay_alone() -> None:
    # code 5 is a single HCAL pixel, code 2 a whole tower of 5 x 5
    cell, code = np.array([127 + 125, 5000], np.uint16), np.array([2, 5], np.uint8)
    events = Events(JET_IMAGES, np.array([0, 2]), cell, code, np.ones(2, np.float32))
    assert len(graphs(events, 1).features) == 26


@pytest.mark.parametrize("k", [1, 4, 10, 40])
def test_points_average_exactly_as_their_pixels(toy_jets: Events, k: int) -> None:
    view = GraphView.of(toy_jets[:8], k, "value")
    chosen = np.array([5, 0, 3])
    pixels, points = view.batch(chosen), view.merged(chosen)
    assert len(points.features) < 0.7 * len(pixels.features)
    size = points.size.long()
    assert torch.equal(points.features.repeat_interleave(size, 0), pixels.features)
    assert torch.equal(points.batch.repeat_interleave(size), pixels.batch)
    source, target = pixels.edge_index
    # any function of the content, twice, as two layers would
    x, full = torch.sin(300 * points.features.double()), torch.sin(300 * pixels.features.double())
    for _ in range(2):
        x = points.mean.double().to_dense() @ x + 0.3 * x
        full = torch.zeros_like(full).index_add_(0, target, full[source]) / k + 0.3 * full
        torch.testing.assert_close(x.repeat_interleave(size, 0), full, atol=1e-6, rtol=0)
    assert torch.equal(points.mean_t.to_dense(), points.mean.to_dense().T)
    torch.testing.assert_close(points.mean.to_dense().sum(1), torch.ones(len(size)))


def test_positions_make_every_pixel_a_point(toy_jets: Events) -> None:
    view = GraphView.of(toy_jets[:3], 5, "position")
    pixels, points = view.batch(np.arange(3)), view.merged(np.arange(3))
    assert torch.equal(points.position, pixels.position)
    assert points.size.unique().tolist() == [1.0]


def test_graph_of_tiny_events() -> None:
    offsets = np.array([0, 0, 1, 3])
    cell = np.array([5, 7, 9], np.uint16)
    events = Events(JET_IMAGES, offsets, cell, np.zeros(3, np.uint8), np.ones(3, np.float32))
    for space in SPACES:
        batch = graphs(events, 4, space)
        assert sorted(batch.edge_index.T.tolist()) == [[1, 2], [2, 1]]
        assert graphs(events[:1], 4, space).edge_index.shape == (2, 0)
        assert graphs(events[:0], 4, space).edge_index.shape == (2, 0)
    merged = GraphView.of(events, 4, "value").merged(np.arange(3))
    assert merged.size.tolist() == [1, 2]
    assert merged.mean.to_dense().tolist() == [[0, 0], [0, 1]]


def test_the_order_of_hits_and_the_number_of_workers_do_not_matter(
    make_jets: Callable[[int, int], Events],
) -> None:
    jets = make_jets(600, 3)
    by = np.lexsort((np.random.default_rng(0).random(len(jets.cell)), jets.owner))
    mixed = Events(
        jets.geometry, jets.offsets, jets.cell[by], jets.code[by], jets.value[by], jets.columns
    )
    a, b = GraphView.of(jets, 3, "value"), GraphView.of(mixed, 3, "value", workers=2)
    for name in ("points", "pixels", "content", "size", "near", "cell"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_one_event_as_torch_geometric_data(toy_jets: Events) -> None:
    data = GraphView.of(toy_jets[:5], 4, "value").pyg(3)
    alone = graphs(toy_jets[3], 4, "value")
    assert torch.equal(data.x, alone.features)
    assert torch.equal(data.edge_index, alone.edge_index)
    assert torch.equal(data.pos, alone.position)
    assert data.y.tolist() == [int(toy_jets.label[3])]
    assert data.is_directed()
    data.validate()
