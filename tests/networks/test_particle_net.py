from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from calovision.networks.particle_net import PARTICLE_NET_LITE, EdgeConv, ParticleNet, neighbours


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters_are_those_of_the_paper() -> None:
    # the paper: 366k and 26k with two outputs, the second of which is one neuron more here
    assert count(ParticleNet(7)) + 256 + 1 == 366_160
    assert count(ParticleNet(7, blocks=PARTICLE_NET_LITE, head=128)) + 128 + 1 == 26_416


def batch_norm(x: Tensor) -> Tensor:
    """Over all rows, with weight 1 and bias 0."""
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()


@pytest.mark.parametrize("complete", [True, False])
def test_edge_convolution_against_a_plain_loop(complete: bool) -> None:
    torch.manual_seed(0)
    block = EdgeConv(4, 3, (6, 5)).double().train()
    x = torch.randn(9, 4, dtype=torch.float64)
    near = torch.stack([torch.randperm(9)[:3] for _ in range(9)])
    valid = torch.ones(9, 3, dtype=torch.bool)
    if not complete:
        valid[2, 1:], valid[5] = False, False
    owner, edges = [], []
    for i in range(9):
        for j, exists in zip(near[i].tolist(), valid[i].tolist(), strict=True):
            if exists:
                owner.append(i)
                edges.append(torch.cat([x[i], x[j] - x[i]]))
    hidden = torch.stack(edges)
    for linear in (block.first, *block.linears):
        hidden = torch.relu(batch_norm(hidden @ linear.weight.T))
    shortcut = batch_norm(x @ block.shortcut.weight.T)
    expected = torch.zeros(9, 5, dtype=torch.float64)
    for i in range(9):
        mine = [h for o, h in zip(owner, hidden, strict=True) if o == i]
        mean = torch.stack(mine).mean(0) if mine else torch.zeros(5)
        expected[i] = torch.relu(shortcut[i] + mean)
    torch.testing.assert_close(block(x, near, valid), expected)


@pytest.mark.parametrize("dimensions", [2, 20])
def test_neighbours_are_the_nearest_of_the_same_jet(dimensions: int) -> None:
    torch.manual_seed(0)
    place = torch.randn(4, 11, dimensions)
    mask = torch.rand(4, 11) < 0.7
    mask[0], mask[1, 1:], mask[1, 0] = True, False, True
    near, valid = neighbours(place, mask, 5)
    packed, owner = place[mask], mask.nonzero()[:, 0]
    for i in range(len(packed)):
        distance = (packed - packed[i]).norm(dim=1)
        distance[owner != owner[i]] = torch.inf
        distance[i] = torch.inf
        others = int((owner == owner[i]).sum()) - 1
        assert valid[i].sum() == min(5, others)
        found = distance[near[i][valid[i]]].sort().values
        torch.testing.assert_close(found, distance.sort().values[: min(5, others)])


def test_particles_on_the_same_spot_are_neighbours_but_not_of_themselves() -> None:
    near, valid = neighbours(torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), 3)
    assert valid.all()
    assert [sorted(row) for row in near.tolist()] == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


def test_statistics_of_the_input_are_those_of_the_particles() -> None:
    torch.manual_seed(0)
    net = ParticleNet(3, blocks=((2, (4,)),), head=4)
    mask = torch.rand(5, 8) < 0.5
    features = torch.where(mask[..., None], torch.randn(5, 8, 3) + 2.0, 1e6)
    net.train()(torch.randn(5, 8, 2), features, mask)
    torch.testing.assert_close(net.norm.running_mean, 0.1 * features[mask].mean(0))


def test_jets_of_one_or_no_particle_are_scored() -> None:
    net = ParticleNet(3, blocks=PARTICLE_NET_LITE, head=8).eval()
    mask = torch.tensor([[True, False, False], [False, False, False]])
    out = net(torch.zeros(2, 3, 2), torch.zeros(2, 3, 3), mask)
    assert out.isfinite().all()
    assert net(torch.zeros(2, 1, 2), torch.zeros(2, 1, 3), mask[:, :1]).isfinite().all()


def test_runs_in_half_precision() -> None:
    torch.manual_seed(0)
    net = ParticleNet(3).eval()
    inputs = torch.randn(4, 30, 2), torch.randn(4, 30, 3), torch.rand(4, 30) < 0.9
    full = net(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(*inputs)
    assert half.dtype == torch.float32
    assert 0 < F.l1_loss(half, full) < 0.02


def test_equally_near_particles_are_settled_by_their_order() -> None:
    """As on a grid of pixels: four at the same distance from the first one."""
    step = 0.0174
    points = torch.tensor([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0], [2, 2]]) * step
    near, valid = neighbours(points[None], torch.ones(1, 6, dtype=torch.bool), 2)
    assert valid.all()
    assert sorted(near[0].tolist()) == [1, 2]
    near, _ = neighbours(points[None, [0, 4, 3, 2, 1, 5]], torch.ones(1, 6, dtype=torch.bool), 2)
    assert sorted(near[0].tolist()) == [1, 2]
