"""Making a set: cut into chunks, made somewhere, written to an event store, taken up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from calovision.errors import InputError
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore, StoreWriter
from calovision.parallel.cluster import check_workers, run
from calovision.utils import streams
from calovision.utils.files import write_bytes

TIME_LIMIT_S = 900.0  #: that a chunk may take; a usual one takes some ten
Progress = Callable[[int, bool], object]  #: told a number of events, and if they were there before


@dataclass(frozen=True)
class Chunk:
    """A part of a set; the same chunk gives the same bytes.

    Attributes:
        index: its number.
        seed: of everything random in it.
        first: number of events in the chunks before it, and its first ``event_id``; at most one
            for every event is used.
        events: number of events in it.
    """

    index: int
    seed: int
    first: int
    events: int

    @property
    def of_classes(self) -> tuple[int, int]:
        """Numbers of events of class 0 and 1: equal, or one more of class 0."""
        return self.events - self.events // 2, self.events // 2


@dataclass(frozen=True)
class Product:
    """What is made of a chunk.

    Attributes:
        shard: bytes of the shard.
        beside: bytes of a file beside it, if the set has such files.
    """

    shard: bytes
    beside: bytes = b""


class Where(TypedDict, total=False):
    """Where and how a set is made; none of it changes the bytes.

    Attributes:
        workers: processes on this machine; 1, the default, works in this process.
        scheduler: address of a running Dask scheduler to use instead (``tcp://HOST:PORT``).
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk may take, by default :data:`TIME_LIMIT_S`.
        progress: called with the number of events of every finished chunk and whether an earlier
            run made them.
    """

    workers: int
    scheduler: str | None
    overwrite: bool
    time_limit: float
    progress: Progress


def cut(events: int, seed: int, size: int) -> list[Chunk]:
    """The chunks of a set, of ``size`` events but for the last; every one has its own seed.

    Raises:
        InputError: ``events`` is not positive or ``seed`` is negative.
    """
    if events <= 0:
        raise InputError(f"{events} events asked for", "ask for at least 1")
    if seed < 0:
        raise InputError(f"the seed {seed} is negative", "give 0 or more")
    chunks = []
    for index, first in enumerate(range(0, events, size)):
        state = streams.numbers(streams.Stream.SIMULATION, seed, index).generate_state(1, np.uint64)
        chunks.append(Chunk(index, int(state[0]), first, min(size, events - first)))
    return chunks


def produce(
    path: str | Path,
    geometry: Geometry,
    chunks: Sequence[Chunk],
    make: Callable[[Chunk, float], Product],
    *,
    provenance: dict[str, Any],
    prepare: Callable[[], object],
    beside: Callable[[int], str] | None = None,
    **where: Unpack[Where],
) -> EventStore:
    """Make all chunks that are missing in a set, and finish it.

    Args:
        path: folder of the set.
        geometry: of its images.
        chunks: all of the set, numbered from 0.
        make: called with a chunk and the time limit (s), here or in a worker.
        provenance: everything that the bytes of the set depend on.
        prepare: see :func:`~calovision.parallel.cluster.run`.
        beside: name, within the set's folder, of the file beside shard ``index``.
        **where: see :class:`Where`.

    Raises:
        InputError: a folder that cannot be written or is taken, no worker, no scheduler at the
            address, or a chunk that takes too long.
    """
    workers = where.get("workers", 1)
    progress: Progress = where.get("progress") or (lambda events, found: None)
    check_workers(workers)
    writer = StoreWriter(
        path, geometry, provenance=provenance, overwrite=where.get("overwrite", False)
    )
    files = {c.index: Path(path) / beside(c.index) for c in chunks} if beside else {}
    for folder in {file.parent for file in files.values()}:
        folder.mkdir(exist_ok=True)
    done = {i for i in writer.done() if i not in files or files[i].exists()}
    missing = [c for c in chunks if c.index not in done]
    progress(sum(c.events for c in chunks if c.index in done), True)
    if missing:
        results = run(
            missing,
            make,
            prepare=prepare,
            workers=workers,
            scheduler=where.get("scheduler"),
            time_limit=where.get("time_limit", TIME_LIMIT_S),
        )
        for chunk, product in results:
            if chunk.index in files:
                write_bytes(files[chunk.index], product.beside)
            writer.write_bytes(chunk.index, product.shard)
            progress(chunk.events, False)
    return writer.finish()
