"""Log-probabilities of logistic mixtures and their gradients, compiled.

The formulas are those of :mod:`~calovision.networks.splitter`. Written out in tensors they are some
forty operations on a few numbers for each row, and as many again backwards, which took half of a
training step on a processor. On a GPU, which cannot run what is compiled here, they are tensors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from calovision.utils.compiled import compiled

COUNT_PARTS, ENERGY_PARTS = 3, 4  #: components of the mixtures
COUNT, ENERGY = 3 * COUNT_PARTS, 3 * ENERGY_PARTS  #: parameters of the laws
COUNT_WIDTHS, ENERGY_WIDTHS = (-6.0, 3.0), (-5.0, 3.0)  #: limits of logarithms of widths
MIN_FRACTION = 1e-5  #: energy fractions are kept this far from 0 and 1


def count_log_prob(law: Tensor, count: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log-probability of ``count`` hits in the first half: logistics cut at the limits.

    Args:
        law: ``(m, COUNT)``, the only one with a gradient.
        count: ``(m,)`` whole numbers.
        low: ``(m,)`` the smallest that they can be.
        high: ``(m,)`` the largest.
    """
    if law.device.type != "cpu":
        return count_formula(law, count, low, high)
    found: Tensor = _Law.apply(_count, law, count, low, high)  # type: ignore[no-untyped-call]
    return found


def energy_log_prob(law: Tensor, fraction: Tensor) -> Tensor:
    """Log-density of the logit of the first half's energy fraction, ``(m,)`` in (0, 1).

    ``law`` ``(m, ENERGY)`` is the only one with a gradient.
    """
    if law.device.type != "cpu":
        return energy_formula(law, fraction)
    found: Tensor = _Law.apply(_energy, law, fraction)  # type: ignore[no-untyped-call]
    return found


def count_formula(law: Tensor, count: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """:func:`count_log_prob` in tensors, on any device, in the precision of ``law``."""
    weight, place, width = law.chunk(3, 1)
    span = (high - low + 1)[:, None]
    centre = low[:, None] - 0.5 + span * (0.5 + 0.5 * place)
    width = span * torch.exp(width.clamp(*COUNT_WIDTHS) - 1)
    edges = (count - 0.5, count + 0.5, low - 0.5, high + 0.5)
    a, b, c, d = ((edge[:, None] - centre) / width for edge in edges)
    inside, allowed = _log_between(a, b), _log_between(c, d)
    return torch.logsumexp(weight.log_softmax(1) + inside - allowed, 1)


def energy_formula(law: Tensor, fraction: Tensor) -> Tensor:
    """:func:`energy_log_prob` in tensors, on any device, in the precision of ``law``."""
    weight, place, width = law.chunk(3, 1)
    logarithm = width.clamp(*ENERGY_WIDTHS)
    logit = fraction.clamp(MIN_FRACTION, 1 - MIN_FRACTION).logit()[:, None]
    z = (logit - 2 * place) / logarithm.exp()
    density = F.logsigmoid(z) + F.logsigmoid(-z) - logarithm
    return torch.logsumexp(weight.log_softmax(1) + density, 1)


def _log_between(lower: Tensor, upper: Tensor) -> Tensor:
    """Logarithm of the standard logistic's probability between two places."""
    gap = (upper - lower).clamp(min=1e-6)
    return F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(-gap))


class _Law(torch.autograd.Function):
    """A compiled function that writes values ``(m,)`` and gradients ``(m, k)`` of laws."""

    @staticmethod
    def forward(ctx: Any, compiled: Any, law: Tensor, *given: Tensor) -> Tensor:
        value, slope = law.new_empty(len(law)), law.new_empty(law.shape)
        arrays = [x.detach().contiguous().numpy() for x in (law, *given)]
        compiled(*arrays, value.numpy(), slope.numpy())
        ctx.save_for_backward(slope)
        return value

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Any, ...]:
        (slope,) = ctx.saved_tensors
        return None, slope * outer[0][:, None], *(None for _ in ctx.needs_input_grad[2:])


@compiled
def _soft(x):  # type: ignore[no-untyped-def]
    """``log(1 + exp(x))``."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@compiled
def _sigmoid(x):  # type: ignore[no-untyped-def]
    part = math.exp(-abs(x))
    return (1.0 if x >= 0 else part) / (1 + part)


@compiled
def _between(lower, upper):  # type: ignore[no-untyped-def]
    """Logarithm of the standard logistic's probability between two places, and its gradients."""
    gap = max(upper - lower, 1e-6)
    rest = -math.expm1(-gap)
    value = -_soft(-upper) - _soft(lower) + math.log(rest)
    tail = (1 - rest) / rest
    return value, -_sigmoid(lower) - tail, _sigmoid(-upper) + tail


@compiled
def _weights(law, weight):  # type: ignore[no-untyped-def]
    """Write the weights of a mixture to ``weight``, from logarithms at the start of ``law``."""
    most, total = law[0], 0.0
    for j in range(1, len(weight)):
        most = max(most, law[j])
    for j in range(len(weight)):
        weight[j] = math.exp(law[j] - most)
        total += weight[j]
    for j in range(len(weight)):
        weight[j] /= total


@compiled
def _mixed(weight, value, share):  # type: ignore[no-untyped-def]
    """Logarithm of a mixture of exponentials, and each component's part in it."""
    most = value[0]
    for j in range(1, len(value)):
        most = max(most, value[j])
    total = 0.0
    for j in range(len(value)):
        share[j] = weight[j] * math.exp(value[j] - most)
        total += share[j]
    if total == 0.0:  # what no component of any weight can do
        total = 1e-300
    for j in range(len(value)):
        share[j] /= total
    return most + math.log(total)


@compiled
def _count(law, count, low, high, out, slope):  # type: ignore[no-untyped-def]
    parts = COUNT_PARTS
    weight, value, share = np.empty(parts), np.empty(parts), np.empty(parts)
    centre, wide = np.empty(parts), np.empty(parts)
    by_centre, by_width = np.empty(parts), np.empty(parts)
    for k in range(len(law)):
        row = law[k]
        span = float(high[k]) - float(low[k]) + 1
        _weights(row, weight)
        for j in range(parts):
            limited = min(max(float(row[2 * parts + j]), COUNT_WIDTHS[0]), COUNT_WIDTHS[1])
            wide[j] = math.exp(limited - 1)
            centre[j] = low[k] - 0.5 + span * (0.5 + 0.5 * row[parts + j])
            width = span * wide[j]
            a, b = (count[k] - 0.5 - centre[j]) / width, (count[k] + 0.5 - centre[j]) / width
            c, d = (low[k] - 0.5 - centre[j]) / width, (high[k] + 0.5 - centre[j]) / width
            inner, inner_a, inner_b = _between(a, b)
            outer, outer_c, outer_d = _between(c, d)
            value[j] = inner - outer
            by_centre[j] = (outer_c + outer_d - inner_a - inner_b) / width
            by_width[j] = c * outer_c + d * outer_d - a * inner_a - b * inner_b
        out[k] = _mixed(weight, value, share)
        for j in range(parts):
            logarithm = row[2 * parts + j]
            inside = COUNT_WIDTHS[0] <= logarithm <= COUNT_WIDTHS[1]
            slope[k, j] = share[j] - weight[j]
            slope[k, parts + j] = 0.5 * share[j] * by_centre[j] * span
            slope[k, 2 * parts + j] = share[j] * by_width[j] if inside else 0.0


@compiled
def _energy(law, fraction, out, slope):  # type: ignore[no-untyped-def]
    parts = ENERGY_PARTS
    weight, value, share = np.empty(parts), np.empty(parts), np.empty(parts)
    scale, place = np.empty(parts), np.empty(parts)
    for k in range(len(law)):
        row = law[k]
        part = min(max(float(fraction[k]), MIN_FRACTION), 1 - MIN_FRACTION)
        logit = math.log(part / (1 - part))
        _weights(row, weight)
        for j in range(parts):
            limited = min(max(float(row[2 * parts + j]), ENERGY_WIDTHS[0]), ENERGY_WIDTHS[1])
            scale[j] = math.exp(limited)
            place[j] = (logit - 2 * row[parts + j]) / scale[j]
            value[j] = -_soft(-place[j]) - _soft(place[j]) - limited
        out[k] = _mixed(weight, value, share)
        for j in range(parts):
            bend = math.tanh(place[j] / 2)
            logarithm = row[2 * parts + j]
            inside = ENERGY_WIDTHS[0] <= logarithm <= ENERGY_WIDTHS[1]
            slope[k, j] = share[j] - weight[j]
            slope[k, parts + j] = 2 * share[j] * bend / scale[j]
            slope[k, 2 * parts + j] = share[j] * (place[j] * bend - 1) if inside else 0.0
