"""Laws of the cuts: normalised, within their limits, and sampled as they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import kstest

from calovision.networks.logistic_mixture import (
    COUNT_PARTS,
    ENERGY_PARTS,
    count_log_prob,
    energy_log_prob,
)
from calovision.networks.splitter import OUTCOME, Splitter, count_sample, energy_sample


def laws(parts: int, n: int, seed: int, scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(n, 3 * parts, generator=torch.Generator().manual_seed(seed))


def filled(n: int, value: float) -> torch.Tensor:
    return torch.full((n,), float(value))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 100))
def test_probabilities_of_all_counts_add_up_to_one(low: int, more: int, seed: int) -> None:
    high = low + more
    law = laws(COUNT_PARTS, 5, seed)
    total = sum(
        count_log_prob(law, filled(5, k), filled(5, low), filled(5, high)).exp()
        for k in range(low, high + 1)
    )
    assert isinstance(total, torch.Tensor)
    assert torch.allclose(total, torch.ones(5), atol=1e-4)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (2, 7), (0, 30)])
def test_counts_are_drawn_as_often_as_they_are_likely(low: int, high: int) -> None:
    n = 20_000
    law = laws(COUNT_PARTS, 1, seed=high).expand(n, -1)
    uniform = torch.from_numpy(np.random.default_rng(1).random((n, 2)))
    drawn = count_sample(law, uniform, filled(n, low), filled(n, high))
    for k in range(low, high + 1):
        one = count_log_prob(law[:1], filled(1, k), filled(1, low), filled(1, high)).exp().item()
        error = np.sqrt(one * (1 - one) / n) + 1e-4
        assert abs((drawn == k).float().mean().item() - one) < 5 * error


def test_counts_stay_within_limits_that_the_law_does_not_expect() -> None:
    law = torch.zeros(1000, 3 * COUNT_PARTS)
    law[:, COUNT_PARTS : 2 * COUNT_PARTS] = 200.0
    uniform = torch.from_numpy(np.random.default_rng(1).random((1000, 2)))
    drawn = count_sample(law, uniform, filled(1000, 3), filled(1000, 5))
    assert drawn.min() >= 3
    assert drawn.max() <= 5
    assert torch.isfinite(
        count_log_prob(law, filled(1000, 3), filled(1000, 3), filled(1000, 5))
    ).all()


def test_energy_density_is_normalised_and_sampled() -> None:
    law = laws(ENERGY_PARTS, 1, seed=3, scale=0.7)
    logit = torch.linspace(-11.0, 11.0, 4001)
    density = energy_log_prob(law.expand(len(logit), -1), torch.sigmoid(logit)).exp()
    assert torch.trapezoid(density, logit).item() == pytest.approx(1.0, abs=1e-2)
    cumulative = torch.cumulative_trapezoid(density, logit).numpy()
    uniform = torch.from_numpy(np.random.default_rng(1).random((5000, 2), np.float32))
    drawn = energy_sample(law.expand(5000, -1), uniform)
    assert drawn.min() > 0
    assert drawn.max() < 1

    def distribution(x: np.ndarray) -> np.ndarray:
        return np.interp(x, expit(logit[1:].numpy()), cumulative)

    assert kstest(drawn.numpy(), distribution).pvalue > 1e-3


def test_later_variables_depend_on_earlier_ones_and_on_the_event() -> None:
    torch.manual_seed(1)
    network = Splitter(inputs=10, conditions=3, channels=2, width=16, head=8)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    context, owner = torch.randn(4, 10), torch.tensor([0, 0, 1, 1])
    one, other = torch.zeros(2, 3), torch.tensor([[0.0, 0, 0], [1.0, 0, 0]])
    hidden = network(context, one, owner)
    assert torch.equal(hidden[:2], network(context, other, owner)[:2])
    assert not torch.allclose(hidden[2:], network(context, other, owner)[2:])
    before = network.count_law(1, hidden, torch.zeros(4, OUTCOME))
    assert not torch.allclose(before, network.count_law(1, hidden, torch.ones(4, OUTCOME)))
    law = network.energy_law(0, hidden, torch.ones(4, 2))
    assert law.shape == (4, 3 * ENERGY_PARTS)
