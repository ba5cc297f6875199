"""Flow matching (arXiv:2210.02747): straight paths from Gaussian noise to data.

A point moves from noise ``x_0`` at time 0 to data ``x_1`` at time 1 along
``x_t = (1 - t) x_0 + t x_1``; the velocity field is the mean of ``x_1 - x_0`` over all paths
through a point. Following it from time 0 to 1 turns noise into data; backwards, data into noise.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from calovision.training.task import weighted_mean

#: point ``(n, k)`` and time ``(n,)`` to velocity ``(n, k)``
Field = Callable[[Tensor, Tensor], Tensor]


def matching_loss(
    field: Field,
    data: Tensor,
    generator: torch.Generator,
    noise: Tensor | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared difference between the field and the velocity of straight paths.

    Args:
        field: velocity field.
        data: ``(n, k)`` points at time 1, in units of about one standard deviation.
        generator: of noise and times.
        noise: ``(n, k)`` points at time 0; random ones by default.
        weight: ``(n,)`` how much each point counts.
    """
    if noise is None:
        noise = torch.randn(data.shape, generator=generator, device=data.device)
    # One time a stratum: the same spread in every batch.
    stratum = torch.arange(len(data), device=data.device)
    time = (stratum + torch.rand(len(data), generator=generator, device=data.device)) / len(data)
    point = (1 - time[:, None]) * noise + time[:, None] * data
    return weighted_mean((field(point, time) - (data - noise)) ** 2, weight)


def follow(field: Field, point: Tensor, steps: int, *, backwards: bool = False) -> Tensor:
    """Move ``point`` ``(n, k)`` from time 0 to 1 (or back) by Heun's method of second order.

    Args:
        field: velocity field.
        point: where to start.
        steps: equal time steps, two evaluations of the field each; the last one, where a field
            that was learned is least certain, included.
        backwards: from time 1 to 0.

    Raises:
        ValueError: no steps.
    """
    if steps < 1:
        raise ValueError(f"{steps} steps lead nowhere")
    step = (-1.0 if backwards else 1.0) / steps
    for i in range(steps):
        now = (1.0 if backwards else 0.0) + i * step
        here = field(point, point.new_full(point.shape[:1], now))
        there = field(point + step * here, point.new_full(point.shape[:1], now + step))
        point = point + step / 2 * (here + there)
    return point
