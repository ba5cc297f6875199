"""Writing an event store as jagged hits: Parquet for Awkward Array, ROOT for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.reader import EventStore
from calovision.events.shard_writing import column_array
from calovision.utils.files import atomic, check_new_file

CHUNK_EVENTS = 2000  #: events written at a time
TREE = "events"  #: name of the tree in ROOT files
#: unit of every quantity of a hit
HIT_UNITS = {
    "channel": "number of the channel",
    "cell": "row * columns + column of the middle pixel",
    "eta": "pseudorapidity from the window's centre",
    "phi": "rad from the window's centre",
    "energy": "GeV of the readout cell (of tracks the transverse momentum; a time in its own unit)",
}


def export_jagged(
    store: EventStore, out: str | Path, *, overwrite: bool = False, progress: bool = False
) -> Path:
    """Write one row an event to Parquet or ROOT: its hits as lists, and its columns.

    The lists are ``hit_channel``, ``hit_cell``, ``hit_eta``, ``hit_phi`` and ``hit_energy``; the
    tree of a ROOT file is called ``events``. The file is complete or absent. Arguments as of
    :func:`calovision.export`.

    Raises:
        InputError: the file exists or is of another kind, a column has the name of a list, a
            package is missing, or the disk is full.
    """
    path = Path(out)
    check_new_file(path, overwrite)
    clash = sorted(set(store.columns) & {f"hit_{name}" for name in HIT_UNITS})
    if clash:
        raise InputError(f"the column {clash[0]} has the name of a list of hits", "rename it")
    write = {".parquet": _parquet, ".root": _root}.get(path.suffix.lower())
    if write is None:
        raise InputError(f"cannot write {path.name}", "end it with .parquet or .root")
    with (
        atomic(path) as part,
        tqdm(total=len(store), unit="event", desc="export", disable=not progress) as bar,
    ):
        write(part, store, bar)
    return path


def _chunks(store: EventStore, bar: Any) -> Iterator[Events]:
    for start in range(0, len(store), CHUNK_EVENTS):
        events = store[start : start + CHUNK_EVENTS]
        yield events
        bar.update(len(events))


def _hits(events: Events) -> dict[str, Any]:
    """Flat quantities of all hits, named as in :data:`HIT_UNITS`."""
    return {
        "channel": events.channel,
        "cell": events.cell,
        "eta": events.geometry.eta(events.cell, events.channel),
        "phi": events.geometry.phi(events.cell, events.channel),
        "energy": events.energy,
    }


def _parquet(part: Path, store: EventStore, bar: Any) -> None:
    writer = None
    try:
        for events in _chunks(store, bar):
            offsets = pa.array(events.offsets)
            lists = {
                f"hit_{k}": pa.LargeListArray.from_arrays(offsets, pa.array(v))
                for k, v in _hits(events).items()
            }
            columns = {k: column_array(v) for k, v in events.columns.items()}
            table = pa.table(lists | columns)
            if writer is None:
                about = {"geometry": events.geometry.name, "units": str(HIT_UNITS)}
                writer = pq.ParquetWriter(part, table.schema, compression="zstd")
                writer.add_key_value_metadata(about)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _root(part: Path, store: EventStore, bar: Any) -> None:
    try:
        import uproot
    except ImportError:
        raise InputError(
            "writing ROOT files needs uproot", "pip install 'calovision[interchange]'"
        ) from None
    with uproot.recreate(part) as file:
        tree = None
        for events in _chunks(store, bar):
            hits = {k: ak.unflatten(v, events.n_hits) for k, v in _hits(events).items()}
            branches = {"hit": ak.zip(hits)} | events.columns
            if tree is None:
                kinds = {
                    k: v.dtype if v.ndim == 1 else (v.dtype, v.shape[1:])
                    for k, v in events.columns.items()
                }
                tree = file.mktree(TREE, {"hit": branches["hit"].type.content} | kinds)
            tree.extend(branches)
