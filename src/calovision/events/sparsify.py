"""Dense public images to hits: compiled passes that do not hold the interpreter lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry

_GROUP = 48  # words tested for zero at a time: most of an image is empty
_BATCH = 64  # events in one compiled call; their scratch space is reused
_WORDS = {np.dtype(np.float32): np.dtype(np.uint32), np.dtype(np.float64): np.dtype(np.uint64)}
_EXPONENT = {np.dtype(np.float32): 0x7F800000, np.dtype(np.float64): 0x7FF0000000000000}


@dataclass
class Pixels:
    """Nonzero pixels of some events, ordered by event.

    Attributes:
        owner: ``(pixels,)`` uint32, index of the event.
        cell: ``(pixels,)`` uint16, ascending within an event and channel.
        channel: ``(pixels,)`` uint8.
        word: ``(pixels,)`` uint32 or uint64, the bits of the value.
    """

    owner: NDArray[np.uint32]
    cell: NDArray[np.uint16]
    channel: NDArray[np.uint8]
    word: NDArray[Any]


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


def find_pixels(
    images: NDArray[Any], geometry: Geometry, *, channels_last: bool, first_row: int = 0
) -> Pixels:
    """Collect the pixels with any bit set, minus zero included.

    Args:
        images: ``(n, rows, cols, channels)``, or ``(n, channels, rows, cols)`` with all rows;
            C-contiguous float32 or float64, image units.
        geometry: the grid; ``images`` may hold a band of its rows.
        channels_last: which of the two orders.
        first_row: row of the grid at which the band starts.

    Raises:
        BadPixelError: a value is not finite, or negative in an unsigned channel.
    """
    words = images.reshape(len(images), -1).view(_WORDS[images.dtype])
    signed = np.array([c.signed for c in geometry.channels], np.bool_)
    kind = words.dtype.type
    exponent = kind(_EXPONENT[images.dtype])
    sign = kind(1 << (8 * words.dtype.itemsize - 1))
    room = min(_BATCH, len(words)) * words.shape[1]
    scratch = (
        np.empty(room, np.uint32),
        np.empty(room, np.uint16),
        np.empty(room, np.uint8),
        np.empty(room, words.dtype),
    )
    stride = len(signed) if channels_last else geometry.cells
    parts = []
    for start in range(0, len(words), _BATCH):
        batch = words[start : start + _BATCH]
        args = (batch, start, stride, channels_last, first_row * geometry.cols)
        count, event, place = _scan(*args, signed, exponent, sign, *scratch)
        if event >= 0:
            channel = place % stride if channels_last else place // stride
            raise BadPixelError(int(event), int(channel), float(images[event].flat[place]))
        parts.append(tuple(array[:count].copy() for array in scratch))
    return Pixels(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def join_bands(bands: list[Pixels]) -> Pixels:
    """Pixels of the same events from consecutive bands of rows, ordered by event again."""
    if len(bands) == 1:
        return bands[0]
    names = ("owner", "cell", "channel", "word")
    joined = {k: np.concatenate([getattr(b, k) for b in bands]) for k in names}
    order = np.argsort(joined["owner"], kind="stable")
    return Pixels(**{k: v[order] for k, v in joined.items()})


def to_events(pixels: Pixels, n: int, geometry: Geometry, dtype: np.dtype[Any]) -> Events:
    """Merge pixels to hits: one per readout cell, in the order of :class:`Events`.

    Aligned blocks of a channel with larger readout cells become one hit if all their pixels
    hold the same bits; the other pixels of such a channel become lone hits.

    Args:
        pixels: pixels of ``n`` events, ordered by event.
        n: number of events.
        geometry: the image grid.
        dtype: type of the values.
    """
    starts = np.searchsorted(pixels.owner, np.arange(n + 1)).astype(np.int64)
    blocks = np.array([c.block for c in geometry.channels], np.int64)
    cell, code = np.empty_like(pixels.cell), np.empty_like(pixels.channel)
    word = np.empty_like(pixels.word)
    offsets = np.zeros(n + 1, np.int64)
    _merge(
        starts,
        pixels.cell,
        pixels.channel,
        pixels.word,
        blocks,
        geometry.rows,
        geometry.cols,
        offsets,
        cell,
        code,
        word,
    )
    hits = offsets[-1]
    value = word[:hits].view(dtype)
    return Events(geometry, offsets, cell[:hits].copy(), code[:hits].copy(), value.copy())


def bad_pixel(error: BadPixelError, source: str, first: int, geometry: Geometry) -> InputError:
    """The one-line form of a bad value, for the event's number in its file."""
    name = geometry.channels[error.channel].name
    what = "negative" if np.isfinite(error.value) else "not finite"
    return InputError(
        f"{source}: event {first + error.event} has a value in channel {name!r} that is {what} "
        f"({error.value:g})",
        "correct or remove that event",
    )


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _scan(
    words: Any,
    first: int,
    stride: int,
    channels_last: bool,
    first_cell: int,
    signed: Any,
    exponent: Any,
    sign: Any,
    owner: Any,
    cell: Any,
    channel: Any,
    word: Any,
) -> tuple[int, int, int]:
    """Fill the four output arrays; (pixels, bad event or -1, its place in the image)."""
    n, width = words.shape
    count = 0
    for i in range(n):
        row = words[i]
        for start in range(0, width, _GROUP):
            stop = min(start + _GROUP, width)
            any_bit = words.dtype.type(0)
            if stop - start == _GROUP:
                for j in range(_GROUP):
                    any_bit |= row[start + j]
                if any_bit == 0:
                    continue
            for place in range(start, stop):
                bits = row[place]
                if bits == 0:
                    continue
                major, minor = place // stride, place % stride
                c = minor if channels_last else major
                negative = (bits & sign) != 0 and bits != sign and not signed[c]
                if negative or (bits & exponent) == exponent:
                    return count, first + i, place
                owner[count] = first + i
                cell[count] = first_cell + (major if channels_last else minor)
                channel[count] = c
                word[count] = bits
                count += 1
    return count, -1, 0


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _merge(
    starts: Any,
    pixel_cell: Any,
    pixel_channel: Any,
    pixel_word: Any,
    blocks: Any,
    rows: int,
    cols: int,
    offsets: Any,
    cell: Any,
    code: Any,
    word: Any,
) -> None:
    """Fill offsets, cell, code and word of the hits."""
    width = len(blocks)
    plane = np.zeros((width, rows * cols), pixel_word.dtype)
    whole = np.zeros((width, rows * cols), np.bool_)  # top left pixels of whole blocks
    count = 0
    for i in range(len(starts) - 1):
        lo, hi = starts[i], starts[i + 1]
        for k in range(lo, hi):
            if blocks[pixel_channel[k]] > 1:
                plane[pixel_channel[k], pixel_cell[k]] = pixel_word[k]
        for c in range(width):
            side = blocks[c]
            for k in range(lo, hi):
                if pixel_channel[k] != c:
                    continue
                corner = np.int64(pixel_cell[k])
                if side > 1:
                    if not _is_whole(plane[c], corner, side, rows, cols):
                        continue
                    whole[c, corner] = True
                cell[count] = corner + (side // 2) * (cols + 1)
                code[count] = c
                word[count] = pixel_word[k]
                count += 1
        for c in range(width):
            side = blocks[c]
            if side == 1:
                continue
            for k in range(lo, hi):
                if pixel_channel[k] != c:
                    continue
                place = np.int64(pixel_cell[k])
                row, col = place // cols, place % cols
                if not whole[c, (row - row % side) * cols + col - col % side]:
                    cell[count] = place
                    code[count] = c + width
                    word[count] = pixel_word[k]
                    count += 1
        for k in range(lo, hi):
            plane[pixel_channel[k], pixel_cell[k]] = 0
            whole[pixel_channel[k], pixel_cell[k]] = False
        offsets[i + 1] = count


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _is_whole(plane: Any, corner: int, side: int, rows: int, cols: int) -> bool:
    """Whether an aligned block starts at this pixel and all its pixels hold the same bits."""
    row, col = corner // cols, corner % cols
    if row % side or col % side or row + side > rows or col + side > cols:
        return False
    for r in range(side):
        for c in range(side):
            if plane[corner + r * cols + c] != plane[corner]:
                return False
    return True
