from __future__ import annotations

import math
from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from calovision.models.symmetry.flows import flow, step, trajectory


def pendulum(z: Tensor) -> Tensor:
    return torch.stack([z[:, 1], -torch.sin(z[:, 0])], 1)


def turning(z: Tensor) -> Tensor:
    return torch.stack([-z[:, 1], z[:, 0]], 1)


def test_the_integrator_is_of_fourth_order() -> None:
    start = torch.tensor([[1.0, 0.3]], dtype=torch.float64)

    def end(steps: int) -> Tensor:
        z = start
        for _ in range(steps):
            z = step(pendulum, z, 2 / steps)
        return z

    exact = end(3000)
    errors = [float((end(n) - exact).norm()) for n in (10, 20, 40)]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(3.8 < order < 4.2 for order in orders), orders


@settings(deadline=None)
@given(st.floats(-7, 7))
def test_a_rotation_turns_by_its_time(time: float) -> None:
    z = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    end = flow(turning, z, time, longest=0.05)
    cos, sin = math.cos(time), math.sin(time)
    expected = torch.tensor([[cos, sin], [-2 * sin, 2 * cos]])
    torch.testing.assert_close(end, expected, atol=1e-4, rtol=0)


def test_flows_add_up_and_go_back() -> None:
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    there = flow(pendulum, flow(pendulum, z, 0.7), 0.5)
    torch.testing.assert_close(there, flow(pendulum, z, 1.2), atol=1e-4, rtol=0)
    torch.testing.assert_close(flow(pendulum, there, -1.2), z, atol=1e-4, rtol=0)


def test_every_point_may_have_its_own_time() -> None:
    z = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    end = flow(turning, z, torch.tensor([[0.0], [math.pi / 2]]), longest=0.05)
    torch.testing.assert_close(end, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), atol=1e-5, rtol=0)


def test_a_trajectory_begins_where_it_starts_and_stays_within_reach() -> None:
    path = trajectory(lambda z: z, torch.ones(2, 3), 10.0, 50, reach=4.0)
    assert path.shape == (2, 51, 3)
    assert torch.equal(path[:, 0], torch.ones(2, 3))
    assert float(path.max()) == 4.0
