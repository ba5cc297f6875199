"""Warnings about a finished training that saw too little, or learned nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from calovision.events.events import Events
from calovision.training.devices import to_device
from calovision.training.task import Task

NOT_FALLEN = 0.98  #: a loss above this share of the untrained one has not fallen
JUDGED_EVENTS = 25  #: validation events of the loss before and after


def loss_of_few(task: Task, dataset: Any, noise: torch.Generator) -> float | None:
    """Validation loss of a few events, where it can show that nothing was learned."""
    if not task.judged_by_loss:
        return None
    was_training = task.training
    with torch.no_grad():
        batch = task.eval().batch(dataset, np.arange(min(JUDGED_EVENTS, len(dataset))))
        found = float(task.loss(to_device(batch, task.device), noise)["loss"])
    task.train(was_training)
    return found


def quality_warnings(
    task: Task,
    dataset: Any,
    events: Events,
    *,
    passes: float,
    enough: float,
    losses: tuple[float | None, float | None],
) -> list[str]:
    """Lines for a training that saw too little, or learned nothing that validation shows.

    Args:
        task: as it is kept.
        dataset: of the validation events.
        events: the same events.
        passes: how often the training events were seen.
        enough: passes that count as one.
        losses: :func:`loss_of_few` before and after.
    """
    lines = []
    if passes < enough:
        lines.append(
            f"it learned from {100 * passes:.2g} % of its training events only:"
            " more epochs, or a longer budget_s, would show it the others"
        )
    before, after = losses
    if before is not None and after is not None and not after < NOT_FALLEN * before:
        lines.append(
            f"it does no better than an untrained one: validation loss {after:.4g},"
            f" {before:.4g} before the training"
        )
    warning = task.quality_warning(dataset, events)
    return [*lines, warning] if warning else lines
