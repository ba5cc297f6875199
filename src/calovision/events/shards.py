"""One shard of an event store: a deterministic Parquet file of jagged hits."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calovision.errors import ContentError, DamagedError, InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.utils.unreadable import reading

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"  #: in the folder of a set only when the set is complete
UNFINISHED = "unfinished.json"  #: in the folder only while it is not
GROUP_EVENTS = 512  #: events in one row group, the least that is read at a time
#: what to do about a damaged shard
AGAIN = "make or download the event set again, or leave out what is damaged with --skip-corrupt"
HIT_COLUMNS = ("cell", "code", "value")
#: what pyarrow raises at a file that is not what it says, and our own checks
_DAMAGE = (ContentError, UnicodeDecodeError, pa.ArrowException, OSError)
_META = b"calovision"
# Measured on CMS-like jets, bytes a hit: cell 1.4 (plain 2.2, delta 1.5), code 0.03,
# value 3.3 (plain 3.6); higher zstd levels gain 2 % and cost twice the time.
_ENCODING = {"cell": "BYTE_STREAM_SPLIT", "value": "BYTE_STREAM_SPLIT"}
_COMPRESSION_LEVEL = 1
_HITS = {"cell": "uint16", "code": "uint8"}


def shard_name(index: int) -> str:
    """File name of shard ``index`` inside a store."""
    return f"shard-{index:05d}.parquet"


def shard_bytes(events: Events) -> bytes:
    """Serialise one shard; the same events give the same bytes.

    Raises:
        InputError: as :func:`check_event_columns`.
    """
    check_event_columns(events)
    offsets = _arrow((events.offsets - events.offsets[0]).astype(np.int32))
    hits = slice(int(events.offsets[0]), int(events.offsets[-1]))
    flat: dict[str, NDArray[Any]] = {
        "cell": np.ascontiguousarray(events.cell[hits], np.uint16),
        "code": np.ascontiguousarray(events.code[hits], np.uint8),
        "value": np.ascontiguousarray(events.value[hits]),
    }
    arrays = {k: pa.ListArray.from_arrays(offsets, _arrow(v)) for k, v in flat.items()}
    shapes: dict[str, list[int]] = {}
    for name, column in events.columns.items():
        arrays[name] = column_array(column)
        shapes[name] = list(column.shape[1:])
    meta = {
        "events": len(events),
        "hits": len(flat["cell"]),
        "geometry": events.geometry.to_dict(),
        "shapes": shapes,
    }
    table = pa.Table.from_arrays(
        list(arrays.values()),
        names=list(arrays),
        metadata={_META: json.dumps(meta, sort_keys=True)},
    )
    paths = {f"{k}.list.element": v for k, v in _ENCODING.items()}
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=GROUP_EVENTS,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=["code.list.element"],
        column_encoding=paths,
        write_statistics=False,
        write_page_checksum=True,
    )
    return sink.getvalue()


def check_event_columns(events: Events) -> None:
    """Refuse per-event columns that cannot be stored.

    Raises:
        InputError: one has not a row for every event, the name of a column of the hits, or holds
            something else than numbers.
    """
    for name, column in events.columns.items():
        if name in HIT_COLUMNS:
            raise InputError(f"a column is called {name!r}, as something of the hits", "rename it")
        found = np.shape(column)
        if not isinstance(column, np.ndarray) or column.dtype.kind not in "biuf":
            kind = getattr(column, "dtype", type(column).__name__)
            raise InputError(f"column {name!r} is of type {kind}", "give a NumPy array of numbers")
        if found[:1] != (len(events),):
            raise InputError(
                f"column {name!r} has shape {found} for {len(events)} events",
                "give one row for every event",
            )
        if name in ("label", "weight") and len(found) != 1:
            raise InputError(f"column {name!r} has shape {found}", "give one number an event")


def column_array(column: NDArray[Any]) -> pa.Array:
    """A per-event column ``(n, ...)``; one of several numbers an event as lists of fixed length."""
    if column.ndim == 1:
        return _arrow(column)
    width = int(np.prod(column.shape[1:]))
    return pa.FixedSizeListArray.from_arrays(_arrow(column.reshape(-1)), width)


def _arrow(numbers: NDArray[Any]) -> pa.Array:
    """A flat array without a copy; ``pa.array`` would load pandas, which takes half a second."""
    if numbers.dtype.kind == "b":
        bits = pa.py_buffer(np.packbits(numbers, bitorder="little"))
        return pa.BooleanArray.from_buffers(pa.bool_(), len(numbers), [None, bits])
    native = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("="))
    kind = pa.from_numpy_dtype(native.dtype)
    return pa.Array.from_buffers(kind, len(native), [None, pa.py_buffer(native)])


@dataclass(frozen=True)
class ShardInfo:
    """What the footer of a shard says.

    Attributes:
        events: number of events.
        hits: number of hits.
        geometry: the image grid.
        columns: names and types of the per-event columns.
        value: type of the hit values.
    """

    events: int
    hits: int
    geometry: Geometry
    columns: dict[str, str]
    value: str


def damaged_shard(name: str) -> DamagedError:
    """The error for a shard whose content is not what was written."""
    return DamagedError(f"shard {name} is damaged or truncated", AGAIN)


class Shard:
    """A shard file opened for reading: the footer is read once, row groups on demand.

    Args:
        source: path of the file, or its content.
        name: what to call it in error messages.

    Raises:
        InputError: not a complete shard.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        self.name = name
        self._place = name if isinstance(source, bytes) else source
        handle = pa.BufferReader(source) if isinstance(source, bytes) else source
        with self._content():
            self._file = pq.ParquetFile(handle, page_checksum_verification=True)
            self._meta = self._read_meta()
            self.info = self._read_info()
            if self._file.metadata.num_rows != self.info.events:
                raise ContentError("another number of events than promised")

    @contextmanager
    def _content(self) -> Iterator[None]:
        """What the content is to blame for is damage, what the system says is not."""
        try:
            with reading(self._place):
                yield
        except _DAMAGE as error:
            raise damaged_shard(self.name) from error

    def _read_meta(self) -> dict[str, Any]:
        """Our description of the file; every column is a known one of its own name."""
        schema = self._file.schema_arrow
        try:
            meta = json.loads((schema.metadata or {}).get(_META, b""))
        except (ValueError, RecursionError) as error:
            raise ContentError("no description") from error
        shapes = meta.get("shapes") if isinstance(meta, dict) else None
        if not isinstance(shapes, dict) or len(set(schema.names)) < len(schema.names):
            raise ContentError("no description")
        if type(meta.get("events")) is not int or type(meta.get("hits")) is not int:
            raise ContentError("no numbers of events and hits")
        if {*shapes, *HIT_COLUMNS} != set(schema.names):
            raise ContentError("other columns than described")
        for shape in shapes.values():
            if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
                raise ContentError("no shape")
        return dict(meta)

    def _read_info(self) -> ShardInfo:
        schema = self._file.schema_arrow
        columns = {k: self._type(schema.field(k).type) for k in schema.names}
        hits = {k: columns.pop(k) for k in HIT_COLUMNS}
        listed = all(pa.types.is_list(schema.field(k).type) for k in HIT_COLUMNS)
        if not listed or hits not in ({**_HITS, "value": v} for v in ("float32", "float64")):
            raise ContentError("hits of another type")
        geometry = Geometry.from_dict(self._meta.get("geometry"))
        return ShardInfo(self._meta["events"], self._meta["hits"], geometry, columns, hits["value"])

    @staticmethod
    def _type(kind: pa.DataType) -> str:
        types = pa.types
        inner = kind.value_type if types.is_list(kind) or types.is_fixed_size_list(kind) else kind
        if not (types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)):
            raise ContentError(f"a column of {kind}")
        return str(np.dtype(inner.to_pandas_dtype()))

    @property
    def group_sizes(self) -> list[int]:
        """Events in each row group."""
        meta = self._file.metadata
        return [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]

    def read(
        self, groups: list[int] | None = None, columns: Collection[str] | None = None
    ) -> Events:
        """Events of some row groups (all by default), in their order, with some of the columns."""
        with self._content():
            wanted = range(self._file.num_row_groups) if groups is None else groups
            names = [k for k in self.info.columns if columns is None or k in columns]
            names = [*HIT_COLUMNS, *names]
            table = self._file.read_row_groups(list(wanted), columns=names, use_threads=False)
            events = self._events(table)
            promised = (self.info.events, self.info.hits)
            if groups is None and (len(events), len(events.value)) != promised:
                raise ContentError("other numbers than promised")
            return events

    def column(self, name: str) -> NDArray[Any]:
        """One per-event column of the whole shard."""
        with self._content():
            return self._numbers(name, self._file.read(columns=[name], use_threads=False))

    def _events(self, table: pa.Table) -> Events:
        offsets: NDArray[np.int64] | None = None
        hits: dict[str, NDArray[Any]] = {}
        for name in HIT_COLUMNS:
            lists = _whole(table.column(name))
            found = lists.offsets.to_numpy().astype(np.int64)
            values = lists.values
            if lists.null_count or values.null_count or len(lists) != table.num_rows:
                raise ContentError("hits are missing")
            hits[name] = values.to_numpy(zero_copy_only=False)[found[0] : found[-1]]
            offsets = found - found[0] if offsets is None else offsets
            if not np.array_equal(offsets, found - found[0]):
                raise ContentError("hits without a partner")
        assert offsets is not None
        columns = {k: self._numbers(k, table) for k in self.info.columns if k in table.column_names}
        geometry = self.info.geometry
        _check_places(geometry, hits["cell"], hits["code"])
        return Events(geometry, offsets, hits["cell"], hits["code"], hits["value"], columns)

    def _numbers(self, name: str, table: pa.Table) -> NDArray[Any]:
        array = _whole(table.column(name))
        shape = (table.num_rows, *self._meta["shapes"][name])
        if array.null_count:
            raise ContentError(f"{name} has missing values")
        if pa.types.is_nested(array.type):
            array = array.flatten()
        numbers: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        if numbers.size != math.prod(shape):
            raise ContentError(f"{name} has another shape")
        return numbers.reshape(shape).copy()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _check_places(geometry: Geometry, cell: NDArray[np.uint16], code: NDArray[np.uint8]) -> None:
    """Refuse hits outside the grid: others index arrays with them."""
    kinds = len(geometry.channels)
    if code.max(initial=0) >= 2 * kinds or cell.max(initial=0) >= geometry.cells:
        raise ContentError("a hit outside the grid")
    for channel, layer in enumerate(geometry.channels):
        if layer.block > 1:
            row, col = np.divmod(cell[code == channel], np.uint16(geometry.cols))
            middle = layer.block // 2
            if (row % layer.block != middle).any() or (col % layer.block != middle).any():
                raise ContentError("a hit that is not the middle of its cell")
