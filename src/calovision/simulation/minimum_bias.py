"""The library of minimum-bias collisions for pile-up, which comes with the package.

``python -m calovision.simulation.minimum_bias`` generates them anew, after a change of Pythia or of
the cuts.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.simulation.generator import Particles, Record
from calovision.simulation.pythia import MINIMUM_BIAS, quiet, start_pythia

COLLISIONS = 3000  #: how many are kept
FILE = Path(__file__).with_name("minimum_bias.npz")
_SEED = 20120704
_BATCH = 500
_REAL = ("pt", "eta", "phi", "energy")  #: kept byte by byte, which compresses better
_OF_SPECIES = ("pdg", "charge", "kind")


@functools.cache
def collisions() -> Particles:
    """The collisions that pile-up is drawn from, the same in every process."""
    return read(FILE)


def read(file: Path) -> Particles:
    """Collisions from a file of :func:`write`."""
    with np.load(file) as kept:
        species = kept["species"]
        columns: dict[str, NDArray[Any]] = {n: kept[n][species] for n in _OF_SPECIES}
        columns |= {name: _joined(kept[name]) for name in _REAL}
        return Particles(offsets_of(kept["counts"]), **columns)


def key() -> str:
    """A digest of the collisions."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


def generate(number: int) -> Particles:
    """Inelastic pp collisions without any selection, the first of those that are kept."""
    with quiet():
        pythia = start_pythia(MINIMUM_BIAS, _SEED)
    parts = []
    for start in range(0, number, _BATCH):
        batch = pythia.nextBatch(min(_BATCH, number - start))
        parts.append(Record.read(batch).particles())
    offsets = offsets_of(np.concatenate([np.diff(p.offsets) for p in parts]))
    joined = {f: np.concatenate([getattr(p, f) for p in parts]) for f in Particles._fields[1:]}
    return Particles(offsets, **joined)


def write(file: Path, particles: Particles) -> None:
    """Write collisions to a file, without loss."""
    _, first, species = np.unique(particles.pdg, return_index=True, return_inverse=True)
    columns = {name: getattr(particles, name)[first] for name in _OF_SPECIES}
    columns |= {name: _split(getattr(particles, name)) for name in _REAL}
    counts = np.diff(particles.offsets).astype(np.int16)
    np.savez_compressed(
        file, allow_pickle=False, counts=counts, species=species.astype(np.uint8), **columns
    )


def _split(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values.astype("<f4").view(np.uint8).reshape(-1, 4).T)


def _joined(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values.T).view("<f4").ravel().astype(np.float32)


if __name__ == "__main__":
    write(FILE, generate(COLLISIONS))
