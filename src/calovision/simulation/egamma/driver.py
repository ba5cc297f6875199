"""Simulated electrons and photons: cut into chunks, run, and written to an event store."""

from __future__ import annotations

import importlib.metadata
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS
from calovision.events.store import EventStore, shard_bytes
from calovision.simulation.chunks import Product, Progress, Run, cut, produce
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.geant4 import Geant4
from calovision.simulation.egamma.measure import ELECTRONICS, TIME_UNIT, measured
from calovision.simulation.egamma.particles import MAX_ETA, PT, Engine, draw

ENGINES: dict[str, Engine] = {"fast": Fast(), "geant4": Geant4()}
#: Events in one chunk; part of what a seed means. A Geant4 chunk takes about a minute.
CHUNK = {"fast": 1000, "geant4": 200}
TIME_LIMIT = 900.0  #: seconds that a chunk may take


@dataclass(frozen=True)
class Task:
    """What makes one chunk; the same task gives the same bytes.

    Attributes:
        index: number of the chunk within the set.
        seed: of everything random.
        photons: number of photons.
        electrons: number of electrons and positrons.
        first_id: ``event_id`` of the first event.
        engine: a key of :data:`ENGINES`.
    """

    index: int
    seed: int
    photons: int
    electrons: int
    first_id: int
    engine: str

    @property
    def events(self) -> int:
        """Number of events of both classes."""
        return self.photons + self.electrons


def plan(events: int, seed: int, engine: str = "fast") -> list[Task]:
    """The chunks of a set: classes in equal number, one more photon if ``events`` is odd.

    Raises:
        InputError: ``events`` is not positive, ``seed`` is negative, or there is no such engine.
    """
    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r}", f"choose one of {', '.join(ENGINES)}")
    return [
        Task(c.index, c.seed, c.events - c.events // 2, c.events // 2, c.first, engine)
        for c in cut(events, seed, CHUNK[engine])
    ]


def simulate_chunk(task: Task, time_limit: float = math.inf) -> Events:
    """Simulate one chunk.

    Returns:
        The events in random order of the classes; see
        :func:`~calovision.simulation.egamma.measure.measured`.

    Raises:
        InputError: the engine cannot run here or takes longer than the time limit (seconds).
    """
    streams = np.random.SeedSequence(task.seed).generate_state(3, np.uint32)
    particles = draw(task.photons, task.electrons, np.random.default_rng(int(streams[0])))
    try:
        showers = ENGINES[task.engine].showers(particles, int(streams[1]), time_limit)
    except TimeoutError as error:
        raise InputError(
            f"chunk {task.index} is not done after its {time_limit:g} s",
            "raise the time limit; finished chunks are kept",
        ) from error
    return measured(particles, showers, int(streams[2]), task.first_id)


def simulate_egamma(
    path: str | Path,
    events: int,
    seed: int,
    *,
    engine: str = "fast",
    workers: int = 1,
    scheduler: str | None = None,
    overwrite: bool = False,
    time_limit: float = TIME_LIMIT,
    progress: Progress = lambda events, found: None,
) -> EventStore:
    """Simulate electrons and photons into an event store; an interrupted run goes on.

    Args:
        path: folder of the set.
        events: number of events; photons and electrons in equal number.
        seed: of everything random; the same bytes for any workers.
        engine: ``fast`` or ``geant4``.
        workers: processes on this machine; 1 simulates in this process.
        scheduler: address of a running Dask scheduler to use instead (``tcp://HOST:PORT``).
        overwrite: replace a set that is there.
        time_limit: seconds that one chunk may take.
        progress: called with the number of events of every finished chunk and whether an
            earlier run made them.

    Raises:
        InputError: bad arguments, the engine cannot run here, a folder that cannot be written
            or is taken, no scheduler at the address, or a chunk that takes too long.
    """
    tasks = plan(events, seed, engine)
    if scheduler is None:
        ENGINES[engine].check()
    return produce(
        path,
        EGAMMA_CROPS,
        tasks,
        _chunk_bytes,
        Run(workers, scheduler, overwrite, time_limit, progress),
        provenance=_provenance(events, seed, engine),
        prepare=ENGINES[engine].prepare,
    )


def without_deposit(store: EventSet) -> int:
    """Number of events that left less in the crystals than one crystal's threshold."""
    return int((store.column("deposit") < CMS_BARREL.ecal_threshold).sum())


def _chunk_bytes(task: Task, time_limit: float) -> Product:
    return Product(shard_bytes(simulate_chunk(task, time_limit)))


def _provenance(events: int, seed: int, engine: str) -> dict[str, Any]:
    """Everything that the bytes of a set depend on."""
    versions = ("calovision", "numba", "numpy")
    return {
        "source": "calovision simulate egamma",
        "engine": engine,
        "events": events,
        "seed": seed,
        "chunk": CHUNK[engine],
        "pt_gev": PT,
        "max_eta": MAX_ETA,
        "noise_gev": CMS_BARREL.ecal_noise,
        "electronics": ELECTRONICS._asdict(),
        "time_unit_ns": TIME_UNIT,
        **ENGINES[engine].provenance(),
        "versions": {name: importlib.metadata.version(name) for name in versions},
    }
