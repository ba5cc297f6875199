"""Columns of events and quantities of their hits as attributes of an event set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError

if TYPE_CHECKING:
    from calovision.events.events import Events
    from calovision.events.geometry import Geometry

#: names that a hit and an event may share: the attribute is that of the hits
OF_BOTH = ("energy", "eta", "phi", "label")


class MissingColumnError(InputError, AttributeError):
    """There is no such column, and no such attribute."""


class Attributes(ABC):
    """Columns and hits of events as attributes, which are read and not written.

    Attributes:
        geometry: pixel grid, channels and units.
        columns: per-event arrays by name; those of a set on disk are read when asked for.
    """

    geometry: Geometry
    columns: Mapping[str, NDArray[Any]]

    @abstractmethod
    def load(self) -> Events:
        """All events in memory."""

    def __getattr__(self, name: str) -> NDArray[Any]:
        # Only for what is not found otherwise; unpickling asks before there are columns.
        if name.startswith("_") or "columns" not in self.__dict__:
            raise AttributeError(name)
        return self.column(name)

    def __setattr__(self, name: str, value: Any) -> None:
        known = name.startswith("_") or name in self.__dict__ or hasattr(type(self), name)
        if "columns" in self.__dict__ and (name in self.columns or not known):
            raise AttributeError(
                f"{name} of events is not set as an attribute; events.with_columns({name}=...)"
                " gives events with such a column"
            )
        object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.columns})

    def column(self, name: str) -> NDArray[Any]:
        """One per-event column ``(n, ...)``.

        Raises:
            MissingColumnError: no such column.
        """
        if name not in self.columns:
            raise MissingColumnError(
                f"{self._called} no column or attribute {name!r}",
                f"the columns are {', '.join(self.columns) or 'none'}",
            )
        return self.columns[name]

    @property
    def _called(self) -> str:
        return "the events have"

    def with_columns(self, **columns: ArrayLike) -> Events:
        """The same events in memory with further columns, or others in place of theirs.

        Args:
            columns: finite numbers ``(n, ...)`` by the name of the column; labels may be names of
                classes.

        Raises:
            InputError: another number of rows, something that is no number, or a name that events
                have for something else.

        Example:
            >>> import calovision as cv
            >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
            >>> crops.with_columns(score=[0.1, 0.9, 0.4, 0.2]).score.max()
            np.float64(0.9)
        """
        from calovision.events.own_columns import checked

        held = self.load()
        added = checked("the events", columns, len(held), held.geometry)
        return replace(held, columns={**held.columns, **added})

    @property
    def energy(self) -> NDArray[np.float32]:
        """``(hits,)`` energy of each hit, GeV (of a track its transverse momentum)."""
        return self.load().energy

    @property
    def eta(self) -> NDArray[np.float32]:
        """``(hits,)`` eta from the window's centre, of showers x (mm); not ``["eta"]``."""
        held = self.load()
        return read_only(self.geometry.eta(held.cell, held.channel))

    @property
    def phi(self) -> NDArray[np.float32]:
        """``(hits,)`` phi (rad) from the window's centre, of showers y (mm); not ``["phi"]``."""
        held = self.load()
        return read_only(self.geometry.phi(held.cell, held.channel))

    @property
    def channel(self) -> NDArray[np.uint8]:
        """``(hits,)`` channel of each hit, its place in ``geometry.channels``."""
        return self.load().channel

    @property
    def label(self) -> NDArray[np.int8]:
        """``(n,)`` class of each event, its place in ``geometry.classes``."""
        return self.column("label")


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The array, protected from writing: changes of it would be lost."""
    array.flags.writeable = False
    return array
