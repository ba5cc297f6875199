"""Mixtures of logistic distributions, by integration and by what is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from calovision.networks.mixtures import (
    LINE,
    PLANE,
    category,
    line_log_below,
    line_log_prob,
    line_sample,
    plane_log_prob,
    plane_sample,
)

BOUNDS = [(-1.0, 2.0), (-4.0, -3.0), (6.0, 9.0), (-50.0, 50.0)]


def law(size: int, components: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(1, size * components, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_densities_add_up_to_one_between_bounds(low: float, high: float) -> None:
    x = torch.linspace(low, high, 200_001)
    bounds = (torch.full_like(x, b) for b in (low, high))
    density = line_log_prob(law(LINE).expand(len(x), -1), x, *bounds).exp()
    assert float(torch.trapezoid(density, x)) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_the_part_below_a_number_is_the_integral_of_the_density(low: float, high: float) -> None:
    x = torch.linspace(low, high, 200_001)
    one = law(LINE).expand(len(x), -1)
    bounds = [torch.full_like(x, b) for b in (low, high)]
    density = line_log_prob(one, x, *bounds).exp()
    at = [50_000, 100_000, 180_000, 200_000]
    found = line_log_below(one, x, *bounds).exp()[at]
    areas = [float(torch.trapezoid(density[: i + 1], x[: i + 1])) for i in at]
    np.testing.assert_allclose(found, areas, atol=2e-3)


def test_one_component_is_the_logistic_distribution() -> None:
    x = torch.linspace(-3, 5, 9)
    one = torch.tensor([[0.3, 1.2, math.log(0.7)]]).expand(9, -1)
    found = line_log_prob(one, x, torch.full_like(x, -100), torch.full_like(x, 100))
    np.testing.assert_allclose(found, stats.logistic(1.2, 0.7).logpdf(x), rtol=1e-5)


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_numbers_are_drawn_from_the_density(low: float, high: float) -> None:
    n = 20_000
    uniform = torch.rand(n, 2, generator=torch.Generator().manual_seed(2))
    bounds = [torch.full((n,), b) for b in (low, high)]
    drawn = line_sample(law(LINE).expand(n, -1), *bounds, uniform)
    assert low <= float(drawn.min()) <= float(drawn.max()) <= high
    grid = torch.linspace(low, high, 50_001)
    edges = (torch.full_like(grid, b) for b in (low, high))
    density = line_log_prob(law(LINE).expand(len(grid), -1), grid, *edges).exp().double()
    below = torch.cumulative_trapezoid(density, grid.double())
    cumulative = np.append(0.0, below / below[-1])
    found = stats.ks_1samp(drawn.numpy(), lambda x: np.interp(x, grid, cumulative))
    assert found.pvalue > 1e-3


@pytest.mark.parametrize("half", [0.4, 1.5, 1e3])
def test_points_are_drawn_from_the_density(half: float) -> None:
    n = 40_000
    both = law(PLANE).expand(n, -1)
    uniform = torch.rand(n, 3, generator=torch.Generator().manual_seed(3))
    x, y = plane_sample(both, torch.full((n,), half), uniform)
    assert float(x.abs().max()) <= half
    # E_p[1 / p] over a box is its area, if the points have that density there
    box = (x.abs() < min(half, 1.0)) & (y.abs() < 1.5)
    inverse = torch.exp(-plane_log_prob(both, x, y, torch.full((n,), half)))[box]
    area = float(inverse.sum()) / n
    error = float(inverse.std()) * math.sqrt(int(box.sum())) / n
    assert area == pytest.approx(2 * min(half, 1.0) * 3.0, abs=5 * error + 0.05)


def test_categories_by_their_probabilities() -> None:
    uniform = torch.linspace(0, 1, 10_001)
    logits = torch.tensor([[0.5, 0.2, 0.3, 0.0]]).log().expand(len(uniform), -1)
    counts = torch.bincount(category(logits, uniform), minlength=4) / len(uniform)
    np.testing.assert_allclose(counts, [0.5, 0.2, 0.3, 0], atol=1e-3)
