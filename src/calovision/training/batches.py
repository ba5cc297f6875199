"""Batches of training events without end, and of validation events again and again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset

from calovision.parallel.threads import in_order
from calovision.training.devices import pinned
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.sources import Source
from calovision.training.task import Batch, Task

VALIDATION_BATCH = 125  #: events in a batch of validation
BATCHES_AHEAD = 6  #: that are made before a GPU asks for them
BATCH_THREADS = 3  #: that make them

Numbers = NDArray[np.int64]


def ahead(makers: Iterable[Callable[[], Any]], device: torch.device) -> Generator[Any, None, None]:
    """The batches that ``makers`` make, in their order, for a device.

    For a GPU the next :data:`BATCHES_AHEAD` are made by threads while it computes, in pinned
    memory; the threads end when the iterator is closed. On a CPU a batch is made when it is asked
    for: threads would take the time of its cores, and Python's lock, from the training.

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

    yield from in_order(make, makers, BATCH_THREADS, BATCHES_AHEAD, name="batches", begin=begin)


class TrainingBatches(IterableDataset[Batch]):
    """An endless stream of shuffled batches; batch ``i`` depends on the sampler and ``i`` alone.

    Every new iteration begins at the step that ``step_now`` gives, so a training that is resumed
    sees every batch that it would have seen in one go. The events of one window are in memory.

    Args:
        task: makes the batches.
        sampler: chooses the events of every step.
        source: gives training events by their numbers.
        part: of every batch that this process learns from.
        step_now: gives the steps done.
    """

    def __init__(
        self,
        task: Task,
        sampler: WindowedShuffleSampler,
        source: Source,
        part: slice,
        step_now: Callable[[], int],
    ) -> None:
        self.task, self.sampler, self.source, self.part = task, sampler, source, part
        self.step_now = step_now
        self._loaded: tuple[int, int] | None = None
        self._dataset: Any = None
        self._batches = np.empty((0, 0), np.int64)

    def __iter__(self) -> Iterator[Batch]:
        return ahead(self.makers(), torch.device("cpu"))

    def makers(self) -> Iterator[Callable[[], Batch]]:
        """Functions that make the batches; they may be called at the same time."""
        step = self.step_now()
        while True:
            epoch, window, batch = self.sampler.position(step)
            self._load(epoch, window)
            yield partial(self.task.training_batch, self._dataset, self._batches[batch], step)
            step += 1

    def prepare(self) -> None:
        """Load the events of the next step, which may take a while."""
        epoch, window, _ = self.sampler.position(self.step_now())
        self._load(epoch, window)

    def _load(self, epoch: int, window: int) -> None:
        """Load the events of a window, and the numbers that make its batches."""
        if self._loaded == (epoch, window):
            return
        batches = self.sampler.batches(epoch, window)[:, self.part]
        if self.sampler.windows == 1 and not self.source.anew:
            if self._dataset is None:
                numbers = np.arange(self.sampler.events)
                self._dataset = self.task.dataset(self.source.read(numbers, epoch))
            self._batches = batches
        else:
            self._dataset = None  # its memory is needed
            numbers = np.sort(batches, axis=None)
            events = self.source.read(numbers, epoch)
            last = window + 1 == self.sampler.windows
            following = (epoch + 1, 0) if last else (epoch, window + 1)
            if self.source.anew:
                ahead = self.sampler.batches(*following)[:, self.part]
                self.source.ask(np.sort(ahead, axis=None), following[0])
            self._dataset = self.task.dataset(events)
            self._batches = np.searchsorted(numbers, batches)
        self._loaded = epoch, window


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
        every = range(-(-len(dataset) // VALIDATION_BATCH))
        self.mine = every[rank::size] if len(every) >= size else every

    def __len__(self) -> int:
        return len(self.mine)

    def __getitem__(self, index: int) -> tuple[int, Batch]:
        number = self.mine[index]
        first = number * VALIDATION_BATCH
        chosen = np.arange(first, min(first + VALIDATION_BATCH, len(self.dataset)))
        return number, self.task.batch(self.dataset, chosen)
