"""Checks of the per-event columns of files and arrays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.shards import HIT_COLUMNS

NUMBERS_PER_EVENT = 64  #: widest further column that is kept
_PANDAS = "__index_level_"  # how pandas calls an index that it writes as a column


def numbers(
    where: object, name: str, n: int, column: NDArray[Any], *, signed: bool = False
) -> NDArray[Any]:
    """A column ``(n,)`` of one number an event.

    Args:
        where: the file, or what else the column belongs to, for error messages.
        name: of the column.
        n: number of images.
        column: ``(n,)``, or of another shape with as many numbers.
        signed: whether numbers may be negative, as weights may.

    Raises:
        InputError: another length or shape, no numbers, a value that is not finite, or negative.
    """
    if column.ndim and len(column) != n:
        raise InputError(
            f"{where}: {name} has {len(column)} rows, the images {n}", "all keys need one row each"
        )
    if not column.ndim or column.size != n or column.dtype.kind not in "biuf":
        raise InputError(
            f"{where}: {name} has shape {column.shape} and type {column.dtype}",
            "expected is one number an event",
        )
    flat = column.reshape(n)
    bad = ~np.isfinite(flat) | ((flat < 0) & (not signed))
    if bad.any():
        place = int(np.argmax(bad))
        raise InputError(
            f"{where}: {name} is {flat[place]:g} for event {place}", "correct or remove that event"
        )
    return flat


def classes(where: object, name: str, label: NDArray[Any]) -> NDArray[np.int8]:
    """Labels ``(n,)`` that were read as numbers, as int8.

    Raises:
        InputError: one is neither 0 nor 1.
    """
    wrong = ~np.isin(label, (0, 1))
    if wrong.any():
        raise InputError(
            f"{where}: {name} is {label[wrong][0]:g} for event {int(np.argmax(wrong))}",
            "labels must be 0 (gluon, photon) or 1 (quark, electron)",
        )
    return label.astype(np.int8)


def is_extra(name: str, column: NDArray[Any], n: int, taken: Collection[str]) -> bool:
    """Whether a column outside the schema is a plain number or short vector per event."""
    fits = column.ndim >= 1 and len(column) == n and column.size <= n * NUMBERS_PER_EVENT
    known = name in taken or name in HIT_COLUMNS or name.startswith(_PANDAS)
    return fits and column.dtype.kind in "biuf" and not known
