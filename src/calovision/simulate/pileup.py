"""Minimum-bias collisions for pile-up: made once, kept in the user's cache."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import tempfile
from pathlib import Path

import numpy as np

from calovision.simulate.compiled import cache_folder
from calovision.simulate.generator import (
    MINIMUM_BIAS,
    Particles,
    Record,
    offsets_of,
    quiet,
    start_pythia,
)

COLLISIONS = 6000  #: size of the library; rotated and mirrored at random when used
_SEED = 20120704
_BATCH = 500
_FIELDS = ("pdg", "pt", "eta", "phi", "energy", "charge", "kind")


@functools.cache
def library(collisions: int = COLLISIONS) -> Particles:
    """The minimum-bias library, the same for every process on every machine.

    It is read from the cache if it is there, otherwise generated and put there; a cache that
    cannot be written only costs the time of making it again.
    """
    path = cache_folder() / f"minimum-bias-{_key(collisions)}.npz"
    if path.exists():
        with np.load(path) as stored:
            return Particles(stored["offsets"], *(stored[f] for f in _FIELDS))
    made = generate(collisions, _SEED)
    with contextlib.suppress(OSError):
        _store(made, path)
    return made


def generate(collisions: int, seed: int) -> Particles:
    """Inelastic pp collisions without any selection."""
    with quiet():
        pythia = start_pythia(MINIMUM_BIAS, seed)
    parts = []
    for start in range(0, collisions, _BATCH):
        batch = pythia.nextBatch(min(_BATCH, collisions - start))
        parts.append(Record.read(batch).particles())
    joined = [np.concatenate([getattr(p, f) for p in parts]) for f in _FIELDS]
    return Particles(offsets_of(np.concatenate([np.diff(p.offsets) for p in parts])), *joined)


def _key(collisions: int) -> str:
    """Changes with anything that changes the library."""
    version = importlib.metadata.version("pythia8mc")
    text = f"{version} {MINIMUM_BIAS} {collisions} {_SEED} {_BATCH} {_FIELDS}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _store(particles: Particles, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, offsets=particles.offsets, **{f: getattr(particles, f) for f in _FIELDS})
    os.replace(file.name, path)
