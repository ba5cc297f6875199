"""Negative log likelihoods and divergences, elementwise, in nats."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def gaussian_nll(x: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """``-log N(x; mean, exp(log_std))``, shapes broadcast."""
    return 0.5 * ((x - mean) * torch.exp(-log_std)) ** 2 + log_std + _HALF_LOG_TWO_PI


def discretised_logistic_nll(x: Tensor, mean: Tensor, log_width: Tensor, pitch: Tensor) -> Tensor:
    """``-log`` of a logistic density integrated over the cell of size ``pitch`` around ``x``.

    As in PixelCNN++ (arXiv:1701.05517), in the numerically safe product form
    ``sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a))``.
    """
    scale = torch.exp(-log_width)
    upper, lower = (x - mean + pitch / 2) * scale, (x - mean - pitch / 2) * scale
    return F.softplus(-upper) + F.softplus(lower) - torch.log(-torch.expm1(-pitch * scale) + 1e-12)


def gaussian_kl(mean: Tensor, log_std: Tensor) -> Tensor:
    """``KL(N(mean, exp(log_std)) || N(0, 1))``."""
    return 0.5 * (mean**2 + torch.exp(2 * log_std) - 1) - log_std
