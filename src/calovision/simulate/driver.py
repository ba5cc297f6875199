"""Simulated sets: cut into chunks, run, and written to an event store."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events, concatenate
from calovision.events.files import write_bytes
from calovision.events.geometry import JET_IMAGES
from calovision.events.store import EventStore, StoreWriter, shard_bytes
from calovision.simulate.chunk import Task, simulate_chunk
from calovision.simulate.cluster import check_workers, run
from calovision.simulate.conditions import NOMINAL, Conditions
from calovision.simulate.pythia import MINIMUM_BIAS

CHUNK = 1000  #: jets in one chunk; part of what a seed means, so the same for any workers
TIME_LIMIT = 900.0  #: seconds that a chunk may take; a usual one takes some ten
PARTICLES = "particles"  #: folder of the constituents inside a set

Progress = Callable[[int, bool], object]  #: told a number of jets, and if they were there before


def plan(events: int, seed: int, conditions: Conditions = NOMINAL) -> list[Task]:
    """The chunks of a set: classes in equal number, one more gluon if ``events`` is odd.

    Raises:
        InputError: ``events`` is not positive, ``seed`` is negative, or the conditions make no
            sense.
    """
    if events <= 0:
        raise InputError(f"{events} events asked for", "ask for at least 1")
    if seed < 0:
        raise InputError(f"the seed {seed} is negative", "give 0 or more")
    conditions.checked()
    tasks = []
    for index, first in enumerate(range(0, events, CHUNK)):
        n = min(CHUNK, events - first)
        state = np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)
        tasks.append(Task(index, int(state[0]), n - n // 2, n // 2, first, conditions))
    return tasks


def jets(events: int, seed: int, workers: int = 1) -> Events:
    """Simulated quark/gluon jets, in memory.

    A script that asks for more than one worker must start below ``if __name__ == "__main__":``,
    because workers are new Python processes that import it.

    Args:
        events: number of jets; both classes in equal number (an odd one is a gluon).
        seed: of everything random; the same seed gives the same jets for any ``workers``.
        workers: processes to use.

    Returns:
        Jets with the columns of :func:`~calovision.simulate.chunk.simulate_chunk`.

    Raises:
        InputError: ``events`` or ``workers`` is not positive, or ``seed`` is negative.
    """
    tasks = plan(events, seed)
    parts = dict(run(tasks, _chunk_events, workers=workers, time_limit=TIME_LIMIT))
    return concatenate([parts[t.index] for t in tasks])


def simulate_jets(
    path: str | Path,
    events: int,
    seed: int,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    particles: bool = False,
    overwrite: bool = False,
    time_limit: float = TIME_LIMIT,
    conditions: Conditions = NOMINAL,
    progress: Progress = lambda jets, found: None,
) -> EventStore:
    """Simulate jets into an event store; an interrupted run goes on where it stopped.

    Args:
        path: folder of the set.
        events: number of jets.
        seed: of everything random; the same bytes for any workers.
        workers: processes on this machine; 1 simulates in this process.
        scheduler: address of a running Dask scheduler to use instead (``tcp://HOST:PORT``).
        particles: also write the generator-level constituents, one Parquet file per shard with
            one row per jet, into the folder ``particles``.
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk may take.
        conditions: of the collisions and the detector.
        progress: called with the number of jets of every finished chunk and whether an
            earlier run made them.

    Raises:
        InputError: bad arguments, a folder that cannot be written or is taken, no scheduler at
            the address, or a chunk that takes too long.
    """
    tasks = plan(events, seed, conditions)
    check_workers(workers)
    provenance = _provenance(events, seed, particles, conditions)
    writer = StoreWriter(path, JET_IMAGES, provenance=provenance, overwrite=overwrite)
    done = writer.done()
    extra = Path(path) / PARTICLES
    if particles:
        extra.mkdir(exist_ok=True)
        done = {i for i in done if _constituents_file(extra, i).exists()}
    missing = [t for t in tasks if t.index not in done]
    progress(sum(t.jets for t in tasks if t.index in done), True)
    if missing:
        make = _chunk_with_constituents if particles else _chunk_bytes
        results = run(missing, make, workers=workers, scheduler=scheduler, time_limit=time_limit)
        for index, (shard, truth) in results:
            if truth:
                write_bytes(_constituents_file(extra, index), truth)
            writer.write_bytes(index, shard)
            progress(tasks[index].jets, False)
    return writer.finish()


def _constituents_file(folder: Path, index: int) -> Path:
    return folder / f"{PARTICLES}-{index:05d}.parquet"


def _provenance(events: int, seed: int, particles: bool, conditions: Conditions) -> dict[str, Any]:
    """Everything that the bytes of a set depend on."""
    versions = ("calovision", "pythia8mc", "fastjet", "numba", "numpy")
    return {
        "source": "calovision simulate jets",
        "events": events,
        "seed": seed,
        "chunk": CHUNK,
        "particles": particles,
        "pythia": list(conditions.settings()),
        "pythia_pileup": list(MINIMUM_BIAS),
        "detector": conditions.detector()._asdict(),
        "versions": {name: importlib.metadata.version(name) for name in versions},
    }


def _chunk_events(task: Task, time_limit: float) -> Events:
    return simulate_chunk(task, time_limit)[0]


def _chunk_bytes(task: Task, time_limit: float) -> tuple[bytes, bytes]:
    return shard_bytes(simulate_chunk(task, time_limit)[0]), b""


def _chunk_with_constituents(task: Task, time_limit: float) -> tuple[bytes, bytes]:
    events, truth = simulate_chunk(task, time_limit)
    return shard_bytes(events), truth.parquet()
