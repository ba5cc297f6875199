"""Reading one shard of an event store, a Parquet file of jagged hits."""

from __future__ import annotations

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

from calovision.errors import ContentError, DamagedError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.particle_lists import TYPES, ParticleLists
from calovision.utils.unreadable import reading

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"  #: in the folder of a set only when the set is complete
UNFINISHED = "unfinished.json"  #: in the folder only while it is not
GROUP_EVENTS = 512  #: events in one row group, the least that is read at a time
#: what to do about a damaged shard
AGAIN = "make or download the event set again, or leave out what is damaged with --skip-corrupt"
HIT_COLUMNS = ("cell", "code", "value")
#: columns of the generator-level particles, where a set keeps them, and their types
PARTICLE_COLUMNS = {f"particle_{name}": kind for name, kind in TYPES.items()}
#: what pyarrow raises at a file that is not what it says, and our own checks
_DAMAGE = (ContentError, UnicodeDecodeError, pa.ArrowException, OSError)
META = b"calovision"  #: key of our description in a file
_HITS = {"cell": "uint16", "code": "uint8"}


def shard_name(index: int) -> str:
    """File name of shard ``index`` inside a store."""
    return f"shard-{index:05d}.parquet"


@dataclass(frozen=True)
class ShardInfo:
    """What the footer of a shard says.

    Attributes:
        events: number of events.
        hits: number of hits.
        geometry: the image grid.
        columns: names and types of the per-event columns.
        value: type of the hit values.
        particles: whether the events have lists of particles.
    """

    events: int
    hits: int
    geometry: Geometry
    columns: dict[str, str]
    value: str
    particles: bool


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
            meta = json.loads((schema.metadata or {}).get(META, b""))
        except (ValueError, RecursionError) as error:
            raise ContentError("no description") from error
        shapes = meta.get("shapes") if isinstance(meta, dict) else None
        if not isinstance(shapes, dict) or len(set(schema.names)) < len(schema.names):
            raise ContentError("no description")
        if type(meta.get("events")) is not int or type(meta.get("hits")) is not int:
            raise ContentError("no numbers of events and hits")
        lists = PARTICLE_COLUMNS if meta.setdefault("particles", False) is True else {}
        if {*shapes, *HIT_COLUMNS, *lists} != set(schema.names):
            raise ContentError("other columns than described")
        for shape in shapes.values():
            if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
                raise ContentError("no shape")
        return dict(meta)

    def _read_info(self) -> ShardInfo:
        schema = self._file.schema_arrow
        columns = {k: self._type(schema.field(k).type) for k in schema.names}
        hits = {k: columns.pop(k) for k in HIT_COLUMNS}
        lists = {k: columns.pop(k) for k in PARTICLE_COLUMNS if k in columns}
        listed = all(pa.types.is_list(schema.field(k).type) for k in (*hits, *lists))
        if lists and lists != PARTICLE_COLUMNS:
            raise ContentError("particles of another type")
        if not listed or hits not in ({**_HITS, "value": v} for v in ("float32", "float64")):
            raise ContentError("hits of another type")
        geometry = Geometry.from_dict(self._meta.get("geometry"))
        numbers = self._meta["events"], self._meta["hits"]
        return ShardInfo(*numbers, geometry, columns, hits["value"], bool(lists))

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
        """Events of some row groups (all by default), in their order, with some of the columns.

        The particles come along with all columns, or where ``"particles"`` is one of them.
        """
        with self._content():
            wanted = range(self._file.num_row_groups) if groups is None else groups
            names = [k for k in self.info.columns if columns is None or k in columns]
            names = [*HIT_COLUMNS, *names]
            if self.info.particles and (columns is None or "particles" in columns):
                names += PARTICLE_COLUMNS
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
        offsets, hits = _jagged(table, HIT_COLUMNS)
        columns = {k: self._numbers(k, table) for k in self.info.columns if k in table.column_names}
        geometry = self.info.geometry
        _check_places(geometry, *hits[:2])
        particles = None
        if PARTICLE_COLUMNS.keys() <= set(table.column_names):
            firsts, lists = _jagged(table, PARTICLE_COLUMNS)
            particles = ParticleLists(firsts, *lists)
        cell, code, value = hits
        return Events(geometry, offsets, cell, code, value, columns, particles)

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


def _jagged(
    table: pa.Table, names: Collection[str]
) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
    """Offsets and flat numbers of columns of lists, which go together."""
    offsets: NDArray[np.int64] | None = None
    columns: list[NDArray[Any]] = []
    for name in names:
        lists = _whole(table.column(name))
        found = lists.offsets.to_numpy().astype(np.int64)
        values = lists.values
        if lists.null_count or values.null_count or len(lists) != table.num_rows:
            raise ContentError("entries are missing")
        columns.append(values.to_numpy(zero_copy_only=False)[found[0] : found[-1]])
        offsets = found - found[0] if offsets is None else offsets
        if not np.array_equal(offsets, found - found[0]):
            raise ContentError("entries without a partner")
    assert offsets is not None
    return offsets, columns


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
