"""The event store: a folder of Parquet shards and a manifest that makes it complete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.reader import EventStore
from calovision.events.shards import check_event_columns, shard_bytes
from calovision.events.training_fingerprints import copy_index
from calovision.events.writer import StoreWriter
from calovision.utils.files import same_place

__all__ = ["EventStore", "StoreWriter", "save", "shard_bytes", "write_set"]

SHARD_EVENTS = 8192  #: events in one shard written by :func:`save`


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
