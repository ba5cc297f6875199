"""Checks of class labels, which must be 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry

LABELS_SHOWN = 6  #: different labels that a message lists


def class_labels(events: Events) -> NDArray[np.int8]:
    """``(n,)`` labels of events all of which are of class 0 or 1, as integers.

    Raises:
        InputError: there are no labels, or others than 0 and 1; it lists what was found.
    """
    wanted = expected(events.geometry)
    label = events.columns.get("label")
    if label is None:
        have = ", ".join(sorted(events.columns)) or "none"
        raise InputError(f"the events have no labels (their columns: {have})", f"give {wanted}")
    if label.shape != (len(events),):
        raise InputError(f"the labels have shape {label.shape}", f"give {wanted}, one an event")
    if label.dtype.kind not in "biuf" or not np.isin(label, (0, 1)).all():
        raise InputError(f"the labels are {found(label)}", f"give {wanted}")
    return label.astype(np.int8)


def both_classes(events: Events) -> NDArray[np.int8]:
    """:func:`class_labels` of events among which both classes are found.

    Raises:
        InputError: as there, or all events are of one class.
    """
    label = class_labels(events)
    if len(np.unique(label)) < 2:
        raise InputError(
            f"all labels are {found(label)}", f"give events of both: {expected(events.geometry)}"
        )
    return label


def expected(geometry: Geometry) -> str:
    """Words for the labels that a set should have."""
    first, second, *_ = geometry.classes
    return f"a column 'label' of 0 ({first}) and 1 ({second})"


def found(label: NDArray[Any]) -> str:
    """Words for different labels and how many events have each: ``0 (40 events), 2 (3 events)``."""
    if label.dtype.kind == "O":
        label = label.astype(str)
    values, counts = np.unique(label, return_counts=True)
    text = label.dtype.kind in "US"
    listed = [
        f"{str(v)!r} ({n} events)" if text else f"{v:g} ({n} events)"
        for v, n in zip(values[:LABELS_SHOWN], counts[:LABELS_SHOWN], strict=True)
    ]
    more = len(values) - LABELS_SHOWN
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "") or "none"
