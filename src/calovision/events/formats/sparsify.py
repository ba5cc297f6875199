"""Dense public images to hits, lossless to the last bit."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.geometry import Geometry

_BATCH_BYTES = 6 << 20  # pixels handled at a time: little enough for a processor's cache
_BATCH_PIXELS = 400_000  # ... of them not zero, each of which takes 200 bytes of scratch
_GROUP = 512  # flags are padded to a multiple of this, to be tested by eights of eights
_scratch = threading.local()
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
        noise = bool(np.isfinite(self.value))
        return InputError(
            f"{source}: event {first + self.event} has a value in channel {name!r} that is "
            f"{'negative' if noise else 'not finite'} ({self.value:g})",
            "correct or remove that event"
            + (", or give a threshold, below which all is noise and becomes 0" if noise else ""),
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
        InputError: another shape or type than these.
    """
    _check_array(images, geometry, channels_last, first_row)
    if not len(images):
        cell, code = np.zeros(0, np.uint16), np.zeros(0, np.uint8)
        return Events(geometry, np.zeros(1, np.int64), cell, code, np.zeros(0, images.dtype))
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


def shape_of(geometry: Geometry, *, channels_last: bool) -> tuple[int, int, int]:
    """Shape of one dense image on a grid."""
    rows, cols, channels = geometry.rows, geometry.cols, len(geometry.channels)
    return (rows, cols, channels) if channels_last else (channels, rows, cols)


def _check_array(
    images: NDArray[Any], geometry: Geometry, channels_last: bool, first_row: int
) -> None:
    """Refuse an array of other images than those of the grid, or of a band of its rows."""
    axis = 0 if channels_last else 1
    wanted, found = list(shape_of(geometry, channels_last=channels_last)), list(images.shape[1:])
    rows = found[axis] if len(found) == len(wanted) else 0
    on_grid = 0 < rows <= wanted[axis] - first_row
    borders = all(first_row % c.block == rows % c.block == 0 for c in geometry.channels)
    if not (on_grid and borders and found == [*wanted[:axis], rows, *wanted[axis + 1 :]]):
        grid = ", ".join(map(str, wanted))
        raise InputError(
            f"images have shape {images.shape} where {geometry.name!r} wants (n, {grid})",
            "give images of that shape, or the Geometry that they have",
        )
    if images.dtype.kind != "f" or images.dtype.itemsize not in _WORDS or not images.dtype.isnative:
        raise InputError(f"images are {images.dtype}", "expected are native float32 or float64")


def join_bands(bands: list[Events]) -> Events:
    """Join the hits of the same events from consecutive bands of rows."""
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


def _sparsify(images: NDArray[Any], geometry: Geometry, channels_last: bool) -> Events:
    n, channels = len(images), len(geometry.channels)
    cells = images[0].size // channels
    words = images.reshape(-1).view(_WORDS[images.dtype.itemsize])
    flags, found = _flags(words)
    if n > 1 and np.count_nonzero(flags) > _BATCH_PIXELS:
        halves = (images[: n // 2], images[n // 2 :])
        return concatenate(_sparsify(h, geometry, channels_last) for h in halves)
    whole = [
        _merge(words.reshape(images.shape), flags, c, geometry, channels_last)
        for c, described in enumerate(geometry.channels)
        if described.block > 1
    ]
    place = _nonzero(found)
    owner, inner = _divide(place, channels * cells)
    cell, channel = _divide(inner, channels if channels_last else cells)
    if not channels_last:
        cell, channel = channel, cell
    word = words[place]
    if word.max(initial=0) > np.finfo(images.dtype).max.view(words.dtype):
        _check(word.view(images.dtype), owner, channel, geometry)
    code = _codes(place, channel, whole, geometry)
    order = _order(owner, code, n, geometry)
    offsets = np.searchsorted(place, np.arange(n + 1) * (channels * cells))
    value = word[order].view(images.dtype)
    return Events(geometry, offsets, cell.astype(np.uint16)[order], code[order], value)


def _flags(words: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Whether each word is not zero, and the same memory as groups of eight flags."""
    size = -(-len(words) // _GROUP) * (_GROUP // 8)
    # Fresh memory would cost as much as the tests, so every thread keeps its own.
    if getattr(_scratch, "found", np.empty(0)).size < size:
        _scratch.found = np.empty(size, np.uint64)
    found: NDArray[np.uint64] = _scratch.found[:size]
    flags = found.view(np.bool_)
    flags[len(words) :] = False
    np.not_equal(words, 0, out=flags[: len(words)])
    return flags, found


def _nonzero(found: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions of the flags that are set; they are few, so that testing eight at once pays."""
    some = found != 0
    again = len(found) % (_GROUP // 8) == 0
    eights = _nonzero(some.view(np.uint64)) if again else np.flatnonzero(some)
    inner = np.flatnonzero(found[eights].view(np.bool_))
    places: NDArray[np.int64] = 8 * eights[inner >> 3] + (inner & 7)
    return places


def _divide(a: NDArray[np.int64], by: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Quotient and remainder; much faster than ``divmod``."""
    quotient = a // by
    return quotient, a - quotient * by


def _check(
    value: NDArray[Any], owner: NDArray[np.int64], channel: NDArray[np.int64], geometry: Geometry
) -> None:
    """Refuse values that are not finite, or negative in an unsigned channel."""
    signed = np.array([c.signed for c in geometry.channels])
    bad = ~np.isfinite(value) | ((value < 0) & ~signed[channel])
    if bad.any():
        k = int(np.argmax(bad))
        raise BadPixelError(int(owner[k]), int(channel[k]), float(value[k]))


def _merge(
    words: NDArray[Any],
    flags: NDArray[np.bool_],
    channel: int,
    geometry: Geometry,
    channels_last: bool,
) -> NDArray[np.int64]:
    """Clear the flags of all but the middle pixel in every whole cell of a channel of large cells.

    Args:
        words: all pixels' bits, in the shape of the images.
        flags: flat, whether a pixel is a hit; changed.
        channel: the channel.
        geometry: the image grid.
        channels_last: order of the axes of ``words``.

    Returns:
        Flat positions of the middle pixels, ascending.
    """
    side = geometry.channels[channel].block
    grid = words[..., channel] if channels_last else words[:, channel]
    _, rows, cols = grid.shape
    row_blocks, col_blocks = rows // side, cols // side
    hits = flags[: words.size].reshape(words.shape)
    hits = hits[..., channel] if channels_last else hits[:, channel]
    corners = hits[:, : row_blocks * side : side, : col_blocks * side : side]
    event, block = _divide(np.flatnonzero(corners), row_blocks * col_blocks)
    row, col = _divide(block, col_blocks)
    steps = np.array(grid.strides) // words.itemsize
    start = channel * (words.strides[-1 if channels_last else 1] // words.itemsize)
    corner = start + event * steps[0] + (row * steps[1] + col * steps[2]) * side
    inside = np.add.outer(np.arange(side) * steps[1], np.arange(side) * steps[2]).ravel()
    pixels = corner[:, None] + inside
    bits = words.reshape(-1)[pixels]
    pixels = pixels[(bits == bits[:, :1]).all(axis=1)]
    flags[pixels] = False
    middle: NDArray[np.int64] = pixels[:, side * side // 2]
    flags[middle] = True
    return middle


def _codes(
    place: NDArray[np.int64],
    channel: NDArray[np.int64],
    whole: list[NDArray[np.int64]],
    geometry: Geometry,
) -> NDArray[np.uint8]:
    """Codes of the hits; ``whole`` are the places of whole cells of the channels with blocks."""
    code = channel.astype(np.uint8)
    large = [c for c, described in enumerate(geometry.channels) if described.block > 1]
    for c, middle in zip(large, whole, strict=True):
        mine = np.flatnonzero(channel == c)
        if len(mine) > len(middle):
            lone = mine[~np.isin(place[mine], middle, assume_unique=True)]
            code[lone] += np.uint8(len(geometry.channels))
    return code


def _order(
    owner: NDArray[np.int64], code: NDArray[np.uint8], n: int, geometry: Geometry
) -> NDArray[np.int64]:
    """Positions of the hits by (event, code), cells keeping their order."""
    codes = 2 * len(geometry.channels)
    # 16-bit keys are sorted by radix, several times faster.
    kind = np.uint16 if n * codes <= np.iinfo(np.uint16).max else np.int64
    return np.argsort((owner * codes + code).astype(kind), kind="stable")
