"""The simulation of quark and gluon jets into an event store."""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path
from typing import Any, Unpack

from calovision.events.store import EventStore, shard_bytes
from calovision.simulation.chunks import Chunk, RunOptions, chunks_of, simulate_chunks
from calovision.simulation.conditions import NOMINAL, Conditions
from calovision.simulation.jets import simulate_chunk, warm_up
from calovision.simulation.pythia import MINIMUM_BIAS

CHUNK = 1000  #: jets in one chunk; part of what a seed means, so the same for any workers


def simulate_jets(
    path: str | Path,
    events: int,
    seed: int,
    *,
    conditions: Conditions = NOMINAL,
    particles: bool = False,
    **options: Unpack[RunOptions],
) -> EventStore:
    """Simulate jets into an event store; an interrupted run goes on where it stopped.

    Arguments as of :func:`calovision.simulate.jets` and
    :class:`~calovision.simulation.chunks.RunOptions`.

    Raises:
        InputError: bad arguments, or as :func:`~calovision.simulation.chunks.simulate_chunks`.
    """
    chunks = chunks_of(events, seed, CHUNK)
    conditions.checked()
    return simulate_chunks(
        path,
        conditions.geometry,
        chunks,
        functools.partial(_simulate, conditions=conditions, particles=particles),
        provenance=_provenance(events, seed, particles, conditions),
        prepare=functools.partial(warm_up, conditions),
        **options,
    )


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


def _simulate(chunk: Chunk, time_limit: float, conditions: Conditions, particles: bool) -> bytes:
    return shard_bytes(simulate_chunk(chunk, time_limit, conditions, particles))
