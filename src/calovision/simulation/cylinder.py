"""Showers of Geant4 in a cylinder, as in sets 2 and 3 of the CaloChallenge (arXiv:2410.21611)."""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from calovision.errors import InputError
from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.store import EventStore, shard_bytes
from calovision.simulation.chunks import Chunk, RunOptions, chunks_of, simulate_chunks
from calovision.simulation.geant4 import cylinder_run
from calovision.simulation.geant4.process import GEANT4, VERSION, WHEEL, check_installed, simulated
from calovision.utils import streams

PARTICLES = ("photon", "electron")
CHUNK = 50  #: showers; of 1 to 1,000 GeV they take some three minutes
#: Share of an electron's energy that is left in silicon, a mean over showers of 10 to 1,000 GeV:
#: energies of voxels are divided by it.
SAMPLED = 0.030
LEAST_KEV = 0.5  #: that a voxel of silicon reads out


def check(geometry: Geometry, particle: str, energies: tuple[float, float]) -> None:
    """Check what is asked for.

    Raises:
        InputError: images of no cylinder, another particle, or no range of energies.
    """
    if geometry.schema != "showers":
        raise InputError(f"{geometry.name} is no cylinder", "give one of rings and sectors")
    if particle not in PARTICLES:
        raise InputError(f"no particle {particle!r}", f"choose one of {', '.join(PARTICLES)}")
    low, high = energies
    if not 0.1 <= low <= high <= 10_000:
        raise InputError(
            f"energies are {low:g} to {high:g} GeV", "give two of .1 to 10000 GeV, the lower first"
        )


def simulate_showers(
    path: str | Path,
    events: int,
    seed: int,
    *,
    geometry: Geometry,
    particle: str,
    energies: tuple[float, float],
    **options: Unpack[RunOptions],
) -> EventStore:
    """Simulate showers into an event store; an interrupted run goes on.

    Arguments as of :func:`calovision.simulate.showers` and
    :class:`~calovision.simulation.chunks.RunOptions`.

    Raises:
        InputError: bad arguments, Geant4 cannot run here, or as
            :func:`~calovision.simulation.chunks.simulate_chunks`.
    """
    check(geometry, particle, energies)
    if options.get("scheduler") is None:
        check_installed()
    made = functools.partial(_simulate, geometry=geometry, particle=particle, energies=energies)
    provenance = {
        "source": "calovision simulate showers",
        "events": events,
        "seed": seed,
        "chunk": CHUNK,
        "particle": particle,
        "energies_gev": list(energies),
        "tungsten_mm": cylinder_run.TUNGSTEN,
        "silicon_mm": cylinder_run.SILICON,
        "sampled": SAMPLED,
        "least_kev": LEAST_KEV,
        "precision": cylinder_run.PRECISION._asdict(),
        "geant4": GEANT4,
        WHEEL: VERSION,
        "versions": {name: importlib.metadata.version(name) for name in ("calovision", "numpy")},
    }
    chunks = chunks_of(events, seed, CHUNK)
    return simulate_chunks(
        path, geometry, chunks, made, provenance=provenance, prepare=lambda: None, **options
    )


def _simulate(
    chunk: Chunk,
    time_limit: float,
    geometry: Geometry,
    particle: str,
    energies: tuple[float, float],
) -> bytes:
    random = streams.rng(streams.Stream.SIMULATION, chunk.seed, 0)
    start = streams.numbers(streams.Stream.SIMULATION, chunk.seed, 1).generate_state(1, np.uint32)
    # Even in the logarithm, as in the challenge.
    low, high = np.log(energies)
    energy = np.exp(random.uniform(low, high, chunk.events))
    label = np.full(chunk.events, PARTICLES.index(particle))
    edges = [layer.rings for layer in geometry.channels]
    most = max(map(len, edges))
    asked: dict[str, Any] = {
        "label": label,
        "energy": energy,
        "rings": np.array([[*e, *[e[-1]] * (most - len(e))] for e in edges]),
        "sectors": np.array([layer.sectors for layer in geometry.channels]),
    }
    try:
        module = cylinder_run.__name__
        made = simulated(module, asked, int(start[0]), time_limit)["voxels"]
    except TimeoutError as error:
        raise chunk.too_slow(time_limit) from error
    event, layer, sector, ring = np.nonzero(made >= LEAST_KEV * 1e-3)
    unit = np.array([1e3 * channel.gev_per_unit for channel in geometry.channels])  # MeV
    value = made[event, layer, sector, ring] / SAMPLED / unit[layer]
    columns = {
        "label": label.astype(np.int8),
        "energy": energy,
        "deposit": made.sum((1, 2, 3), np.float64) / 1e3,
        "event_id": chunk.first + np.arange(chunk.events),
    }
    return shard_bytes(
        Events(
            geometry,
            offsets_of(np.bincount(event, minlength=chunk.events)),
            (sector * geometry.cols + ring).astype(np.uint16),
            layer.astype(np.uint8),
            value.astype(np.float32),
            columns,
        )
    )
