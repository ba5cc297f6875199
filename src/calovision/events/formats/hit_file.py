"""The base of readers of files whose events are no dense images, but lists of numbers of cells."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.formats.schema import ImageFile


class HitFile(ImageFile):
    """An opened file that gives hits by itself; see :class:`ImageFile`.

    A reader sets ``geometry``, ``dtype`` and ``columns`` in :meth:`_open`, and calls
    :meth:`set_size`.
    """

    label_dtype = None

    @abstractmethod
    def hits(self, start: int, stop: int) -> Iterator[Events]:
        """Events ``start`` to ``stop``, some at a time, in image units.

        They may have columns beside those of the file, such as sums over their hits.

        Raises:
            InputError: a value that no event may have.
        """

    def set_size(self, events: int) -> None:
        """Set the number of events, and settle the layout: units are those of the format.

        Raises:
            InputError: there are none, or the user says what the format says already.
        """
        if not events:
            raise InputError(f"{self.path} holds no events", "give a file with events")
        said = {"--keys": self.layout.keys, "--channels-first": self.layout.channels_first}
        said["--unit"] = self.layout.unit == "gev"
        if told := [option for option, given in said.items() if given]:
            raise InputError(
                f"{self.path} is a file of {self.format}, of which names and unit are known",
                f"leave out {', '.join(told)}",
            )
        grid = self.geometry
        self.grid, self.channels_last = grid, False
        self.shape = (events, len(grid.channels), grid.rows, grid.cols)
        self.layout = replace(self.layout, unit="image")

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """The hits as images."""
        first = start
        for events in self.hits(start, stop):
            yield first, 0, events.to_dense("image")
            first += len(events)

    def checked(self, values: NDArray[Any], first: int, what: str) -> NDArray[Any]:
        """Contents ``(n, ...)`` of events from number ``first`` on, below the threshold 0.

        Raises:
            InputError: one is negative or not finite.
        """
        least = self.layout.threshold
        bad = ~np.isfinite(values)
        if least is None:
            bad |= values < 0
        if bad.any():
            place = np.unravel_index(int(np.argmax(bad)), bad.shape)
            noise = "" if least is not None else ", or give a threshold, below which all is noise"
            raise InputError(
                f"{self.path}: {what} of event {first + int(place[0])} is {values[place]:g}",
                f"correct or remove that event{noise}",
            )
        if least is None:
            return values
        unit = self.geometry.channels[0].gev_per_unit
        return np.where(values < max(least / unit, np.finfo(values.dtype).tiny), 0, values)
