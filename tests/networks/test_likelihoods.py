from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from calovision.networks.likelihoods import (
    discretised_logistic_nll,
    gaussian_kl,
    gaussian_nll,
)


def test_gaussian_nll_is_that_of_torch_distributions() -> None:
    x, mean, log_std = torch.randn(3, 50, generator=torch.Generator().manual_seed(1))
    expected = -Normal(mean, log_std.exp()).log_prob(x)
    assert torch.allclose(gaussian_nll(x, mean, log_std), expected, atol=1e-5)


def test_gaussian_kl_is_that_of_torch_distributions() -> None:
    mean, log_std = torch.randn(2, 50, generator=torch.Generator().manual_seed(2))
    unit = Normal(torch.zeros(50), torch.ones(50))
    expected = kl_divergence(Normal(mean, log_std.exp()), unit)
    assert torch.allclose(gaussian_kl(mean, log_std), expected, atol=1e-5)


@pytest.mark.parametrize("pitch", [1.0, 5.0])
@pytest.mark.parametrize("log_width", [-2.0, 0.0, 2.0])
def test_discretised_logistic_sums_to_one_over_its_cells(pitch: float, log_width: float) -> None:
    cells = torch.arange(-400, 401, dtype=torch.float64) * pitch
    nll = discretised_logistic_nll(
        cells, torch.tensor(0.3), torch.tensor(log_width), torch.tensor(pitch)
    )
    assert torch.exp(-nll).sum().item() == pytest.approx(1.0, abs=1e-6)


def test_discretised_logistic_stays_finite_far_from_the_mean() -> None:
    x = torch.tensor([1e4], requires_grad=True)
    nll = discretised_logistic_nll(x, torch.tensor(0.0), torch.tensor(-4.0), torch.tensor(1.0))
    nll.sum().backward()
    assert torch.isfinite(nll).all()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
