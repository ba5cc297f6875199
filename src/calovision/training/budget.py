"""How much of the data fits into a time budget, measured on a few events before a training."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from calovision.training.batches import VALIDATION_BATCH
from calovision.training.devices import to_device
from calovision.training.learner import LAST_VALIDATION_SHARE
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.settings import Training
from calovision.training.sources import Source
from calovision.training.task import Task, untrained_task
from calovision.utils import streams

ENDLESS_S = 1e8  #: a budget of more seconds is none
TIMED_EVENTS = 200  #: that are prepared to measure the time
TIMED_LOSSES = 10  #: events whose loss is computed to measure the time
LARGEST_PREPARATION = 0.25  #: share of the budget that preparing a window may take
REDUCED_PREPARATION = 0.05  #: share that it takes where it would take more than that


@dataclass(frozen=True)
class Plan:
    """How much of the data a training takes at a time.

    Attributes:
        window: training events that are read and mixed at a time.
        validation: validation events of a look at the validation loss.
    """

    window: int
    validation: int


def planned(
    kind: type[Task],
    config: Training,
    source: Source,
    validation: int,
    sampler: Callable[[int], WindowedShuffleSampler],
    device: torch.device,
) -> Plan:
    """Window and validation events: as configured, or fewer where the budget asks for it.

    Args:
        kind: of task.
        config: of the training.
        source: of the training events.
        validation: number of validation events.
        sampler: of the training events, by the window.
        device: where the networks learn.
    """
    most = min(config.window, source.most)
    whole = Plan(most, validation)
    if config.budget_s > ENDLESS_S or len(source) <= TIMED_EVENTS:
        return whole
    some = source.plain(np.sort(sampler(TIMED_EVENTS).batches(0, 0), axis=None))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.TRIAL_WEIGHTS, config.seed))
        task = untrained_task(kind, config, some.geometry, some).eval().place(device)
    task.dataset(some[:TIMED_LOSSES])  # what has to be compiled or loaded at first does not count
    prepare = _seconds(lambda: task.dataset(some)) / len(some)
    prepare += _seconds(lambda: source.plain(np.arange(TIMED_EVENTS))) / TIMED_EVENTS
    window = min(most, len(source))
    if prepare * window > LARGEST_PREPARATION * config.budget_s:
        window = min(
            window, max(int(REDUCED_PREPARATION * config.budget_s / prepare), sampler(window).batch)
        )
        whole = Plan(window, whole.validation)
    _loss_of_few(task, some)
    each = prepare + _seconds(lambda: _loss_of_few(task, some)) / TIMED_LOSSES
    most = max(int(LAST_VALIDATION_SHARE * config.budget_s / each), VALIDATION_BATCH)
    return Plan(whole.window, min(whole.validation, most))


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@torch.no_grad()
def _loss_of_few(task: Task, events: Any) -> None:
    batch = task.batch(task.dataset(events[:TIMED_LOSSES]), np.arange(TIMED_LOSSES))
    noise = torch.Generator(task.device)
    float(task.loss(to_device(batch, task.device), noise)["loss"])
