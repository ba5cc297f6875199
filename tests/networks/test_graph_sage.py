from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from calovision.networks.graph_sage import GraphSAGE

NODES = torch.tensor([7, 1, 12])  # the middle graph is a lone node without neighbours


def graph(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    batch = torch.arange(3).repeat_interleave(NODES)
    pairs = torch.rand(20, 20, generator=generator) < 0.3
    pairs &= batch[:, None] == batch
    pairs.fill_diagonal_(False)
    features = torch.randn(20, 3, generator=generator)
    return features, pairs.nonzero().T.flip(0), batch


def sparse_means(edges: Tensor, nodes: int) -> tuple[Tensor, Tensor]:
    dense = torch.zeros(nodes, nodes)
    dense[edges[1], edges[0]] = 1.0
    dense /= dense.sum(1, keepdim=True).clamp(min=1)
    return dense.to_sparse_csr(), dense.T.contiguous().to_sparse_csr()


@pytest.mark.filterwarnings("ignore:Sparse")
def test_layers_against_a_dense_adjacency_in_numpy() -> None:
    torch.manual_seed(1)
    net = GraphSAGE().eval()
    features, edges, batch = graph()
    adjacency = np.zeros((20, 20))
    adjacency[edges[1], edges[0]] = 1.0
    mean = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1)
    weights = {k: v.double().numpy() for k, v in net.state_dict().items()}
    x = features.double().numpy()
    for i in range(3):
        near, own = weights[f"layers.{i}.lin_l.weight"], weights[f"layers.{i}.lin_r.weight"]
        x = np.maximum(mean @ x @ near.T + weights[f"layers.{i}.lin_l.bias"] + x @ own.T, 0)
    x = np.stack([x[batch == g].mean(axis=0) for g in range(3)])
    for i in range(2):
        x = np.maximum(x @ weights[f"dense.{i}.weight"].T + weights[f"dense.{i}.bias"], 0)
    x = x @ weights["out.weight"].T + weights["out.bias"]
    expected = x[:, 1] - x[:, 0]
    for given in (edges, sparse_means(edges, 20)):
        np.testing.assert_allclose(net(features, given, batch, 3).detach(), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Sparse")
def test_both_forms_of_the_edges_have_the_same_gradients() -> None:
    features, edges, batch = graph()
    gradients = []
    for given in (edges, sparse_means(edges, 20)):
        torch.manual_seed(1)
        net = GraphSAGE().eval()
        x = features.clone().requires_grad_()
        net(x, given, batch, 3).square().sum().backward()
        gradients.append([x.grad, *(p.grad for p in net.parameters())])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_a_node_counted_several_times_weighs_so_much() -> None:
    torch.manual_seed(1)
    net = GraphSAGE().eval()
    features = torch.randn(3, 3)
    none = torch.empty(2, 0, dtype=torch.int64)
    times = torch.tensor([4.0, 1.0, 2.0])
    batch = torch.tensor([0, 0, 1])
    repeated = features.repeat_interleave(times.long(), 0)
    expected = net(repeated, none, batch.repeat_interleave(times.long()), 2)
    torch.testing.assert_close(net(features, none, batch, 2, times), expected)


def test_widths_are_the_published_ones() -> None:
    shapes = [tuple(p.shape) for n, p in GraphSAGE().named_parameters() if n.endswith("weight")]
    convolutions = [(32, 3), (32, 3), (64, 32), (64, 32), (128, 64), (128, 64)]
    assert shapes == [*convolutions, (64, 128), (16, 64), (2, 16)]
