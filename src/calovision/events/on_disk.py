"""Columns and selections of events on disk, which are read when they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.attributes import read_only
from calovision.events.event_set import EventSet, Index

if TYPE_CHECKING:
    from calovision.events.events import Events
    from calovision.events.geometry import Geometry
    from calovision.events.particle_lists import ParticleLists


class LazyColumns(Mapping[str, NDArray[Any]]):
    """Per-event columns by name, each read once, when it is first used.

    Args:
        names: of the columns, in order.
        read: gives a column by its name.
    """

    def __init__(self, names: tuple[str, ...], read: Callable[[str], NDArray[Any]]) -> None:
        self._names, self._read = dict.fromkeys(names), read
        self._held: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._held:
            self._held[name] = self._read(name)
        return read_only(self._held[name])

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class OnDisk(EventSet):
    """Events that are read from disk when they are used."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """``(n + 1,)`` first hit of every event, and the number of all hits."""
        return read_only(self.load().offsets)

    @property
    def n_hits(self) -> NDArray[np.int64]:
        """``(n,)`` number of hits of every event."""
        return self.load().n_hits

    @property
    def particles(self) -> ParticleLists | None:
        """Of every event before the detector, where the set keeps them."""
        return self.load().particles


class EventSelection(OnDisk):
    """Some of the events of a set on disk, read when they are used.

    Args:
        events: the set.
        numbers: ``(n,)`` numbers of the selected events, in the order of the selection.
    """

    def __init__(self, events: EventSet, numbers: NDArray[np.int64]) -> None:
        self.whole, self.numbers = events, numbers
        self.geometry: Geometry = events.geometry
        self.columns = LazyColumns(tuple(events.columns), self._column)

    def __len__(self) -> int:
        return len(self.numbers)

    def _column(self, name: str) -> NDArray[Any]:
        return self.whole.columns[name][self.numbers]

    def _taken(self, chosen: NDArray[np.int64]) -> EventSelection:
        return EventSelection(self.whole, self.numbers[chosen])

    def _rows(self, index: Index) -> Events:
        return self.whole._rows(self.numbers[np.atleast_1d(np.arange(len(self))[index])])

    @property
    def provenance(self) -> dict[str, Any]:
        """The set that the events are selected from, and how many they are."""
        return {"source": "selection", "events": len(self), "of": self.whole.provenance}

    @property
    def where(self) -> str:
        """Some of the events of a set."""
        return f"{len(self)} events of {self.whole.where}"

    @property
    def origin(self) -> Path | None:
        """The folder of the whole set."""
        return self.whole.origin

    @property
    def hash(self) -> str:
        """SHA-256 of the whole set's hash and the numbers of the events."""
        numbers = self.numbers.astype("<i8").tobytes()
        return hashlib.sha256(self.whole.hash.encode() + numbers).hexdigest()

    def _details(self) -> list[tuple[str, str]]:
        return [("selected", f"{len(self)} of {len(self.whole)} events"), *self.whole._details()]
