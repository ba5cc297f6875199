"""Checks of the per-event columns that a user adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.events.attributes import OF_BOTH
from calovision.events.events import Events
from calovision.events.formats.columns import classes, numbers
from calovision.events.geometry import Geometry
from calovision.events.shards import HIT_COLUMNS


def checked(
    where: str, columns: Mapping[str, ArrayLike], n: int, geometry: Geometry
) -> dict[str, NDArray[Any]]:
    """Columns in native byte order.

    Args:
        where: what messages call the events.
        columns: by their names, finite numbers ``(n, ...)``; labels may be names of classes.
        n: number of events.
        geometry: names the classes.

    Raises:
        InputError: a name that events have for something else, another number of rows, something
            that is no number, or another label.
    """
    return {k: _column(where, k, n, array_of(v), geometry) for k, v in columns.items()}


def array_of(values: ArrayLike) -> NDArray[Any]:
    """As an array; a masked one only if nothing is masked."""
    if np.ma.is_masked(values):
        raise InputError("some values are masked", "fill them, or leave those events out")
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # lists of other lengths, other devices
        reason = " ".join(str(error).split())
        raise InputError(f"this is not an array ({reason})", "give a NumPy array") from error


def _column(
    where: str, name: str, n: int, column: NDArray[Any], geometry: Geometry
) -> NDArray[Any]:
    if name in HIT_COLUMNS:
        raise InputError(f"a column is called {name!r}, as something of the hits", "rename it")
    taken = hasattr(Events, name) or name in Events.__dataclass_fields__
    if taken and name not in OF_BOTH:
        raise InputError(
            f"a column is called {name!r}, as something else that events have", "rename it"
        )
    if name == "label" and column.size and all(isinstance(x, str) for x in column.flat):
        labels = [geometry.class_number(str(x)) for x in column.flat]
        column = np.reshape(labels, column.shape)
    if name in ("label", "pt", "m0", "weight"):
        column = numbers(where, name, n, column, signed=name == "weight")
        if name == "label":
            return classes(where, name, column)
        return column.astype(np.float32 if column.dtype.itemsize < 8 else np.float64)
    if not column.ndim or len(column) != n or column.dtype.kind not in "biuf":
        raise InputError(
            f"{where}: {name} has shape {column.shape} and type {column.dtype}",
            f"expected are numbers, {n} rows of them",
        )
    if not np.isfinite(column).all():
        event = int(np.argwhere(~np.isfinite(column))[0][0])
        raise InputError(f"{where}: {name} of event {event} is not finite", "correct it")
    return column.astype(
        np.float64 if column.dtype.itemsize > 8 else column.dtype.newbyteorder("=")
    )
