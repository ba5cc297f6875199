"""Which training events a step learns from: a function of the seed and the step alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.utils import streams


@dataclass(frozen=True)
class WindowedShuffleSampler:
    """The order of training events, each at most once an epoch.

    Events that fit into one window are mixed all together. More of them are mixed a window at a
    time, so that only a window need be in memory: blocks, which are what a file is read by, come
    in random order, and those of one window, end to end, are cut into as many slots as a batch
    has events. A batch takes one event of every slot. Neighbouring events of a batch thus lie in
    neighbouring blocks: a process that has a part of every batch reads a part of the blocks.

    Attributes:
        events: number of training events.
        batch: events of a batch, of all processes together; at most ``events``.
        window: events that are mixed at a time.
        blocks: ``(b + 1,)`` first event of every block, and the end.
        seed: of the order.
    """

    events: int
    batch: int
    window: int
    blocks: NDArray[np.int64]
    seed: int

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch; the events left over differ from epoch to epoch."""
        return self.events // self.batch

    @property
    def windows(self) -> int:
        """Windows of an epoch."""
        return min(-(-self.events // self.window), self.per_epoch)

    def position(self, step: int) -> tuple[int, int, int]:
        """Epoch, window of the epoch, and batch of the window that step ``step`` learns from."""
        epoch, batch = divmod(step, self.per_epoch)
        window = int(np.searchsorted(self._starts, batch, side="right")) - 1
        return epoch, window, batch - int(self._starts[window])

    def batches(self, epoch: int, window: int) -> NDArray[np.int64]:
        """``(m, batch)`` event numbers: the ``m`` batches of a window, one a row."""
        if self.windows == 1:
            mixed = streams.rng(streams.Stream.ORDER, self.seed, epoch).permutation(self.events)
            whole = mixed[: self.per_epoch * self.batch].reshape(-1, self.batch)
            return np.sort(whole, axis=1)
        return self._mixed(epoch, window)

    def _mixed(self, epoch: int, window: int) -> NDArray[np.int64]:
        """The batches of a window that takes its slots from a stretch of the events."""
        first, stop = self._starts[window : window + 2]
        slots = self._stretch(epoch, first * self.batch, stop * self.batch)
        rng = streams.rng(streams.Stream.WINDOW, self.seed, epoch, window)
        return rng.permuted(slots.reshape(self.batch, -1), axis=1).T

    @property
    def _starts(self) -> NDArray[np.int64]:
        """``(windows + 1,)`` first batch of every window of an epoch, and the end."""
        return self.per_epoch * np.arange(self.windows + 1) // self.windows

    def _stretch(self, epoch: int, start: int, stop: int) -> NDArray[np.int64]:
        """Events ``start`` to ``stop`` of an epoch's blocks laid end to end."""
        rng = streams.rng(streams.Stream.ORDER, self.seed, epoch)
        order = rng.permutation(len(self.blocks) - 1)
        ends = np.cumsum(np.diff(self.blocks)[order])
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        some = order[first : last + 1]
        events = np.concatenate([np.arange(self.blocks[b], self.blocks[b + 1]) for b in some])
        skipped = start - (int(ends[first - 1]) if first else 0)
        return events[skipped : skipped + stop - start]


@dataclass(frozen=True)
class OnceSampler(WindowedShuffleSampler):
    """Events as they come, window by window: which are in one does not depend on their number."""

    @property
    def windows(self) -> int:
        """Windows of an epoch."""
        return -(-self.per_epoch // self._each)

    @property
    def _each(self) -> int:
        return max(self.window // self.batch, 1)

    @property
    def _starts(self) -> NDArray[np.int64]:
        return np.minimum(np.arange(self.windows + 1) * self._each, self.per_epoch)

    def _stretch(self, epoch: int, start: int, stop: int) -> NDArray[np.int64]:
        del epoch
        return np.arange(start, stop)

    def batches(self, epoch: int, window: int) -> NDArray[np.int64]:
        """``(m, batch)`` event numbers: the ``m`` batches of a window, one a row."""
        return self._mixed(epoch, window)
