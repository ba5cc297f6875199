"""Reading the public HDF5 files, block by block."""

from __future__ import annotations

import importlib
import math
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.columns import NUMBERS_PER_EVENT
from calovision.events.formats.hdf5_links import ElsewhereError, dataset_of, sources_of
from calovision.events.formats.kinds import HDF5
from calovision.events.formats.schema import SCHEMAS, ImageFile, damaged
from calovision.events.geometry import JET_IMAGES
from calovision.utils.unreadable import reading

STEP_EVENTS = 64  #: fewest jets read at a time
CHUNK_BYTES = 1 << 30  #: most pixels, in bytes, that are stored as one compressed piece
COLUMN_BYTES = 64 << 20  #: a per-event column may always be as large as this ...
_DEFLATED = 1032  # ... and larger by no more than deflate can compress the file's bytes
BAND_BYTES = 32 << 20  #: pixels read at a time, in bytes; three such arrays exist


class Hdf5Images(ImageFile):
    """A public HDF5 file; links and virtual datasets are followed inside it only."""

    format = "HDF5"
    #: beside its errors for HDF5's own, what h5py raises at content that it cannot read
    content_errors = (LookupError, OSError, RuntimeError, TypeError, ValueError)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """HDF5 files begin with a mark of their own, which may stand behind something else."""
        return head.startswith(HDF5) or bool(h5py.is_hdf5(path))

    def _open(self) -> None:
        with reading(self.path):
            self._size = self.path.stat().st_size
        with self.decoding():
            self._file = self._open_files.enter_context(h5py.File(self.path, "r"))
        found: dict[str, h5py.Dataset] = {}
        elsewhere: dict[str, str] = {}
        with self.decoding():
            for key in self._file:
                try:
                    data = dataset_of(self._file, key)
                except ElsewhereError as error:
                    elsewhere[key] = str(error)
                else:
                    found |= {} if data is None else {key: data}
        required = self.set_schema([*found, *elsewhere])
        for key in (self.key, *required):
            if key in elsewhere:
                raise InputError(
                    f"{self.path}: the data of {key} lie {elsewhere[key]}, and links and virtual "
                    "datasets are followed inside a file only",
                    "give the file that holds the data, or copy them into this one",
                )
        self.left_out = tuple(f"{k}, the data of which lie {v}" for k, v in elsewhere.items())
        self._images = found[self.key]
        with self.decoding():
            shape, kind, chunks = self._images.shape, self._images.dtype, self._images.chunks
        self.set_images(shape or (), kind)
        self._axis = 1 if self.channels_last else 2
        self._chunks = chunks
        if chunks is not None and int(np.prod(chunks)) * self.dtype.itemsize > CHUNK_BYTES:
            raise InputError(
                f"{self.path}: {self.key} is stored in pieces {chunks} too large to read in turn",
                "store it in smaller chunks with h5repack",
            )
        self._note_filters(self.key, self._images)
        columns = {
            k: self._column(k, data)
            for k, data in found.items()
            if k in required or self._is_small(k, data)
        }
        self.set_columns(columns)
        self.step, self._band_rows = self._plan()
        self._mapped = self._map()

    def _note_filters(self, key: str, data: h5py.Dataset) -> None:
        """Look for a missing compression, which is an error only once it turns out to be used."""
        with self.decoding():
            plans = [d.id.get_create_plist() for d in sources_of(self._file, data)]
            filters = [plan.get_filter(i) for plan in plans for i in range(plan.get_nfilters())]
        for number, _, _, name in filters:
            if h5py.h5z.filter_avail(number):
                continue
            with suppress(ImportError):
                importlib.import_module("hdf5plugin")
            if not h5py.h5z.filter_avail(number):
                shown = name.decode(errors="replace").rstrip("\0") or "unnamed"
                self._lacking = InputError(
                    f"{self.path}: {key} is compressed by the HDF5 filter {number} ({shown}), "
                    "which is not installed here",
                    "pip install hdf5plugin, or name the folder of the filter in HDF5_PLUGIN_PATH",
                )

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time, of large chunks by bands of rows."""
        if self._mapped is not None:
            yield from self._mapped.dense_blocks(start, stop, self.step)
            return
        for first in range(start, stop, self.step):
            end = min(first + self.step, stop)
            for row, images in self._rows(first, end):
                yield first, row, images

    def _rows(self, first: int, end: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Bands of rows of some events, cut at the borders of readout cells."""
        rows, block = self.geometry.rows, max(c.block for c in self.geometry.channels)
        given, held = 0, self._empty(end - first, 0)
        for row in range(0, rows, self._band_rows):
            last = min(row + self._band_rows, rows)
            images = self._empty(end - first, last - given)
            images[self._band(0, row - given)] = held
            # As the file has them: images of one channel may lack its axis.
            as_stored = images.reshape(images.shape[: self._images.ndim])
            part = (slice(first, end), *self._band(row, last)[1:])
            with self.decoding():
                self._images.read_direct(as_stored, part, self._band(row - given, None))
            cut = last if last == rows else last - last % block
            held = images[self._band(cut - given, None)].copy()
            if cut > given:
                yield given, images[self._band(0, cut - given)]
            given = cut

    def _empty(self, events: int, rows: int) -> NDArray[Any]:
        """Memory for a band of rows of some events."""
        shape = [events, *self.shape[1:]]
        shape[self._axis] = rows
        return np.empty(shape, self.dtype)

    def _band(self, start: int, stop: int | None) -> tuple[slice, ...]:
        """What picks some rows of images."""
        return (*[slice(None)] * self._axis, slice(start, stop))

    def _plan(self) -> tuple[int, int]:
        """Events and rows to read at a time, so that no compressed chunk is decoded twice."""
        rows = self.geometry.rows
        row_bytes = self.dtype.itemsize * math.prod(self.shape[1:]) // rows
        chunks = self._chunks
        small = STEP_EVENTS * max(1, JET_IMAGES.cells // self.geometry.cells)
        if chunks is None:
            return small, rows
        step = chunks[0] * -(-small // chunks[0]) if chunks[0] < small else chunks[0]
        if step * rows * row_bytes <= BAND_BYTES:
            return step, rows
        step = chunks[0]
        high = chunks[self._axis]
        fitting = BAND_BYTES // (step * row_bytes) // high * high
        return step, min(max(fitting, high), rows)

    def _map(self) -> _Mapped | None:
        """Map uncompressed images to memory, which saves copying them."""
        data = self._images
        with self.decoding():
            plain = self._chunks is None and not data.is_virtual
            offset = data.id.get_offset() if plain else None
            same = data.dtype == self.dtype
        if offset is None or not same or offset % self.dtype.itemsize:
            return None
        # Reading mapped pages that the file no longer has would kill the process.
        needed = offset + math.prod(self.shape) * self.dtype.itemsize
        if self._size < needed:
            raise damaged(self.path, EOFError(f"{self._size} bytes, {needed} are needed"))
        with reading(self.path):
            return _Mapped(self.path, offset, self.shape, self.dtype)

    def _is_small(self, key: str, data: h5py.Dataset) -> bool:
        """Whether a dataset outside the schema has few numbers an event."""
        with self.decoding():
            shape, kind = data.shape, data.dtype.kind
        if key in SCHEMAS or shape is None or len(shape) == 0:
            return False
        return kind in "biuf" and math.prod(shape[1:]) <= NUMBERS_PER_EVENT

    def _column(self, key: str, data: h5py.Dataset) -> NDArray[Any]:
        with self.decoding():
            shape, size = data.shape, data.nbytes if data.shape is not None else math.inf
        # A few bytes can claim any number of rows.
        if size > COLUMN_BYTES + _DEFLATED * self._size:
            raise InputError(
                f"{self.path}: {key} claims {shape} numbers, more than the file can hold",
                "fetch it again",
            )
        self._note_filters(key, data)
        with self.decoding():
            column = np.atleast_1d(data[()])
        kind = column.dtype
        return column.astype(kind.newbyteorder("=")) if kind.kind in "iuf" else column


class _Mapped:
    """Uncompressed images mapped to memory, the pages of which are released once they are read."""

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

    def dense_blocks(
        self, start: int, stop: int, step: int
    ) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time."""
        for first in range(start, stop, step):
            end = min(first + step, stop)
            self._advise(mmap.MADV_WILLNEED, first, end)
            # Pages of the shard before are released too, or memory would grow with every shard.
            passed = first - 4 * step
            self._advise(mmap.MADV_DONTNEED, self._released, passed)
            self._released = max(self._released, passed)
            yield first, 0, self._images[first:end]

    def _advise(self, advice: int, first: int, end: int) -> None:
        """Advise the system about the pages that hold some events."""
        low = (self._offset + first * self._event_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        size = self._offset + end * self._event_bytes - low
        if end > first:
            self._map.madvise(advice, low, size)
