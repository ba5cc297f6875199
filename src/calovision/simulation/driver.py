"""Simulated quark/gluon jets: cut into chunks, run, and written to an event store."""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path
from typing import Any

from calovision.events.store import EventStore, shard_bytes
from calovision.simulation.chunks import Product, Progress, Run, cut, produce
from calovision.simulation.conditions import NOMINAL, Conditions
from calovision.simulation.jets import Task, simulate_chunk, warm_up
from calovision.simulation.pythia import MINIMUM_BIAS

CHUNK = 1000  #: jets in one chunk; part of what a seed means, so the same for any workers
TIME_LIMIT = 900.0  #: seconds that a chunk may take; a usual one takes some ten
PARTICLES = "particles"  #: folder of the constituents inside a set


def plan(events: int, seed: int, conditions: Conditions = NOMINAL) -> list[Task]:
    """The chunks of a set: classes in equal number, one more gluon if ``events`` is odd.

    Raises:
        InputError: ``events`` is not positive, ``seed`` is negative, or the conditions make no
            sense.
    """
    chunks = cut(events, seed, CHUNK)
    conditions.checked()
    return [
        Task(c.index, c.seed, c.events - c.events // 2, c.events // 2, c.first, conditions)
        for c in chunks
    ]


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
    return produce(
        path,
        conditions.geometry,
        plan(events, seed, conditions),
        _chunk_with_constituents if particles else _chunk_bytes,
        Run(workers, scheduler, overwrite, time_limit, progress),
        provenance=_provenance(events, seed, particles, conditions),
        prepare=functools.partial(warm_up, conditions),
        beside=_constituents_file if particles else None,
    )


def _constituents_file(index: int) -> str:
    return f"{PARTICLES}/{PARTICLES}-{index:05d}.parquet"


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


def _chunk_bytes(task: Task, time_limit: float) -> Product:
    return Product(shard_bytes(simulate_chunk(task, time_limit)[0]))


def _chunk_with_constituents(task: Task, time_limit: float) -> Product:
    events, truth = simulate_chunk(task, time_limit)
    return Product(shard_bytes(events), truth.parquet())
