"""An event set on disk: opening it reads the manifest only."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.events.event_set import Index
from calovision.events.events import Events, concatenate, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.manifest import check_sizes, read_manifest
from calovision.events.on_disk import EventSelection, LazyColumns, OnDisk
from calovision.events.particle_lists import ParticleLists
from calovision.events.particle_lists import joined as joined_lists
from calovision.events.shards import AGAIN, GROUP_EVENTS, Shard, damaged_shard, shard_name
from calovision.utils import streams
from calovision.utils.unreadable import exists, reading

BUFFER_GROUPS = 16  #: row groups mixed at a time by a shuffled stream


class EventStore(OnDisk):
    """A finished event set on disk; opening it reads the manifest only.

    Attributes:
        path: the folder.
        manifest: its description: counts, units, provenance, shards.
        geometry: the image grid.
        whole: the set on disk; this one may leave out damaged shards.

    Example:
        >>> import calovision as cv
        >>> len(cv.simulate.egamma(4, seed=1, out="set", quiet=True).select("label == electron"))
        2
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], whole: EventStore | None = None
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.whole = self if whole is None else whole
        self.geometry = Geometry.from_dict(manifest["geometry"])
        self.columns = LazyColumns(tuple(manifest["columns"]), self._column)
        self._indices = [int(s["index"]) for s in manifest["shards"]]
        counts = [int(s["events"]) for s in manifest["shards"]]
        self._starts = offsets_of(counts)

    @classmethod
    def open(cls, path: str | Path, *, skip_corrupt: bool = False) -> EventStore:
        """Open the finished set in a folder.

        Args:
            path: the folder.
            skip_corrupt: read every shard and leave out those that are missing or damaged, with
                a warning that counts them; the others keep their order.

        Raises:
            InputError: nothing there, an unfinished set, an unreadable manifest, no usable shard,
                or one that the system does not let be read.
        """
        folder = Path(path)
        store = cls(folder, read_manifest(folder))
        if skip_corrupt:
            return store._sound()
        check_sizes(folder, store.manifest)
        return store

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def hash(self) -> str:
        """SHA-256 of the whole set, from the hashes of its shards."""
        joined = "".join(s["sha256"] for s in self.manifest["shards"]).encode()
        return hashlib.sha256(joined).hexdigest()

    @property
    def numbers(self) -> NDArray[np.int64]:
        """``(n,)`` number of every event in the whole set; gaps where shards are left out."""
        there = np.isin(self.whole._indices, self._indices)
        return np.flatnonzero(np.repeat(there, np.diff(self.whole._starts)))

    @property
    def skipped(self) -> list[dict[str, Any]]:
        """Manifest entries of the shards that are left out."""
        mine = set(self._indices)
        return [s for s in self.whole.manifest["shards"] if int(s["index"]) not in mine]

    @property
    def blocks(self) -> NDArray[np.int64]:
        """``(b + 1,)`` first event of each block that is read as one, and the end."""
        counts = zip(self._starts[:-1], self._starts[1:], strict=True)
        firsts = [np.arange(start, stop, GROUP_EVENTS) for start, stop in counts]
        return np.concatenate([*firsts, self._starts[-1:]])

    @property
    def provenance(self) -> dict[str, Any]:
        """Path and hash of the set, and what its manifest says of its origin."""
        said = {"events": len(self), "origin": self.manifest["provenance"]}
        return {"path": str(self.path), "hash": self.hash} | said

    @property
    def origin(self) -> Path:
        """The folder."""
        return self.path

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.path)

    @property
    def _called(self) -> str:
        return f"{self.path} has"

    def _column(self, name: str) -> NDArray[Any]:
        return np.concatenate([self._shard(i).column(name) for i in range(len(self._indices))])

    def _taken(self, chosen: NDArray[np.int64]) -> EventSelection:
        return EventSelection(self, chosen)

    def _details(self) -> list[tuple[str, str]]:
        n, shards = max(len(self), 1), self.manifest["shards"]
        size = sum(int(s["bytes"]) for s in shards) / 1e6
        return [
            ("hits", f"{self.manifest['hits']}; an event has {self.manifest['hits'] / n:.1f}"),
            ("on disk", f"{self.path}, {size:.1f} MB in {len(shards)} shards"),
            ("made by", str(self.manifest["provenance"].get("source", "unknown"))),
        ]

    def _rows(self, index: Index) -> Events:
        """Read events by position, slice, index array or mask, in the order asked for."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        distinct, place = np.unique(chosen, return_inverse=True)
        if not len(distinct):
            return self._read(0, [0])[:0]
        parts = list(self._pick(distinct))
        events = parts[0] if len(parts) == 1 else concatenate(parts)
        return events if np.array_equal(chosen, distinct) else events[place]

    def load(self) -> Events:
        """Read the whole set, into arrays allocated once."""
        hits = sum(int(s["hits"]) for s in self.manifest["shards"])
        offsets = np.zeros(len(self) + 1, np.int64)
        try:
            cell, code = np.empty(hits, np.uint16), np.empty(hits, np.uint8)
            value = np.empty(hits, np.dtype(self.manifest["value"]))
        except MemoryError:
            raise InputError(
                f"{self.path}: {hits} hits do not fit in memory", "use fewer"
            ) from None
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in self.columns}
        lists: list[ParticleLists] = []
        start = first = 0
        for part in (self._shard(i).read() for i in range(len(self._indices))):
            stop = start + len(part.value)
            cell[start:stop], code[start:stop] = part.cell, part.code
            value[start:stop] = part.value
            offsets[first + 1 : first + len(part) + 1] = part.offsets[1:] + start
            for name, column in part.columns.items():
                columns[name].append(column)
            lists += [] if part.particles is None else [part.particles]
            start, first = stop, first + len(part)
        joined = {k: np.concatenate(v) for k, v in columns.items()}
        particles = joined_lists(lists) if lists else None
        return Events(self.geometry, offsets, cell, code, value, joined, particles)

    def shards(self, columns: Collection[str]) -> Iterator[Events]:
        """The events of every shard in turn, with those of the ``columns`` that the set has."""
        for position in range(len(self._indices)):
            yield self._shard(position).read(columns=columns)

    def stream(
        self, batch: int, *, shuffle_seed: int | None = None, shard_of: tuple[int, int] = (0, 1)
    ) -> Iterator[Events]:
        """Go through the set once in batches, in flat memory.

        Args:
            batch: events a batch; the last one may be shorter.
            shuffle_seed: mix the events: row groups in random order, and the events of
                :data:`BUFFER_GROUPS` row groups among each other. ``None`` keeps the order.
            shard_of: ``(k, n)`` gives the k-th of n disjoint parts (one per process).
        """
        rank, parts = shard_of
        groups = self._groups
        rng = None if shuffle_seed is None else streams.rng(streams.Stream.SHUFFLE, shuffle_seed)
        if rng is not None:
            groups = [groups[i] for i in rng.permutation(len(groups))]
        mine = groups[len(groups) * rank // parts : len(groups) * (rank + 1) // parts]
        step = 1 if rng is None else BUFFER_GROUPS
        held: Events | None = None
        for i in range(0, len(mine), step):
            fresh = concatenate(self._read(shard, [g]) for shard, g in mine[i : i + step])
            if rng is not None:
                fresh = fresh[rng.permutation(len(fresh))]
            held = fresh if held is None else concatenate([held, fresh])
            whole = len(held) // batch * batch
            for j in range(0, whole, batch):
                yield held[j : j + batch]
            held = held[whole:]
        if held is not None and len(held):
            yield held

    def verify(self) -> None:
        """Read every shard and compare it with the hash in the manifest.

        Raises:
            InputError: a shard is missing or differs, by name.
        """
        for position in range(len(self._indices)):
            self._verify(position)

    def _verify(self, position: int) -> None:
        path = self._file(position)
        with reading(path), path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        if digest.hexdigest() != self.manifest["shards"][position]["sha256"]:
            raise damaged_shard(path.name)
        self._shard(position)

    def _sound(self) -> EventStore:
        """The same set without damaged shards."""
        kept, lost = [], []
        for position, entry in enumerate(self.manifest["shards"]):
            try:
                self._verify(position)
            except DamagedError:
                lost.append(entry)
            else:
                kept.append(entry)
        if not lost:
            return self
        names = ", ".join(shard_name(int(s["index"])) for s in lost)
        if not kept:
            raise InputError(f"all shards of {self.path} are damaged ({names})", AGAIN)
        gone = sum(int(s["events"]) for s in lost)
        warnings.warn(
            f"{self.path}: {len(lost)} of {len(self._indices)} shards are damaged or missing and"
            f" left out ({names}), {gone} of {len(self)} events",
            stacklevel=3,
        )
        totals = {k: sum(int(s[k]) for s in kept) for k in ("events", "hits")}
        return EventStore(self.path, self.manifest | totals | {"shards": kept}, self)

    @cached_property
    def _groups(self) -> list[tuple[int, int]]:
        """(shard position, row group) of every row group, in order."""
        sizes = [len(self._shard(i).group_sizes) for i in range(len(self._indices))]
        return [(i, g) for i, size in enumerate(sizes) for g in range(size)]

    def _shard(self, position: int) -> Shard:
        """Open one shard and check that it is the one the manifest describes."""
        entry = self.manifest["shards"][position]
        path = self._file(position)
        shard = Shard(path, path.name)
        info, said = shard.info, self.manifest
        with reading(path):
            found = (info.events, info.hits, path.stat().st_size)
        kind = (info.geometry, info.columns, info.value)
        described = (self.geometry, said["columns"], said["value"])
        if found != (entry["events"], entry["hits"], entry["bytes"]) or kind != described:
            raise damaged_shard(path.name)
        return shard

    def _file(self, position: int) -> Path:
        """The file of a shard; its name is built from the number, which cannot lead elsewhere."""
        path = self.path / shard_name(self._indices[position])
        if not exists(path):
            raise DamagedError(f"shard {path.name} of {self.path} is missing", AGAIN)
        return path

    def _read(self, position: int, groups: list[int]) -> Events:
        return self._shard(position).read(groups)

    def _pick(self, chosen: NDArray[np.int64]) -> Iterator[Events]:
        """Sorted, distinct events, one set per row group that holds any of them."""
        home = np.searchsorted(self._starts, chosen, side="right") - 1
        for position in np.unique(home):
            shard = self._shard(int(position))
            local = chosen[home == position] - self._starts[position]
            ends = np.cumsum(shard.group_sizes)
            group_of = np.searchsorted(ends, local, side="right")
            for group in np.unique(group_of):
                first = ends[group] - shard.group_sizes[group]
                yield shard.read([int(group)])[local[group_of == group] - first]
