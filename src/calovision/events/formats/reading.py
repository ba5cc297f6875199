"""Reading events into memory, from an event set or from a public file."""

from __future__ import annotations

import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

from calovision.events.events import Events, concatenate
from calovision.events.formats.chunks import sparse_blocks
from calovision.events.formats.readers import open_images
from calovision.events.formats.schema import fingerprint
from calovision.events.reader import EventStore


def read_events(
    path: str | Path, limit: int | None = None, *, skip_corrupt: bool = False
) -> tuple[Events, dict[str, Any]]:
    """The first events of an event set, or of a public file of images.

    Args:
        path: folder of an event set, or a file.
        limit: at most so many events; by default all.
        skip_corrupt: leave out damaged shards of an event set, with a warning.

    Returns:
        The events, and where they come from: ``path``, ``hash`` (of a whole set; of sampled
        pieces of a file) and the number of ``events`` taken.

    Raises:
        InputError: nothing there, damaged, or of another schema.

    Warns:
        UserWarning: how a file is read, where that is not plain.
    """
    place = Path(path)
    if place.is_dir() or not place.exists():
        store = EventStore.open(place, skip_corrupt=skip_corrupt)
        whole = limit is None or limit >= len(store)
        events, digest = store.load() if whole else store[:limit], store.hash
    else:
        with closing(open_images(place)) as file:
            for remark in file.remarks:
                warnings.warn(f"{place}: {remark}", stacklevel=3)
            stop = len(file) if limit is None else min(limit, len(file))
            events = concatenate(sparse_blocks(file, 0, stop))
            events.columns = {k: v[:stop] for k, v in file.columns.items()} | events.columns
        digest = fingerprint(place)["sampled_sha256"]
    return events, {"path": str(path), "hash": digest, "events": len(events)}
