"""The velocity field of a flow between noise and a few numbers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FREQUENCIES = 8  #: sines and cosines by which time enters


class Velocity(nn.Module):
    """Velocity of points at a time, given conditions.

    Args:
        size: numbers that flow.
        conditions: numbers that they depend on.
        width: hidden width.
        layers: hidden layers, residual from the second on.
    """

    def __init__(self, *, size: int, conditions: int, width: int = 192, layers: int = 4) -> None:
        super().__init__()
        self.enter = nn.Linear(size + conditions + 2 * FREQUENCIES, width)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 1))
        self.leave = nn.Linear(width, size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, point: Tensor, time: Tensor, conditions: Tensor) -> Tensor:
        """``(n, size)`` velocity of ``point`` ``(n, size)`` at ``time`` ``(n,)`` in [0, 1]."""
        octave = torch.arange(-1, FREQUENCIES - 1, device=time.device)
        angle = time[:, None] * (math.pi * 2.0**octave)
        hidden = F.silu(self.enter(torch.cat([point, conditions, angle.sin(), angle.cos()], 1)))
        for layer in self.inner:
            hidden = hidden + F.silu(layer(hidden))
        velocity: Tensor = self.leave(hidden)
        return velocity
