from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from calovision.training.minimise import Losses, averaged, cosine, minimise


def target() -> tuple[nn.Parameter, torch.optim.Optimizer]:
    at = nn.Parameter(torch.zeros(3))
    return at, torch.optim.SGD([at], 0.1)


def test_the_minimum_is_found_and_reported_on_the_way() -> None:
    at, optimiser = target()
    wanted = torch.tensor([1.0, -2.0, 0.5])
    reports: list[tuple[float, float]] = []
    done: list[int] = []

    def loss(_: float) -> Losses:
        value = (at - wanted).square().sum()
        return value, {"distance": value.sqrt()}

    minimise(
        loss,
        optimiser,
        100,
        after=done.append,
        report=lambda share, parts: reports.append((share, parts["distance"])),
        every=40,
    )
    torch.testing.assert_close(at.detach(), wanted)
    assert [share for share, _ in reports] == [0.0, 0.4, 0.8]
    assert reports[0][1] == pytest.approx(5.25**0.5)
    assert done == list(range(1, 101))


def test_the_schedule_scales_every_rate_also_of_a_training_that_goes_on() -> None:
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([{"params": [a], "lr": 1.0}, {"params": [b], "lr": 0.1}])
    rates: list[list[float]] = []

    def loss(share: float) -> Losses:
        rates.append([share, *(group["lr"] for group in optimiser.param_groups)])
        return (a + b).sum(), {}

    minimise(loss, optimiser, 4, numbers=range(2, 4), schedule=lambda share: 1 - share)
    assert rates == [[0.5, 0.5, 0.05], [0.75, 0.25, 0.025]]


def test_gradients_are_cut_and_steps_without_one_left_out() -> None:
    network = nn.Linear(1, 1, bias=False)
    before = network.weight.detach().clone()
    factors = iter([1e6, float("nan"), 1e6])

    def loss(_: float) -> Losses:
        return next(factors) * network.weight.sum(), {}

    minimise(loss, torch.optim.SGD(network.parameters(), 0.1), 3, clip=[(network, 2.0)])
    torch.testing.assert_close(network.weight.detach(), before - 0.4)


def test_half_a_cosine() -> None:
    assert [cosine(s) for s in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.5, 0])
    assert [cosine(s, last=0.2) for s in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.6, 0.2])


@pytest.mark.parametrize(("decay", "young"), [(0.9, 4.0), (0.5, 1e6)])
def test_the_average_forgets_its_beginning_faster(decay: float, young: float) -> None:
    network = nn.BatchNorm1d(2)
    average = averaged(network, decay, young)
    assert not any(p.requires_grad for p in average.parameters())
    mean: Tensor = copy.deepcopy(network.weight.detach())
    for step in range(1, 60):
        with torch.no_grad():
            network.weight.add_(step)
            assert network.running_mean is not None
            network.running_mean.add_(1)
        average.update_parameters(network)
        kept = min(decay, step / (step + young))
        mean = kept * mean + (1 - kept) * network.weight.detach()
        torch.testing.assert_close(average.module.weight, mean)
        torch.testing.assert_close(average.module.running_mean, network.running_mean)
