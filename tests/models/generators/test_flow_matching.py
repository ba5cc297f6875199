"""The flow against the one case whose optimum is known: Gaussian data."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from calovision.models.generators.flow_matching import Field, follow, matching_loss
from calovision.networks.velocity import Velocity

MEAN, SPREAD = 1.5, 0.4


def ideal(point: Tensor, time: Tensor) -> Tensor:
    """Mean velocity of all straight paths through a point, for Gaussian data."""
    t = time[:, None]
    variance = (1 - t) ** 2 + (t * SPREAD) ** 2
    return MEAN + (t * SPREAD**2 - (1 - t)) / variance * (point - t * MEAN)


def test_the_ideal_field_turns_noise_into_the_data_with_second_order() -> None:
    noise = torch.randn(1000, 3, generator=torch.Generator().manual_seed(1))
    exact = MEAN + SPREAD * noise
    errors = [float((follow(ideal, noise, n) - exact).abs().mean()) for n in (16, 32, 64)]
    assert errors[2] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.4)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.4)


def test_the_ideal_field_has_the_least_loss() -> None:
    data = MEAN + SPREAD * torch.randn(20_000, 3, generator=torch.Generator().manual_seed(1))

    def loss(field: Field) -> float:
        return float(matching_loss(field, data, torch.Generator().manual_seed(2)))

    best = loss(ideal)
    assert loss(lambda x, t: ideal(x, t) + 0.1) > best
    assert loss(lambda x, t: 1.05 * ideal(x, t)) > best


def test_training_finds_the_ideal_field() -> None:
    torch.manual_seed(1)
    network = Velocity(size=1, conditions=1, width=32, layers=2)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    generator = torch.Generator().manual_seed(1)
    none = torch.zeros(512, 1)
    for _ in range(300):
        data = MEAN + SPREAD * torch.randn(512, 1, generator=generator)
        loss = matching_loss(lambda x, t: network(x, t, none[: len(x)]), data, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        made = follow(lambda x, t: network(x, t, none[: len(x)]), torch.randn(512, 1), 20)
    assert float(made.mean()) == pytest.approx(MEAN, abs=0.1)
    assert float(made.std()) == pytest.approx(SPREAD, abs=0.1)


def test_a_flow_can_be_followed_back() -> None:
    torch.manual_seed(1)
    network = Velocity(size=4, conditions=1, width=32, layers=3)
    torch.nn.init.normal_(network.leave.weight, std=0.3)
    condition = torch.ones(50, 1)

    def field(x: Tensor, t: Tensor) -> Tensor:
        out: Tensor = network(x, t, condition)
        return out

    noise = torch.randn(50, 4)
    with torch.no_grad():
        there = follow(field, noise, 200)
        back = follow(field, there, 200, backwards=True)
    assert float((there - noise).abs().max()) > 0.05
    assert torch.allclose(back, noise, atol=1e-3)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps"):
        follow(ideal, torch.zeros(1, 1), 0)
