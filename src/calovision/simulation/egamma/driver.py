"""The simulation of electrons and photons into an event store."""

from __future__ import annotations

import functools
import importlib.metadata
import math
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.geometry import EGAMMA_CROPS, NS_PER_UNIT
from calovision.events.store import EventStore, shard_bytes
from calovision.simulation.chunks import Chunk, RunOptions, chunks_of, simulate_chunks
from calovision.simulation.egamma.clustering import READ_OUT
from calovision.simulation.egamma.fast import Fast
from calovision.simulation.egamma.geant4 import Geant4
from calovision.simulation.egamma.measure import ELECTRONICS, measured
from calovision.simulation.egamma.particles import MAX_ETA, PT, SIZE, Engine, Showers, draw

ENGINES: dict[str, Engine] = {"fast": Fast(), "geant4": Geant4()}
#: Events in one chunk; part of what a seed means. A Geant4 chunk takes about a minute.
CHUNK = {"fast": 1000, "geant4": 200}


def engine_named(name: str) -> Engine:
    """One of :data:`ENGINES`.

    Raises:
        InputError: there is none of this name.
    """
    if name not in ENGINES:
        raise InputError(f"no engine {name!r}", f"choose one of {', '.join(ENGINES)}")
    return ENGINES[name]


def simulate_chunk(chunk: Chunk, time_limit: float = math.inf, engine: str = "fast") -> Events:
    """Simulate one chunk.

    Returns:
        The events in random order of the classes; see
        :func:`~calovision.simulation.egamma.measure.measured`.

    Raises:
        InputError: the engine cannot run here or takes longer than the time limit (seconds).
    """
    streams = np.random.SeedSequence(chunk.seed).generate_state(3, np.uint32)
    particles = draw(*chunk.of_classes, np.random.default_rng(int(streams[0])))
    try:
        showers = ENGINES[engine].showers(particles, int(streams[1]), time_limit)
    except TimeoutError as error:
        raise chunk.too_slow(time_limit) from error
    return measured(particles, showers, int(streams[2]), chunk.first)


def simulate_egamma(
    path: str | Path, events: int, seed: int, *, engine: str = "fast", **options: Unpack[RunOptions]
) -> EventStore:
    """Simulate electrons and photons into an event store; an interrupted run goes on.

    Arguments as of :func:`calovision.simulate.egamma` and
    :class:`~calovision.simulation.chunks.RunOptions`.

    Raises:
        InputError: bad arguments, the engine cannot run here, or as
            :func:`~calovision.simulation.chunks.simulate_chunks`.
    """
    chosen = engine_named(engine)
    chunks = chunks_of(events, seed, CHUNK[engine])
    if options.get("scheduler") is None:
        chosen.check()
    return simulate_chunks(
        path,
        EGAMMA_CROPS,
        chunks,
        functools.partial(_simulate, engine=engine),
        provenance=_provenance(events, seed, engine),
        prepare=functools.partial(_prepare, chosen),
        **options,
    )


def _prepare(engine: Engine) -> None:
    """Do once what all processes profit from: that of the engine, and compile the read-out."""
    engine.prepare()
    real, none = np.zeros(0), np.zeros(0, np.bool_)
    crops = np.zeros((0, SIZE, SIZE), np.float32)
    showers = Showers(crops, np.zeros(0, np.int64), real, none, real)
    measured(draw(0, 0, np.random.default_rng(0)), showers, 0)


def without_deposit(store: EventSet) -> int:
    """Number of events that left less in the crystals than an isolated one's threshold."""
    return int((store.column("deposit") < READ_OUT.isolated).sum())


def _simulate(chunk: Chunk, time_limit: float, engine: str) -> bytes:
    return shard_bytes(simulate_chunk(chunk, time_limit, engine))


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
        "read_out": READ_OUT._asdict(),
        "electronics": ELECTRONICS._asdict(),
        "time_unit_ns": NS_PER_UNIT,
        **ENGINES[engine].provenance(),
        "versions": {name: importlib.metadata.version(name) for name in versions},
    }
