"""Making a set: cut into chunks, made somewhere, written to an event store, taken up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from calovision.errors import InputError
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore, StoreWriter
from calovision.parallel.cluster import check_workers, run
from calovision.utils import streams
from calovision.utils.files import write_bytes

Progress = Callable[[int, bool], object]  #: told a number of events, and if they were there before


class Sized(Protocol):
    """What there is to do for one chunk of a set."""

    @property
    def index(self) -> int:
        """Number of the chunk within the set."""

    @property
    def events(self) -> int:
        """Number of events of all classes."""


Task = TypeVar("Task", bound=Sized)


@dataclass(frozen=True)
class Chunk:
    """A part of a set.

    Attributes:
        index: its number.
        seed: of everything random in it.
        first: number of events in the chunks before it.
        events: number of events in it.
    """

    index: int
    seed: int
    first: int
    events: int


@dataclass(frozen=True)
class Product:
    """What a task makes.

    Attributes:
        shard: bytes of the shard.
        beside: bytes of a file beside it, if the set has such files.
    """

    shard: bytes
    beside: bytes = b""


@dataclass(frozen=True)
class Run:
    """Where and how a set is made; none of it changes the bytes.

    Attributes:
        workers: processes on this machine; 1 works in this process.
        scheduler: address of a running Dask scheduler to use instead (``tcp://HOST:PORT``).
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk may take.
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
    tasks: Sequence[Task],
    make: Callable[[Task, float], Product],
    how: Run,
    *,
    provenance: dict[str, Any],
    prepare: Callable[[], object],
    beside: Callable[[int], str] | None = None,
) -> EventStore:
    """Make all chunks that are missing in a set, and finish it.

    Args:
        path: folder of the set.
        geometry: of its images.
        tasks: all of the set, numbered from 0.
        make: called with a task and the time limit, here or in a worker.
        how: where it runs.
        provenance: everything that the bytes of the set depend on.
        prepare: see :func:`~calovision.parallel.cluster.run`.
        beside: name, within the set's folder, of the file beside shard ``index``.

    Raises:
        InputError: a folder that cannot be written or is taken, bad ``how``, no scheduler at the
            address, or a chunk that takes too long.
    """
    check_workers(how.workers)
    writer = StoreWriter(path, geometry, provenance=provenance, overwrite=how.overwrite)
    files = {t.index: Path(path) / beside(t.index) for t in tasks} if beside else {}
    for folder in {file.parent for file in files.values()}:
        folder.mkdir(exist_ok=True)
    done = {i for i in writer.done() if i not in files or files[i].exists()}
    missing = [t for t in tasks if t.index not in done]
    how.progress(sum(t.events for t in tasks if t.index in done), True)
    if missing:
        results = run(
            missing,
            make,
            prepare=prepare,
            workers=how.workers,
            scheduler=how.scheduler,
            time_limit=how.time_limit,
        )
        for task, product in results:
            if task.index in files:
                write_bytes(files[task.index], product.beside)
            writer.write_bytes(task.index, product.shard)
            how.progress(task.events, False)
    return writer.finish()
