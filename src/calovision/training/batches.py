"""Streams of batches: for training without end, for validation again and again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset

from calovision.events.events import Events
from calovision.parallel.threads import in_order
from calovision.training.devices import pinned
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.task import Batch, Task

CHUNK = 125  #: events in a batch of validation
AHEAD = 6  #: batches that wait for a GPU
MAKERS = 3  #: threads that make them

Numbers = NDArray[np.int64]


def ahead(makers: Iterable[Callable[[], Any]], device: torch.device) -> Generator[Any, None, None]:
    """What ``makers`` make, in their order, for a device.

    For a GPU the next :data:`AHEAD` are made by some threads while it computes, in memory that it
    reads by itself; the threads end when the iterator is closed. A CPU has nothing to win: whoever
    makes a batch takes the time of its cores from who learns, and two threads take Python's lock
    from each other. There a batch is made when it is asked for.

    Args:
        makers: each makes one batch; another thread asks for the next of them.
        device: where the batches are needed.
    """
    if device.type == "cpu":
        for maker in makers:
            made = maker()
            del maker  # it may hold what is read anew for the next one
            yield made
        return

    def make(maker: Callable[[], Any]) -> Any:
        return pinned(maker()) if device.type == "cuda" else maker()

    def begin() -> None:
        if device.type == "cuda":  # or memory would be pinned for the first of several GPUs
            torch.cuda.set_device(device)

    yield from in_order(make, makers, MAKERS, AHEAD, name="batches", begin=begin)


class TrainingBatches(IterableDataset[Batch]):
    """An endless stream of shuffled batches; batch ``i`` depends on the order and ``i`` alone.

    Every new iteration begins at the step that ``step_now`` tells, so a training that looks at
    its validation loss now and then, or that goes on after an interruption, sees every batch that
    it would have seen in one go. In memory are the events of one window.

    Args:
        task: makes the batches.
        order: of the events.
        read: gives training events by their numbers.
        part: of every batch that this process learns from.
        step_now: steps done.
    """

    def __init__(
        self,
        task: Task,
        order: WindowedShuffleSampler,
        read: Callable[[Numbers], Events],
        part: slice,
        step_now: Callable[[], int],
    ) -> None:
        self.task, self.order, self.read, self.part = task, order, read, part
        self.step_now = step_now
        self._held: tuple[int, int] | None = None
        self._dataset: Any = None
        self._batches = np.empty((0, 0), np.int64)

    def __iter__(self) -> Iterator[Batch]:
        return ahead(self.makers(), torch.device("cpu"))

    def makers(self) -> Iterator[Callable[[], Batch]]:
        """Functions that make the batches; they may be called at the same time."""
        step = self.step_now()
        while True:
            epoch, window, batch = self.order.position(step)
            self._hold(epoch, window)
            yield partial(self.task.training_batch, self._dataset, self._batches[batch], step)
            step += 1

    def prepare(self) -> None:
        """Have the events of the next step in memory, which may take a while."""
        epoch, window, _ = self.order.position(self.step_now())
        self._hold(epoch, window)

    def _hold(self, epoch: int, window: int) -> None:
        """Have the events of a window, and which of them make its batches."""
        if self._held == (epoch, window):
            return
        batches = self.order.batches(epoch, window)[:, self.part]
        if self.order.windows == 1:
            if self._dataset is None:
                self._dataset = self.task.dataset(self.read(np.arange(self.order.events)))
            self._batches = batches
        else:
            self._dataset = None  # its memory is needed
            numbers = np.sort(batches, axis=None)
            self._dataset = self.task.dataset(self.read(numbers))
            self._batches = np.searchsorted(numbers, batches)
        self._held = epoch, window


class ValidationBatches(Dataset[tuple[int, Batch]]):
    """Batches of validation events with their numbers, made when they are asked for.

    Args:
        task: makes the batches.
        dataset: of the validation events.
        rank, size: number of this process and how many there are: each takes its share of the
            batches, or all of them where there are fewer batches than processes.
    """

    def __init__(self, task: Task, dataset: Any, rank: int = 0, size: int = 1) -> None:
        self.task, self.dataset = task, dataset
        every = range(-(-len(dataset) // CHUNK))
        self.mine = every[rank::size] if len(every) >= size else every

    def __len__(self) -> int:
        return len(self.mine)

    def __getitem__(self, index: int) -> tuple[int, Batch]:
        number = self.mine[index]
        first = number * CHUNK
        chosen = np.arange(first, min(first + CHUNK, len(self.dataset)))
        return number, self.task.batch(self.dataset, chosen)
