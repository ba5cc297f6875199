"""Distance correlation of a classifier's output with a mass, as a part of the loss (DisCo)."""

from __future__ import annotations

import torch
from torch import Tensor


def distance_correlation(x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Square of the distance correlation of two numbers (Szekely, Rizzo and Bakirov, 2007).

    It is 0 where they do not depend on each other, in whatever form, and 1 where one is a linear
    function of the other. As a part of a loss it is DisCo (arXiv:2001.05310).

    Args:
        x: ``(n,)`` of events.
        y: ``(n,)`` of the same.
        weight: ``(n,)`` how much each counts, not negative; an event of weight 2 counts as two.

    Returns:
        A number from 0 to 1; 0 where one of them is constant, or there are fewer than two events.
    """
    if len(x) < 2:
        return x.sum() * 0
    w = torch.ones_like(x) if weight is None else weight.to(x)
    w = w / w.sum().clamp(min=torch.finfo(w.dtype).tiny)
    a, b = (_centred(z, w) for z in (x, y.to(x)))
    pairs = w[:, None] * w
    covariance, of_x, of_y = ((pairs * p * q).sum() for p, q in ((a, b), (a, a), (b, b)))
    scale = (of_x * of_y).clamp(min=1e-20).sqrt()
    return covariance.clamp(min=0) / scale


def _centred(z: Tensor, w: Tensor) -> Tensor:
    """``(n, n)`` distances, less the weighted means of their rows and columns, plus that of all."""
    distance = (z[:, None] - z[None]).abs()
    mean = distance @ w
    return distance - mean[:, None] - mean[None] + mean @ w
