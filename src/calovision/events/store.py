"""The event store: a folder of Parquet shards and a manifest that makes it complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calovision.events.events import Events
from calovision.events.reader import EventStore
from calovision.events.shards import check_event_columns, shard_bytes
from calovision.events.writer import StoreWriter

__all__ = ["EventStore", "StoreWriter", "save", "shard_bytes"]

SHARD_EVENTS = 8192  #: events in one shard written by :func:`save`


def save(events: Events, path: str | Path, *, provenance: dict[str, Any]) -> EventStore:
    """Write a set to an empty or new folder and open it.

    Raises:
        InputError: the folder is taken, the disk is full, or a column has not one number, or array
            of numbers, for every event.
    """
    check_event_columns(events)
    writer = StoreWriter(path, events.geometry, provenance=provenance)
    for index, start in enumerate(range(0, max(len(events), 1), SHARD_EVENTS)):
        writer.write(index, events[start : start + SHARD_EVENTS])
    return writer.finish()
