"""Gradient descent as all small trainings need it: steps, a schedule, an average of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

#: called with the share of the steps that is done and the parts of the loss at that point
Report = Callable[[float, dict[str, float]], None]
#: the loss of a step, and its parts by name, which are reported
Losses = tuple[Tensor, dict[str, Tensor]]

Tensors = tuple[Tensor, ...] | list[Tensor]


def silent(share: float, parts: dict[str, float]) -> None:
    """Reports nothing."""


def minimise(
    loss: Callable[[float], Losses],
    optimiser: torch.optim.Optimizer,
    steps: int,
    *,
    numbers: Iterable[int] | None = None,
    schedule: Callable[[float], float] | None = None,
    clip: Sequence[tuple[nn.Module, float]] = (),
    after: Callable[[int], None] | None = None,
    report: Report = silent,
    every: int = 50,
) -> None:
    """Take gradient steps.

    Args:
        loss: called with the share of the steps that is done, in [0, 1).
        optimiser: of the parameters; its learning rates are the largest ones.
        steps: planned in all.
        numbers: of the steps still to do, such as those of a progress bar, or of a training that
            goes on: the optimiser's state is restored when the first is asked for.
        schedule: learning rate over its largest value, by the share of the steps that is done.
        clip: largest norm of the gradient of each module; a step with a gradient that is not
            finite is left out.
        after: called after every step with how many are done.
        report: called every so many steps.
        every: steps between two reports.
    """
    largest = [group["lr"] for group in optimiser.param_groups]
    for number in range(steps) if numbers is None else numbers:
        share = number / steps
        if schedule is not None:
            for group, rate in zip(optimiser.param_groups, largest, strict=True):
                group["lr"] = rate * schedule(share)
        value, parts = loss(share)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        norms = [nn.utils.clip_grad_norm_(module.parameters(), norm) for module, norm in clip]
        if all(bool(norm.isfinite()) for norm in norms):
            optimiser.step()
        if after is not None:
            after(number + 1)
        if number % every == 0:
            report(share, {name: part.item() for name, part in parts.items()})


def cosine(share: float, last: float = 0.0) -> float:
    """Half a cosine from 1 at ``share`` 0 to ``last`` at 1."""
    return last + (1 - last) / 2 * (1 + math.cos(math.pi * share))


def averaged(module: nn.Module, decay: float, young: float) -> AveragedModel:
    """An exponential average of a module's weights; its buffers are always the module's.

    Args:
        module: whose weights at this moment are the first that count.
        decay: share of the average that is kept at each step.
        young: the share is at most ``n / (n + young)`` at step ``n``, so that what is random at
            the beginning is soon forgotten.
    """

    def move(means: Tensors, weights: Tensors, _: Tensor | int) -> None:
        # Counted on the CPU: what is given may lie on a GPU, which reading would wait for.
        step = int(average.n_averaged)
        torch._foreach_lerp_(means, weights, 1 - min(decay, 1 - 1 / (1 + step / young)))

    average = AveragedModel(module, multi_avg_fn=move)
    average.n_averaged += 1  # with none, it would copy the weights after the first step
    return average.requires_grad_(False)
