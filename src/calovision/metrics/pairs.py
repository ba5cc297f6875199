"""Two event sets of the same events, and their hits as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.metrics.bootstrap import same_length

if TYPE_CHECKING:
    from calovision.events.events import Events


class Pixels(NamedTuple):
    """Nonzero pixels of the images of an event set, flat.

    Attributes:
        event: ``(p,)`` index of the event.
        channel: ``(p,)`` channel index.
        cell: ``(p,)`` ``row * cols + col``.
        energy: ``(p,)`` GeV in this pixel.
    """

    event: NDArray[np.int64]
    channel: NDArray[np.int64]
    cell: NDArray[np.int64]
    energy: NDArray[np.float64]


def check_pair(true: Events, other: Events) -> int:
    """Number of events of two sets that must match.

    Raises:
        InputError: the sets differ in geometry or number of events, or hold none.
    """
    if true.geometry != other.geometry:
        raise InputError(
            f"event sets of different geometry ({true.geometry.name}, {other.geometry.name})",
            "compare sets of one kind",
        )
    return same_length(true.offsets[1:], other.offsets[1:], what="the event sets")


def pixels(events: Events) -> Pixels:
    """The positive pixels of all images; a hit in a large cell becomes its pixels."""
    geometry = events.geometry
    area = events.area
    positive = np.flatnonzero(events.value > 0)
    repeats = area[positive]
    hit = np.repeat(positive, repeats)
    first = np.repeat(np.cumsum(repeats) - repeats, repeats)
    side = np.sqrt(area[hit]).astype(np.int64)
    step = np.arange(len(hit)) - first
    row = step // side - side // 2
    col = step % side - side // 2
    cell = events.cell[hit].astype(np.int64) + row * geometry.cols + col
    energy = events.energy[hit].astype(np.float64) / area[hit]
    return Pixels(events.owner[hit], events.channel[hit].astype(np.int64), cell, energy)
