"""Reading the public HDF5 files, block by block."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.errors import DAMAGE, InputError
from calovision.events.image_file import (
    EXTRA_VALUES,
    SCHEMAS,
    bad_shape,
    check_columns,
    check_type,
    closed_if_bad,
    damaged,
    find_schema,
)

STEP_EVENTS = 64  #: fewest jets read at a time
CHUNK_BYTES = 1 << 30  #: most pixels, in bytes, that are stored as one compressed piece
COLUMN_BYTES = 64 << 20  #: a per-event column may always be as large as this ...
_DEFLATED = 1032  # ... and larger by no more than deflate can compress the file's bytes
BAND_BYTES = 32 << 20  #: pixels read at a time, in bytes; three such arrays exist


class Hdf5Images:
    """A public HDF5 file; see :class:`calovision.events.image_file.ImageFile`.

    Args:
        path: the file.

    Raises:
        InputError: truncated, not HDF5, or not of a public schema.
    """

    channels_last = True

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._size = path.stat().st_size
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise self._unreadable(error) from error
        with closed_if_bad(self, DAMAGE):
            self._open()

    def _open(self) -> None:
        keys = [k for k in self._file if self._is_own(k)]
        self._key = find_schema(self.path, keys)
        self._images = self._file[self._key]
        self.geometry = SCHEMAS[self._key][0]
        grid = (self.geometry.rows, self.geometry.cols, len(self.geometry.channels))
        if self._images.shape is None or self._images.shape[1:] != grid:
            raise bad_shape(self.path, self._key, self._images.shape or ())
        self.dtype = check_type(self.path, self._key, self._images.dtype)
        chunks = self._images.chunks
        if chunks is not None and int(np.prod(chunks)) * self.dtype.itemsize > CHUNK_BYTES:
            raise InputError(
                f"{self.path}: {self._key} is stored in pieces {chunks} too large to read in turn",
                "store it in smaller chunks with h5repack",
            )
        required = SCHEMAS[self._key][1]
        columns = {k: self._column(k) for k in keys if k in required or self._is_small(k)}
        self.columns, self.label_dtype = check_columns(self.path, self._key, len(self), columns)
        self.step, self._band_rows = self._plan()
        self._mapped = self._map()

    def __len__(self) -> int:
        return int(self._images.shape[0])

    def bands(self, start: int, stop: int) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
        """Images by blocks of events and bands of rows."""
        if self._mapped is not None:
            yield from self._mapped.blocks(start, stop, self.step)
            return
        for first in range(start, stop, self.step):
            end = min(first + self.step, stop)
            for row, images in self._rows(first, end):
                yield first, end, row, images

    def _rows(self, first: int, end: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Bands of rows of some events, cut at the borders of readout cells."""
        shape, block = self._images.shape, max(c.block for c in self.geometry.channels)
        given, held = 0, np.empty((end - first, 0, *shape[2:]), self.dtype)
        for row in range(0, shape[1], self._band_rows):
            last = min(row + self._band_rows, shape[1])
            images = np.empty((end - first, last - given, *shape[2:]), self.dtype)
            images[:, : row - given] = held
            try:
                part = np.s_[first:end, row:last]
                self._images.read_direct(images, part, np.s_[:, row - given :])
            except DAMAGE as error:
                raise damaged(self.path, error) from error
            cut = last if last == shape[1] else last - last % block
            held = images[:, cut - given :].copy()
            if cut > given:
                yield given, images[:, : cut - given]
            given = cut

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _plan(self) -> tuple[int, int]:
        """Events and rows to read at a time, so that no compressed chunk is decoded twice."""
        rows = self.geometry.rows
        row_bytes = self.dtype.itemsize * int(np.prod(self._images.shape[2:]))
        chunks = self._images.chunks
        small = STEP_EVENTS * max(1, SCHEMAS["X_jets"][0].cells // self.geometry.cells)
        if chunks is None:
            return small, rows
        step = chunks[0] * -(-small // chunks[0]) if chunks[0] < small else chunks[0]
        if step * rows * row_bytes <= BAND_BYTES:
            return step, rows
        step = chunks[0]
        fitting = BAND_BYTES // (step * row_bytes) // chunks[1] * chunks[1]
        return step, min(max(fitting, chunks[1]), rows)

    def _map(self) -> _Mapped | None:
        """Map uncompressed images to memory, which saves copying them."""
        data = self._images
        offset = data.id.get_offset() if data.chunks is None and not data.external else None
        if offset is None or data.dtype != self.dtype or offset % self.dtype.itemsize:
            return None
        # Reading mapped pages that the file no longer has would kill the process.
        size, needed = self.path.stat().st_size, offset + data.nbytes
        if size < needed:
            raise damaged(self.path, EOFError(f"{size} bytes, {needed} are needed"))
        return _Mapped(self.path, offset, data.shape, self.dtype)

    def _is_small(self, key: str) -> bool:
        """Whether a dataset outside the schema has few numbers an event."""
        data = self._file[key]
        if key in SCHEMAS or data.shape is None or len(data.shape) == 0:
            return False
        return data.dtype.kind in "biuf" and int(np.prod(data.shape[1:])) <= EXTRA_VALUES

    def _is_own(self, key: str) -> bool:
        """Whether ``key`` is a dataset of this very file: links and views may lead to any other."""
        if not isinstance(self._file.get(key, getlink=True), h5py.HardLink):
            return False
        data = self._file[key]
        if not isinstance(data, h5py.Dataset):
            return False
        return not data.is_virtual and not data.external

    def _column(self, key: str) -> NDArray[Any]:
        dataset = self._file[key]
        # A few bytes can claim any number of rows.
        if dataset.size is None or dataset.nbytes > COLUMN_BYTES + _DEFLATED * self._size:
            raise InputError(
                f"{self.path}: {key} claims {dataset.shape} numbers, more than the file can hold",
                "fetch it again",
            )
        data = np.atleast_1d(dataset[()])
        return data.astype(data.dtype.newbyteorder("=")) if data.dtype.kind in "iuf" else data

    def _unreadable(self, error: OSError) -> InputError:
        if not self.path.exists():
            return InputError(f"{self.path} does not exist", "check the path")
        if not h5py.is_hdf5(self.path):
            return InputError(f"{self.path} is not an HDF5 file", "check the path")
        return damaged(self.path, error)


class _Mapped:
    """Uncompressed images mapped to memory; what has been read is let go."""

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._offset = offset
        count = int(np.prod(shape))
        self._images = np.frombuffer(self._map, dtype, count, offset).reshape(shape)
        self._event_bytes = count // shape[0] * dtype.itemsize
        self._released = 0

    def blocks(
        self, start: int, stop: int, step: int
    ) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
        """Blocks of ``step`` events."""
        for first in range(start, stop, step):
            end = min(first + step, stop)
            self._advise(mmap.MADV_WILLNEED, first, end)
            # Also what the shard before left behind, or memory would grow with every shard.
            passed = first - 4 * step
            self._advise(mmap.MADV_DONTNEED, self._released, passed)
            self._released = max(self._released, passed)
            yield first, end, 0, self._images[first:end]

    def _advise(self, advice: int, first: int, end: int) -> None:
        """Tell the system what happens next to the pages that hold some events."""
        low = (self._offset + first * self._event_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        size = self._offset + end * self._event_bytes - low
        if end > first:
            self._map.madvise(advice, low, size)
