"""What of the data fits into a budget of time: measured on a few events before a training."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.store import EventStore
from calovision.training.batches import CHUNK
from calovision.training.devices import to_device
from calovision.training.learner import LAST_LOOK
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.settings import Training
from calovision.training.task import Task, untrained_task
from calovision.utils import streams

ENDLESS_S = 1e8  #: a budget of more seconds is none
PROBE = 200  #: events that are prepared to see how long it takes
FEW = 10  #: events whose loss is computed for the same reason
PREPARING = 0.25  #: most of the budget that the events of a window may take to be prepared
SHORT = 0.05  #: share of the budget that they take where all would take more than that


@dataclass(frozen=True)
class Plan:
    """How much of the data a training takes at a time.

    Attributes:
        window: training events that are read and mixed at a time.
        validation: validation events of a look at the validation loss.
    """

    window: int
    validation: int

    def to_dict(self) -> dict[str, int]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def planned(
    kind: type[Task],
    config: Training,
    store: EventStore,
    parts: dict[str, NDArray[np.int64]],
    order: Callable[[int], WindowedShuffleSampler],
    device: torch.device,
) -> Plan:
    """Window and validation events: as configured, or fewer where the budget asks for it.

    Args:
        kind: of task.
        config: of the training.
        store: the events.
        parts: numbers of its training and validation events.
        order: of the training events, by the window.
        device: where the networks learn.
    """
    chosen = parts["train"]
    whole = Plan(config.window, len(parts["validation"]))
    if config.budget_s > ENDLESS_S or len(chosen) <= PROBE:
        return whole
    some = store[chosen[np.sort(order(PROBE).batches(0, 0), axis=None)]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.torch_seed(streams.Stream.TRIAL_WEIGHTS, config.seed))
        task = untrained_task(kind, config, store.geometry, some).eval().place(device)
    task.dataset(some[:FEW])  # what has to be compiled or loaded at first does not count
    prepare = _seconds(lambda: task.dataset(some)) / len(some)
    prepare += _seconds(lambda: store[chosen[:PROBE]]) / PROBE
    window = min(config.window, len(chosen))
    if prepare * window > PREPARING * config.budget_s:
        window = min(window, max(int(SHORT * config.budget_s / prepare), order(window).batch))
        whole = Plan(window, whole.validation)
    _loss_of_few(task, some)
    each = prepare + _seconds(lambda: _loss_of_few(task, some)) / FEW
    most = max(int(LAST_LOOK * config.budget_s / each), CHUNK)
    return Plan(whole.window, min(whole.validation, most))


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@torch.no_grad()
def _loss_of_few(task: Task, events: Any) -> None:
    batch = task.batch(task.dataset(events[:FEW]), np.arange(FEW))
    noise = torch.Generator(task.device)
    float(task.loss(to_device(batch, task.device), noise)["loss"])
