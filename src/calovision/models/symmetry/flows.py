"""Flows: vector fields integrated in time with the classical Runge-Kutta method."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

#: velocities ``(n, d)`` at points ``(n, d)``
Field = Callable[[Tensor], Tensor]


def step(field: Field, z: Tensor, dt: Tensor | float) -> Tensor:
    """One Runge-Kutta step; the error over a fixed time falls with the fourth power of ``dt``.

    Args:
        field: the generator.
        z: ``(n, d)`` points.
        dt: length of the step, one for all or ``(n, 1)``.
    """
    a = field(z)
    b = field(z + dt / 2 * a)
    c = field(z + dt / 2 * b)
    d = field(z + dt * c)
    return z + dt / 6 * (a + 2 * b + 2 * c + d)


def flow(
    field: Field, z: Tensor, time: Tensor | float, *, longest: float = 0.3, reach: float = math.inf
) -> Tensor:
    """Where points are after ``time``.

    Args:
        field: the generator.
        z: ``(n, d)`` points.
        time: one for all or ``(n, 1)``; may be negative.
        longest: upper limit of a step's length.
        reach: coordinates are kept within this distance of 0.

    Returns:
        ``(n, d)``.
    """
    most = float(torch.as_tensor(time, device=z.device).abs().max())
    steps = max(2, math.ceil(most / longest))
    for _ in range(steps):
        z = step(field, z, time / steps).clamp(-reach, reach)
    return z


@torch.no_grad()
def trajectory(field: Field, z: Tensor, time: float, steps: int, *, reach: float = 50) -> Tensor:
    """Points on their way, start included: ``(n, steps + 1, d)``."""
    path = [z]
    for _ in range(steps):
        path.append(step(field, path[-1], time / steps).clamp(-reach, reach))
    return torch.stack(path, 1)
