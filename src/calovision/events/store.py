"""Writing event stores: folders of Parquet shards, which a manifest makes complete."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any

from calovision.errors import DamagedError, InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.geometry import COLUMN_UNITS, Geometry
from calovision.events.reader import EventStore
from calovision.events.shard_writing import check_event_columns, shard_bytes
from calovision.events.shards import (
    MANIFEST,
    SCHEMA_VERSION,
    UNFINISHED,
    Shard,
    ShardInfo,
    shard_name,
)
from calovision.events.training_fingerprints import PACKED, TRAINING, copy_index
from calovision.utils.files import PART, atomic, occupied, same_place, write_json, writing
from calovision.utils.unreadable import read_json, reading

__all__ = ["EventStore", "StoreWriter", "save", "shard_bytes", "write_set"]

SHARD_EVENTS = 8192  #: events in one shard written by :func:`save`
_SHARD = re.compile(r"shard-(\d{5,})\.parquet")
UNITS = {
    "value": "image units per pixel; times gev_per_unit times block^2 is the energy in GeV",
    "cell": "row * cols + col of the (central) pixel; rows along eta, columns along phi",
    **COLUMN_UNITS,
}


class StoreWriter:
    """Writes a store: shards in any order, then the manifest.

    Args:
        path: the folder, created if needed.
        geometry: the image grid of all events.
        provenance: where the events come from (JSON-ready); an unfinished set with the same
            provenance is continued.
        overwrite: replace whatever set is in the folder.

    Raises:
        InputError: the folder holds a finished set, an unfinished one of another provenance,
            or something else; or the disk is full.
    """

    def __init__(
        self,
        path: str | Path,
        geometry: Geometry,
        *,
        provenance: dict[str, Any],
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.geometry = geometry
        self.provenance: dict[str, Any] = json.loads(json.dumps(provenance))
        self._entries: dict[int, tuple[ShardInfo, dict[str, Any]]] = {}
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        self._claim(overwrite)
        for index in self._on_disk():
            self._adopt(index)

    def done(self) -> set[int]:
        """Numbers of the shards that are complete on disk."""
        return set(self._entries)

    def events_in(self, index: int) -> int:
        """Number of events in a shard that is complete on disk."""
        return self._entries[index][0].events

    def write(self, index: int, events: Events) -> None:
        """Write one shard, complete or not at all.

        Raises:
            InputError: the disk is full.
        """
        self.write_bytes(index, shard_bytes(events))

    def write_bytes(self, index: int, payload: bytes) -> None:
        """Write a shard already serialised by :func:`shard_bytes`, complete or not at all.

        Raises:
            InputError: the disk is full, or ``payload`` is not a shard of this set's geometry.
        """
        name = shard_name(index)
        info = Shard(payload, name).info
        if info.geometry != self.geometry:
            raise InputError(f"{name} has another geometry than {self.path}")
        with atomic(self.path / name) as part:
            part.write_bytes(payload)
            with part.open("rb") as file:
                os.fsync(file.fileno())  # so that the shard would survive a power cut
        self._entries[index] = (info, self._entry(index, info, payload))

    def finish(self) -> EventStore:
        """Write the manifest, which makes the set complete, and open it.

        Raises:
            InputError: no shard, or shards that do not fit together.
        """
        if not self._entries:
            raise InputError(f"no events were written to {self.path}", "check the input")
        infos = [info for info, _ in self._entries.values()]
        if any((i.columns, i.value) != (infos[0].columns, infos[0].value) for i in infos):
            raise InputError(
                f"the shards in {self.path} have different columns", "make the set again"
            )
        shards = [self._entries[i][1] for i in sorted(self._entries)]
        known = ("value", "cell", *infos[0].columns)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "geometry": self.geometry.to_dict(),
            "units": {k: UNITS[k] for k in known if k in UNITS},
            "columns": infos[0].columns,
            "value": infos[0].value,
            "events": sum(s["events"] for s in shards),
            "hits": sum(s["hits"] for s in shards),
            "shards": shards,
            "provenance": self.provenance,
        }
        write_json(self.path / MANIFEST, manifest)
        (self.path / UNFINISHED).unlink(missing_ok=True)
        return EventStore.open(self.path)

    def discard(self) -> None:
        """Remove what was written, and the folder if nothing else is in it."""
        self._clear()
        self._entries.clear()
        with suppress(OSError):
            self.path.rmdir()

    def _claim(self, overwrite: bool) -> None:
        """Make sure that the folder is ours to write to, and mark it unfinished."""
        marker = self.path / UNFINISHED
        claim = {"provenance": self.provenance, "geometry": self.geometry.to_dict()}
        if overwrite:
            self._clear()
        elif (self.path / MANIFEST).exists():
            # A process killed after its last step but one leaves the marker behind.
            marker.unlink(missing_ok=True)
            raise InputError(
                f"{self.path} already holds a finished event set",
                "choose another --out or pass --overwrite",
            )
        if marker.exists():
            try:
                found = read_json(marker)
            except ValueError:
                found = {}
            if found != json.loads(json.dumps(claim)):
                raise InputError(
                    f"{self.path} holds an unfinished event set of another origin",
                    "choose another --out or pass --overwrite",
                )
            return
        if occupied(self.path):
            raise InputError(
                f"{self.path} is not empty and not an event set", "choose another --out"
            )
        write_json(marker, claim)

    def _clear(self) -> None:
        """Remove the files of an earlier set, the manifest first, and no others."""
        ours = [MANIFEST, UNFINISHED, TRAINING, PACKED, *(shard_name(i) for i in self._on_disk())]
        for name in ours:
            (self.path / name).unlink(missing_ok=True)
            (self.path / (name + PART)).unlink(missing_ok=True)
        for part in self.path.glob(f"shard-*.parquet{PART}"):
            part.unlink()

    def _on_disk(self) -> list[int]:
        names = (_SHARD.fullmatch(p.name) for p in self.path.iterdir())
        return sorted(int(m.group(1)) for m in names if m)

    def _adopt(self, index: int) -> None:
        """Count a shard left by an interrupted run as done, if it is whole."""
        name = shard_name(index)
        with reading(self.path / name):
            payload = (self.path / name).read_bytes()
        try:
            shard = Shard(payload, name)
            shard.read()
        except DamagedError:
            (self.path / name).unlink()
            return
        self._entries[index] = (shard.info, self._entry(index, shard.info, payload))

    @staticmethod
    def _entry(index: int, info: ShardInfo, payload: bytes) -> dict[str, Any]:
        return {
            "index": index,
            "file": shard_name(index),
            "events": info.events,
            "hits": info.hits,
            "bytes": len(payload),
            "sha256": hashlib.sha256(payload).hexdigest(),
        }


def save(
    events: EventSet, path: str | Path, *, provenance: dict[str, Any], overwrite: bool = False
) -> EventStore:
    """Write one set to an empty or new folder and open it; see :func:`write_set`."""
    return write_set([events], path, provenance=provenance, overwrite=overwrite)


def write_set(
    sets: Sequence[EventSet],
    path: str | Path,
    *,
    provenance: dict[str, Any],
    overwrite: bool = False,
) -> EventStore:
    """Write sets, one after the other, to an empty or new folder and open it.

    Sets on disk are read shard by shard; an interrupted call goes on where it stopped.

    Args:
        sets: of one geometry and the same columns.
        path: the folder.
        provenance: where the events come from, JSON-ready.
        overwrite: replace a set that is there.

    Raises:
        InputError: no set, sets that differ, the folder is taken, is one of the sets, the disk is
            full, or a column has not one number, or array of numbers, for every event.
    """
    if not isinstance(path, str | PathLike) or not str(path):
        raise InputError(f"the folder to write is {path!r}", "give its name")
    if not sets:
        raise InputError("no event sets to write", "give at least one")
    for one in sets:
        if one.geometry != sets[0].geometry or set(one.columns) != set(sets[0].columns):
            raise InputError(
                f"{one.where} and {sets[0].where} differ in geometry or columns",
                "write sets of one kind into one",
            )
        if isinstance(one, Events):
            check_event_columns(one)
    check_apart(sets, [path])
    writer = StoreWriter(path, sets[0].geometry, provenance=provenance, overwrite=overwrite)
    starts = [(one, start) for one in sets for start in range(0, max(len(one), 1), SHARD_EVENTS)]
    for index, (one, start) in enumerate(starts):
        if index not in writer.done():
            writer.write(index, one[start : start + SHARD_EVENTS])
    store = writer.finish()
    # What was generated stays known as such: compare leaves the generator's training events out.
    copy_index([one.origin for one in sets], store.path)
    return store


def check_apart(sets: Iterable[EventSet], folders: Iterable[str | Path]) -> None:
    """Refuse to write sets over those on disk that they are read from.

    Raises:
        InputError: one of the folders is one of the sets, or the one that its events lie in.
    """
    origins = [one.origin for one in sets if one.origin is not None]
    for folder in map(Path, folders):
        if any(same_place(folder, origin) for origin in origins):
            raise InputError(
                f"{folder} holds the events that are to be read: writing there would destroy them",
                "choose another --out",
            )
