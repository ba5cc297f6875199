"""Simulated sets in chunks: simulated by this process or others, written, and resumed."""

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

TIME_LIMIT_S = 900.0  #: that a chunk may take; a usual one takes some ten
#: called with the events of finished chunks, and whether an earlier run had simulated them
Progress = Callable[[int, bool], object]


@dataclass(frozen=True)
class Chunk:
    """Consecutive events of a set; the same chunk gives the same bytes.

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

    def too_slow(self, time_limit: float) -> InputError:
        """The error for a simulation that takes longer than ``time_limit`` seconds."""
        return InputError(
            f"chunk {self.index} is not done after its {time_limit:g} s",
            "raise the time limit; finished chunks are kept",
        )


class RunOptions(TypedDict, total=False):
    """Where and how a set is simulated; none of it changes the bytes.

    Attributes:
        workers: processes on this machine; 1, the default, works in this process.
        scheduler: address of a running Dask scheduler to use instead (``tcp://HOST:PORT``).
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk may take, by default :data:`TIME_LIMIT_S`.
        progress: called with the number of events of every finished chunk and whether an earlier
            run had simulated them.
    """

    workers: int
    scheduler: str | None
    overwrite: bool
    time_limit: float
    progress: Progress


def chunks_of(events: int, seed: int, size: int) -> list[Chunk]:
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


def simulate_chunks(
    path: str | Path,
    geometry: Geometry,
    chunks: Sequence[Chunk],
    simulate: Callable[[Chunk, float], bytes],
    *,
    provenance: dict[str, Any],
    prepare: Callable[[], object],
    **options: Unpack[RunOptions],
) -> EventStore:
    """Simulate all chunks that are missing in a set, and finish it.

    Args:
        path: folder of the set.
        geometry: of its images.
        chunks: all of the set, numbered from 0.
        simulate: a chunk and the time limit (s) to the bytes of a shard, here or in a worker.
        provenance: everything that the bytes of the set depend on.
        prepare: see :func:`~calovision.parallel.cluster.run`.
        **options: see :class:`RunOptions`.

    Raises:
        InputError: a folder that cannot be written or is taken, no worker, no scheduler at the
            address, or a chunk that takes too long.
    """
    workers = options.get("workers", 1)
    progress: Progress = options.get("progress") or (lambda events, found: None)
    check_workers(workers)
    writer = StoreWriter(
        path, geometry, provenance=provenance, overwrite=options.get("overwrite", False)
    )
    done = writer.done()
    missing = [c for c in chunks if c.index not in done]
    progress(sum(c.events for c in chunks if c.index in done), True)
    if missing:
        results = run(
            missing,
            simulate,
            prepare=prepare,
            workers=workers,
            scheduler=options.get("scheduler"),
            time_limit=options.get("time_limit", TIME_LIMIT_S),
        )
        for chunk, shard in results:
            writer.write_bytes(chunk.index, shard)
            progress(chunk.events, False)
    return writer.finish()
