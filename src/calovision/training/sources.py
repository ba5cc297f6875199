"""Where a training takes its events from."""

from __future__ import annotations

import sys
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.training.sampler import WindowedShuffleSampler

Numbers = NDArray[np.int64]


class Source:
    """A part of a set, the same in every epoch.

    Args:
        store: the set.
        chosen: ``(n,)`` numbers of the training events in it, rising.

    Attributes:
        anew: whether an event is another one in the next epoch.
        most: largest number of events that are read and mixed at a time.
        order: the kind of their order.
    """

    anew: ClassVar[bool] = False
    most: ClassVar[int] = sys.maxsize
    order: ClassVar[type[WindowedShuffleSampler]] = WindowedShuffleSampler

    def __init__(self, store: EventStore, chosen: Numbers) -> None:
        self.store, self.chosen = store, chosen
        self._last: tuple[Numbers, Events] | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def blocks(self) -> Numbers:
        """``(b + 1,)`` first training event of every block that is read as one, and the end."""
        return np.unique(np.searchsorted(self.chosen, self.store.blocks))

    def plain(self, numbers: Numbers) -> Events:
        """Training events by their numbers, to take scales from; the next reading is free."""
        if self._last is None or not np.array_equal(self._last[0], numbers):
            self._last = numbers, self.store[self.chosen[numbers]]
        return self._last[1]

    def read(self, numbers: Numbers, epoch: int) -> Events:
        """Training events of an epoch by their numbers, to learn from."""
        del epoch
        events, self._last = self.plain(numbers), None
        return events

    def ask(self, numbers: Numbers, epoch: int) -> None:
        """Tell what will be read next; what takes long may begin."""

    def close(self) -> None:
        """End what works in the background."""
