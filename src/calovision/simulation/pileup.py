"""Minimum-bias collisions for pile-up: made once, kept in the user's cache."""

from __future__ import annotations

import functools
import importlib.metadata

import numpy as np

from calovision import cache, compiled
from calovision.simulation.generator import Particles, Record, offsets_of
from calovision.simulation.pythia import MINIMUM_BIAS, quiet, start_pythia

COLLISIONS = 3000  #: how many are kept
_SEED = 20120704
_BATCH = 500


@functools.cache
def collisions() -> Particles:
    """The collisions that pile-up is drawn from, the same in every process."""
    stored = cache.arrays(f"minimum-bias-{key()}", lambda: generate(COLLISIONS, _SEED)._asdict())
    return Particles(**stored)


def key() -> str:
    """Changes with anything that changes the collisions."""
    version = importlib.metadata.version("pythia8mc")
    return cache.digest(version, compiled.key(generate), MINIMUM_BIAS, COLLISIONS, _SEED)


def generate(number: int, seed: int) -> Particles:
    """Inelastic pp collisions without any selection."""
    with quiet():
        pythia = start_pythia(MINIMUM_BIAS, seed)
    parts = []
    for start in range(0, number, _BATCH):
        batch = pythia.nextBatch(min(_BATCH, number - start))
        parts.append(Record.read(batch).particles())
    offsets = offsets_of(np.concatenate([np.diff(p.offsets) for p in parts]))
    joined = {f: np.concatenate([getattr(p, f) for p in parts]) for f in Particles._fields[1:]}
    return Particles(offsets, **joined)
