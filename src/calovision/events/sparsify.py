"""Dense public images to hits, lossless to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.geometry import Geometry

_BATCH_BYTES = 12 << 20  # pixels handled at a time: what a processor's cache can hold
_WORDS: dict[int, type[np.unsignedinteger[Any]]] = {4: np.uint32, 8: np.uint64}


class BadPixelError(ValueError):
    """A value that no detector image may hold.

    Attributes:
        event: its event, counted within the images given.
        channel: its channel.
        value: what was found.
    """

    def __init__(self, event: int, channel: int, value: float) -> None:
        self.event, self.channel, self.value = event, channel, value
        super().__init__(f"value {value} in event {event}, channel {channel}")

    def as_input_error(self, source: str, first: int, geometry: Geometry) -> InputError:
        """The one-line form, if the images given began with event ``first`` of ``source``."""
        name = geometry.channels[self.channel].name
        what = "negative" if np.isfinite(self.value) else "not finite"
        return InputError(
            f"{source}: event {first + self.event} has a value in channel {name!r} that is "
            f"{what} ({self.value:g})",
            "correct or remove that event",
        )


def sparsify(
    images: NDArray[Any], geometry: Geometry, *, channels_last: bool, first_row: int = 0
) -> Events:
    """Turn dense images into hits without per-event columns.

    A pixel is a hit if any bit of its value is set, minus zero included. Aligned blocks of a
    channel with larger readout cells become one hit if all their pixels hold the same bits;
    other pixels of such a channel become lone hits.

    Args:
        images: ``(n, rows, cols, channels)`` or ``(n, channels, rows, cols)``, float32
            or float64, image units; it may hold a band of the grid's rows that begins
            and ends at the border of readout cells.
        geometry: the image grid.
        channels_last: which of the two orders.
        first_row: row of the grid at which the band begins.

    Raises:
        BadPixelError: a value is not finite, or negative in an unsigned channel.
    """
    step = max(1, _BATCH_BYTES // images[0].nbytes)
    parts = []
    for start in range(0, len(images), step):
        try:
            parts.append(_sparsify(images[start : start + step], geometry, channels_last))
        except BadPixelError as error:
            raise BadPixelError(start + error.event, error.channel, error.value) from None
    events = parts[0] if len(parts) == 1 else concatenate(parts)
    if first_row:
        events.cell += np.uint16(first_row * geometry.cols)
    return events


def join_bands(bands: list[Events]) -> Events:
    """Events whose hits are spread over consecutive bands of rows, made whole."""
    if len(bands) == 1:
        return bands[0]
    geometry, n = bands[0].geometry, len(bands[0])
    owner = np.concatenate([b.owner for b in bands])
    code = np.concatenate([b.code for b in bands])
    order = _order(owner, code, n, geometry)
    cell = np.concatenate([b.cell for b in bands])[order]
    value = np.concatenate([b.value for b in bands])[order]
    offsets = np.sum([b.offsets for b in bands], axis=0)
    return Events(geometry, offsets, cell, code[order], value)


@dataclass
class _Pixels:
    """Nonzero pixels of a batch: place in the flat words, event, channel, cell, bits."""

    place: NDArray[np.int64]
    owner: NDArray[np.int64]
    channel: NDArray[np.int64]
    cell: NDArray[np.int64]
    word: NDArray[Any]


def _sparsify(images: NDArray[Any], geometry: Geometry, channels_last: bool) -> Events:
    n, channels = len(images), len(geometry.channels)
    cells = images[0].size // channels
    words = images.reshape(-1).view(_WORDS[images.dtype.itemsize])
    place = np.flatnonzero(words != 0)
    owner, inner = _divide(place, channels * cells)
    if channels_last:
        cell, channel = _divide(inner, channels)
    else:
        channel, cell = _divide(inner, cells)
    pixels = _Pixels(place, owner, channel, cell, words[place])
    _check(pixels, pixels.word.view(images.dtype), geometry)
    code = channel.astype(np.uint8)
    keep = np.ones(len(place), np.bool_)
    for c, described in enumerate(geometry.channels):
        if described.block > 1:
            stride = channels if channels_last else 1
            _merge(pixels, words, c, geometry, (n, cells, stride), code, keep)
    kept = np.flatnonzero(keep)
    order = kept[_order(owner[kept], code[kept], n, geometry)]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=n))])
    value = pixels.word[order].view(images.dtype)
    return Events(geometry, offsets, cell[order].astype(np.uint16), code[order], value)


def _divide(a: NDArray[np.int64], by: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Quotient and remainder; much faster than ``divmod``."""
    quotient = a // by
    return quotient, a - quotient * by


def _check(pixels: _Pixels, value: NDArray[Any], geometry: Geometry) -> None:
    """Refuse values that are not finite, or negative in an unsigned channel."""
    bad = ~np.isfinite(value)
    negative = value < 0
    if negative.any():
        signed = np.array([c.signed for c in geometry.channels])
        bad |= negative & ~signed[pixels.channel]
    if bad.any():
        k = int(np.argmax(bad))
        raise BadPixelError(int(pixels.owner[k]), int(pixels.channel[k]), float(value[k]))


def _merge(
    pixels: _Pixels,
    words: NDArray[Any],
    channel: int,
    geometry: Geometry,
    shape: tuple[int, int, int],
    code: NDArray[np.uint8],
    keep: NDArray[np.bool_],
) -> None:
    """Merge the pixels of a channel with large readout cells, in place.

    The first pixel of a whole block moves to its middle and the others are not kept; pixels
    outside whole blocks become lone hits.

    Args:
        pixels: the nonzero pixels; ``cell`` is changed.
        words: all pixels' bits, flat.
        channel: the channel.
        geometry: the image grid.
        shape: events, cells in an image's band, distance of a channel's pixels in ``words``.
        code: ``(pixels,)``, changed.
        keep: ``(pixels,)``, changed.
    """
    n, cells, stride = shape
    side = geometry.channels[channel].block
    mine = np.flatnonzero(pixels.channel == channel)
    cell = pixels.cell[mine]
    corner = _corners(geometry, side, cells)[cell]
    at_corner = corner == cell
    first = mine[at_corner]
    inside = np.add.outer(np.arange(side) * geometry.cols, np.arange(side)).ravel() * stride
    block = words[pixels.place[first, None] + inside]
    first = first[(block == block[:, :1]).all(axis=1)]
    whole = np.zeros((n, cells + 1), np.bool_)
    whole[pixels.owner[first], pixels.cell[first]] = True
    merged = whole[pixels.owner[mine], corner]
    code[mine[~merged]] += np.uint8(len(geometry.channels))
    keep[mine[merged & ~at_corner]] = False
    pixels.cell[first] += (side // 2) * (geometry.cols + 1)


@lru_cache
def _corners(geometry: Geometry, side: int, cells: int) -> NDArray[np.int64]:
    """``(cells,)`` first pixel of the aligned block that holds each pixel; -1 if cut off."""
    rows = cells // geometry.cols
    row, col = np.divmod(np.arange(cells), geometry.cols)
    top, left = row - row % side, col - col % side
    fits = (top + side <= rows) & (left + side <= geometry.cols)
    return np.where(fits, top * geometry.cols + left, -1)


def _order(
    owner: NDArray[np.int64], code: NDArray[np.uint8], n: int, geometry: Geometry
) -> NDArray[np.int64]:
    """Positions of the hits by (event, code), cells keeping their order."""
    codes = 2 * len(geometry.channels)
    # 16-bit keys are sorted by radix, several times faster.
    kind = np.uint16 if n * codes <= np.iinfo(np.uint16).max else np.int64
    return np.argsort((owner * codes + code).astype(kind), kind="stable")
