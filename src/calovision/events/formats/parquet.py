"""Reading the public Parquet files of nested lists, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.schema import (
    SCHEMAS,
    bad_shape,
    check_columns,
    check_type,
    closed_if_bad,
    damaged,
    find_schema,
)
from calovision.utils.unreadable import reading

STEP_EVENTS = 64  #: images decoded at a time
#: what pyarrow raises at content that it cannot read
_DAMAGE = (UnicodeDecodeError, pa.ArrowException, OSError)
_BUFFER_BYTES = 1 << 20  # read from disk at a time; row groups may hold the whole file


class ParquetImages:
    """A public Parquet file; see :class:`calovision.events.formats.schema.ImageFile`.

    Images are nested lists, channels first in the published files; channels last are
    accepted, too.

    Args:
        path: the file.

    Raises:
        InputError: truncated, not Parquet, or not of a public schema.
    """

    step = STEP_EVENTS
    left_out: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._library():
            self._file = pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        with closed_if_bad(self):
            self._open()

    @contextmanager
    def _library(self) -> Iterator[None]:
        """What pyarrow raises at bad content means damage; what the system says does not."""
        try:
            with reading(self.path):
                yield
        except _DAMAGE as error:
            raise damaged(self.path, error) from error

    def _open(self) -> None:
        schema = self._file.schema_arrow
        self._key = find_schema(self.path, schema.names)
        self.geometry = SCHEMAS[self._key][0]
        kind = schema.field(self._key).type
        depth = 0
        while _is_list(kind):
            kind, depth = kind.value_type, depth + 1
        if depth != 3:
            raise bad_shape(self.path, self._key, (len(self),) + (0,) * depth)
        if not pa.types.is_floating(kind):
            raise InputError(f"{self.path}: {self._key} is {kind}", "images must be floats")
        self.dtype = check_type(self.path, self._key, np.dtype(kind.to_pandas_dtype()))
        flat = [f.name for f in schema if _is_number(f.type)]
        if repeated := {n for n in schema.names if schema.names.count(n) > 1}:
            raise InputError(f"{self.path} has two columns {repeated.pop()}", "rename one of them")
        with self._library():
            table = self._file.read(columns=flat, use_threads=False)
            raw = {name: self._numbers(name, table.column(name)) for name in flat}
        for name in SCHEMAS[self._key][1]:
            if name not in raw:
                raise InputError(
                    f"{self.path}: {name} is {schema.field(name).type}",
                    "expected is one number an event",
                )
        self.columns, self.label_dtype = check_columns(self.path, self._key, len(self), raw)
        self._sizes = self._image_shape()
        self.channels_last = self._sizes[-1] == len(self.geometry.channels)

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def bands(self, start: int, stop: int) -> Iterator[tuple[int, int, int, NDArray[Any]]]:
        """Images by blocks of events, all rows at once."""
        first, filled = start, 0
        block = np.empty((self.step, *self._sizes), self.dtype)
        for images in self._images(start, stop):
            taken = 0
            while taken < len(images):
                room = min(self.step, stop - first) - filled
                piece = images[taken : taken + room]
                block[filled : filled + len(piece)] = piece
                taken, filled = taken + len(piece), filled + len(piece)
                if filled == min(self.step, stop - first):
                    yield first, first + filled, 0, block[:filled]
                    block = np.empty_like(block)
                    first, filled = first + filled, 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _images(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The images of some events, in pieces as the file gives them."""
        groups, skip = self._groups(start, stop)
        left = stop - start
        with self._library():
            for batch in self._file.iter_batches(
                self.step, row_groups=groups, columns=[self._key], use_threads=False
            ):
                images = self._dense(batch.column(0))[skip : skip + left]
                skip = max(skip - batch.num_rows, 0)
                left -= len(images)
                if len(images):
                    yield images
                if not left:
                    return

    def _groups(self, start: int, stop: int) -> tuple[list[int], int]:
        """Row groups that hold the events, and how many of their first rows to skip."""
        meta = self._file.metadata
        ends = np.cumsum([meta.row_group(i).num_rows for i in range(meta.num_row_groups)])
        first = int(np.searchsorted(ends, start, side="right"))
        last = int(np.searchsorted(ends, stop - 1, side="right"))
        before = int(ends[first - 1]) if first else 0
        return list(range(first, last + 1)), start - before

    def _image_shape(self) -> tuple[int, ...]:
        """Lengths of the nested lists, from the first image."""
        with self._library():
            image = pa.array([])
            for batch in self._file.iter_batches(1, columns=[self._key], use_threads=False):
                image = batch.column(0)
                break
        if not len(image):
            raise damaged(self.path, EOFError("no image is in it"))
        sizes = []
        for _ in range(3):
            image = image.flatten()
            sizes.append(len(image))
        shape = (sizes[0], sizes[1] // max(sizes[0], 1), sizes[2] // max(sizes[1], 1))
        g = self.geometry
        channels = len(g.channels)
        if shape not in ((channels, g.rows, g.cols), (g.rows, g.cols, channels)):
            raise bad_shape(self.path, self._key, (len(self), *shape))
        return shape

    def _dense(self, column: pa.Array) -> NDArray[Any]:
        """Nested lists to one array; every list must have its full length."""
        n = len(column)
        lists = column
        for size in self._sizes:
            lengths = lists.value_lengths()
            if lists.null_count or not np.all(lengths.to_numpy(zero_copy_only=False) == size):
                raise InputError(
                    f"{self.path}: {self._key} has images of different shapes",
                    f"all must be {self._sizes}",
                )
            lists = lists.flatten()
        if lists.null_count:
            raise InputError(f"{self.path}: {self._key} has missing values", "fill or drop them")
        values: NDArray[Any] = lists.to_numpy(zero_copy_only=False)
        return values.reshape(n, *self._sizes)

    def _numbers(self, name: str, column: pa.ChunkedArray) -> NDArray[Any]:
        if column.null_count:
            raise InputError(f"{self.path}: {name} has missing values", "fill or drop them")
        numbers: NDArray[Any] = column.to_numpy()
        return numbers


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
