"""Laws and their gradients, compiled and in tensors, against the formulas written down again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from calovision.networks.logistic_mixture import (
    COUNT,
    ENERGY,
    ENERGY_WIDTHS,
    MIN_FRACTION,
    count_formula,
    count_log_prob,
    energy_formula,
    energy_log_prob,
)
from calovision.networks.splitter import _count_mixture

MANY = 3000


def between(lower: Tensor, upper: Tensor) -> Tensor:
    gap = (upper - lower).clamp(min=1e-6)
    return F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(-gap))


def counts(law: Tensor, count: Tensor, low: Tensor, high: Tensor) -> Tensor:
    weight, centre, width = _count_mixture(law, low, high)
    places = (count - 0.5, count + 0.5, low - 0.5, high + 0.5)
    edges = [(x[:, None] - centre) / width for x in places]
    return torch.logsumexp(weight + between(*edges[:2]) - between(*edges[2:]), 1)


def energies(law: Tensor, fraction: Tensor) -> Tensor:
    weight, centre, width = law.chunk(3, 1)
    scale = torch.exp(width.clamp(*ENERGY_WIDTHS))
    z = (fraction.clamp(MIN_FRACTION, 1 - MIN_FRACTION).logit()[:, None] - 2 * centre) / scale
    density = F.logsigmoid(z) + F.logsigmoid(-z) - scale.log()
    return torch.logsumexp(weight.log_softmax(1) + density, 1)


def test_values_and_gradients_are_those_of_the_formulas() -> None:
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    low = torch.randint(0, 5, (MANY,), generator=generator).double()
    more = torch.randint(1, 20, (MANY,), generator=generator)
    count = low + (torch.rand(MANY, generator=generator) * (more + 1)).floor()
    fraction = torch.rand(MANY, generator=generator).double()
    fraction[:5] = torch.tensor([0.0, 1.0, 1e-7, 0.5, 1 - 1e-7])
    for numbers, own, formula, given in (
        (COUNT, count_log_prob, counts, (count, low, low + more)),
        (COUNT, count_formula, counts, (count, low, low + more)),
        (ENERGY, energy_log_prob, energies, (fraction,)),
        (ENERGY, energy_formula, energies, (fraction,)),
    ):
        law, outer = 1.5 * normal(MANY, numbers), normal(MANY)
        laws = [law.clone().requires_grad_() for _ in range(2)]
        values = [f(x, *given) for f, x in zip((own, formula), laws, strict=True)]
        torch.testing.assert_close(values[0], values[1], rtol=1e-7, atol=1e-7)
        for value in values:
            (value * outer).sum().backward()
        slopes = [x.grad for x in laws]
        assert slopes[0] is not None
        assert float(slopes[0].abs().mean(0).min()) > 1e-3
        torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("log_prob", [count_log_prob, count_formula])
def test_unlikely_counts_have_finite_values_and_gradients(
    log_prob: Callable[..., Tensor],
) -> None:
    law = torch.zeros(2, COUNT)
    law[:, 3:6] = torch.tensor([[200.0], [-200.0]])
    law.requires_grad_()
    three = torch.full((2,), 3.0)
    value = log_prob(law, three, three - 3, three)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert law.grad is not None
    assert torch.isfinite(law.grad).all()
