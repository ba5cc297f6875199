"""Reading the public Parquet files of nested lists, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.kinds import PARQUET
from calovision.events.formats.schema import ImageFile, damaged

_BUFFER_BYTES = 1 << 20  # read from disk at a time; row groups may hold the whole file


class ParquetImages(ImageFile):
    """A public Parquet file.

    Images are nested lists, channels first in the published files; channels last are
    accepted, too.
    """

    format = "Parquet"
    content_errors = (UnicodeDecodeError, pa.ArrowException, OSError)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Parquet files begin with a mark of their own."""
        return head.startswith(PARQUET)

    def _open(self) -> None:
        with self.decoding():
            file = pq.ParquetFile(self.path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self._file = self._open_files.enter_context(file)
        schema, n = self._file.schema_arrow, int(self._file.metadata.num_rows)
        required = self.set_schema(schema.names)
        if repeated := {name for name in schema.names if schema.names.count(name) > 1}:
            raise InputError(f"{self.path} has two columns {repeated.pop()}", "rename one of them")
        kind = schema.field(self.key).type
        depth = 0
        while _is_list(kind):
            kind, depth = kind.value_type, depth + 1
        if depth not in (2, 3):
            raise self.bad_shape((n,) + (0,) * depth)
        if not pa.types.is_floating(kind):
            raise InputError(f"{self.path}: {self.key} is {kind}", "images must be floats")
        self._sizes = self._image_shape(depth) if n else ()
        self.set_images((n, *self._sizes), np.dtype(kind.to_pandas_dtype()))
        flat = [f.name for f in schema if f.name != self.key and _is_number(_inner(f.type))]
        with self.decoding():
            table = self._file.read(columns=flat, use_threads=False)
            found = {name: table.column(name).combine_chunks() for name in flat}
        columns, incomplete = {}, []
        for name, column in found.items():
            numbers = column.flatten() if _is_list(column.type) else column
            # Lists of one number each are numbers; others are left out.
            if len(numbers) == n or name in required:
                columns[name] = numbers.to_numpy(zero_copy_only=False)
                incomplete += [name] if column.null_count or numbers.null_count else []
        if incomplete:
            raise InputError(
                f"{self.path}: {incomplete[0]} has missing values", "fill or drop them"
            )
        for name in required:
            if name not in columns:
                raise InputError(
                    f"{self.path}: {name} is {schema.field(name).type}",
                    "expected is one number an event",
                )
        self.set_columns(columns)

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time, all rows at once."""
        first, filled = start, 0
        block = np.empty((self.step, *self.shape[1:]), self.dtype)
        for images in self._images(start, stop):
            taken = 0
            while taken < len(images):
                room = min(self.step, stop - first) - filled
                piece = images[taken : taken + room]
                block[filled : filled + len(piece)] = piece
                taken, filled = taken + len(piece), filled + len(piece)
                if filled == min(self.step, stop - first):
                    yield first, 0, block[:filled]
                    block = np.empty_like(block)
                    first, filled = first + filled, 0

    def _images(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The images of some events, in pieces as the file gives them."""
        groups, skip = self._groups(start, stop)
        left = stop - start
        with self.decoding():
            for batch in self._file.iter_batches(
                self.step, row_groups=groups, columns=[self.key], use_threads=False
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

    def _image_shape(self, depth: int) -> tuple[int, ...]:
        """Lengths of the nested lists, from the first image."""
        with self.decoding():
            image = pa.array([])
            for batch in self._file.iter_batches(1, columns=[self.key], use_threads=False):
                image = batch.column(0)
                break
        if not len(image):
            raise damaged(self.path, EOFError("no image is in it"))
        sizes, count = [], 1
        for _ in range(depth):
            image = image.flatten()
            sizes.append(len(image) // max(count, 1))
            count = len(image)
        return tuple(sizes)

    def _dense(self, column: pa.Array) -> NDArray[Any]:
        """Nested lists to one array; every list must have its full length."""
        n = len(column)
        lists = column
        for size in self._sizes:
            lengths = lists.value_lengths()
            if lists.null_count or not np.all(lengths.to_numpy(zero_copy_only=False) == size):
                raise InputError(
                    f"{self.path}: {self.key} has images of different shapes",
                    f"all must be {self._sizes}",
                )
            lists = lists.flatten()
        if lists.null_count:
            raise InputError(f"{self.path}: {self.key} has missing values", "fill or drop them")
        values: NDArray[Any] = lists.to_numpy(zero_copy_only=False)
        return values.reshape(n, *self.shape[1:])


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _inner(kind: pa.DataType) -> pa.DataType:
    """Type of the numbers in a column of numbers or of lists of them."""
    return kind.value_type if _is_list(kind) else kind


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
