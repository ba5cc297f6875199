"""Mixtures of logistic distributions: densities, and numbers drawn from them.

A law is what a network gives for one number (weights, places and logarithms of widths of the
components) or for a point in a plane. A logistic distribution has a cumulative distribution in
closed form, so that a mixture can be cut off at bounds and drawn from exactly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LINE, PLANE = 3, 6  #: numbers that a network gives for a component of either law
WIDTHS = (-7.0, 2.0)  #: limits of logarithms of widths


def line_log_prob(law: Tensor, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log-density ``(n,)`` of a number between bounds.

    Args:
        law: ``(n, LINE k)`` weights, places and logarithms of widths of ``k`` components.
        x: ``(n,)`` numbers.
        low: ``(n,)`` lowest that it can be.
        high: ``(n,)`` highest.
    """
    weight, place, width = law.chunk(LINE, -1)
    weight, width = weight.log_softmax(-1), width.clamp(*WIDTHS)
    free = torch.logsumexp(weight + _log_density(x[:, None], place, width), -1)
    return free - torch.logsumexp(weight + _log_mass(low, high, place, width), -1)


def line_log_below(law: Tensor, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log-probability ``(n,)`` that a number between bounds is below ``x``; see the density."""
    weight, place, width = law.chunk(LINE, -1)
    weight, width = weight.log_softmax(-1), width.clamp(*WIDTHS)
    some, all_ = (torch.logsumexp(weight + _log_mass(low, b, place, width), -1) for b in (x, high))
    return (some - all_).clamp(max=0)


def line_sample(law: Tensor, low: Tensor, high: Tensor, uniform: Tensor) -> Tensor:
    """Numbers ``(n,)`` between bounds ``(n,)`` of a law, from ``(n, 2)`` uniform ones."""
    weight, place, width = law.chunk(LINE, -1)
    width = width.clamp(*WIDTHS)
    chosen = category(weight + _log_mass(low, high, place, width), uniform[:, 0])
    place, width = (v.gather(-1, chosen[:, None])[:, 0] for v in (place, width))
    return _between(low, high, place, width, uniform[:, 1])


def plane_log_prob(law: Tensor, x: Tensor, y: Tensor, half: Tensor) -> Tensor:
    """Log-density ``(n,)`` of a point.

    Args:
        law: ``(n, PLANE k)`` weights, places along x and y, logarithms of widths along x and y,
            and slopes of y in x.
        x: ``(n,)`` of the point.
        y: ``(n,)`` of the point.
        half: ``(n,)`` bound of abs(x).
    """
    weight, place, width, slope = _plane(law)
    weight = weight.log_softmax(-1)
    across = place[1] + slope * (x[:, None] - place[0])
    density = _log_density(x[:, None], place[0], width[0])
    density = density + _log_density(y[:, None], across, width[1])
    inside = torch.logsumexp(weight + _log_mass(-half, half, place[0], width[0]), -1)
    return torch.logsumexp(weight + density, -1) - inside


def plane_sample(law: Tensor, half: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Points of a law, ``(n,)`` each, with bounds ``(n,)`` of abs(x), from ``(n, 3)`` uniforms."""
    weight, places, widths, slope = _plane(law)
    mass = weight.log_softmax(-1) + _log_mass(-half, half, places[0], widths[0])
    chosen = category(mass, uniform[:, 0])[:, None]
    place, width = ([v.gather(-1, chosen)[:, 0] for v in pair] for pair in (places, widths))
    x = _between(-half, half, place[0], width[0], uniform[:, 1])
    across = place[1] + slope.gather(-1, chosen)[:, 0] * (x - place[0])
    safe = uniform[:, 2].clamp(1e-6, 1 - 1e-6)
    return x, across + width[1].exp() * safe.logit()


def category(logits: Tensor, uniform: Tensor) -> Tensor:
    """``(n,)`` numbers of categories, drawn by ``(n, k)`` logits and ``(n,)`` uniform numbers."""
    below = logits.softmax(-1).cumsum(-1)
    return (below < (uniform * below[:, -1])[:, None]).sum(-1).clamp(max=logits.shape[-1] - 1)


def _plane(law: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor], Tensor]:
    weight, first, second, wide, high, slope = law.chunk(PLANE, -1)
    return weight, (first, second), (wide.clamp(*WIDTHS), high.clamp(*WIDTHS)), slope


def _log_density(x: Tensor, place: Tensor, width: Tensor) -> Tensor:
    z = (x - place) * torch.exp(-width)
    return -z - 2 * F.softplus(-z) - width


def _log_mass(low: Tensor, high: Tensor, place: Tensor, width: Tensor) -> Tensor:
    """Log-probability of components ``(n, k)`` between bounds ``(n,)``."""
    scale = torch.exp(-width)
    a, b = (low[:, None] - place) * scale, (high[:, None] - place) * scale
    rest = -torch.expm1(-(b - a).clamp(min=1e-6))
    return F.logsigmoid(b) + F.logsigmoid(-a) + rest.log()


def _between(low: Tensor, high: Tensor, place: Tensor, width: Tensor, uniform: Tensor) -> Tensor:
    """Inverse of the cumulative distribution between bounds, where floating point is precise."""
    bounds = (torch.stack([low, high]) - place) * torch.exp(-width)
    # far above its place a distribution has all but nothing left: there it is turned over
    side = torch.where(bounds.sum(0) > 0, -1.0, 1.0)
    bounds = bounds * side
    share = bounds.sigmoid()
    z = torch.lerp(share[0], share[1], uniform).clamp(1e-30, 1 - 1e-7).logit()
    z = torch.minimum(torch.maximum(z, bounds.amin(0)), bounds.amax(0))
    return place + width.exp() * side * z
