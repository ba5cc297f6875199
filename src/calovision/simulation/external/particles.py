"""Particles in jagged rows, and what Pythia's particle data says of their species."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import offsets_of
from calovision.simulation import generator
from calovision.simulation.generator import Particles
from calovision.simulation.pythia import default_pythia, quiet

Rows = Literal["jets", "events"]
Floats = NDArray[np.float64]

_PT_MIN_GEV, _ETA_MAX = 0.05, 3.0  #: of the particles that the detector sees
_MIN_RANGE_MM = 1.0  #: mm, c times the mean life of what may reach a detector
_FIRST_HYPOTHETICAL = (
    1_000_000  #: hypothetical particles, whose mean lives are the user's own, start here
)
_NUCLEI = 1_000_000_000


@dataclass(frozen=True)
class Table:
    """Stable particles of some rows: of collisions, or of jets that are given.

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every row.
        momentum: ``(4, particles)`` px, py, pz, energy, GeV.
        pdg: ``(particles,)`` int32 PDG identity.
        columns: ``(n,)`` per-row numbers that are kept: ``label`` (int8), ``weight`` (float64).
        first: number of the first row in its file.
        max_energy: largest energy that a particle or a jet can have, GeV.
    """

    offsets: NDArray[np.int64]
    momentum: Floats
    pdg: NDArray[np.int32]
    columns: dict[str, NDArray[Any]]
    first: int = 0
    max_energy: float = np.inf

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def seen(self) -> NDArray[np.bool_]:
        """``(particles,)`` those that a detector sees: visible ones, within its coverage."""
        px, py, pz, energy = self.momentum
        pt = np.hypot(px, py)
        near = np.abs(np.arcsinh(pz / np.maximum(pt, 1e-9))) < _ETA_MAX
        seen: NDArray[np.bool_] = (pt > _PT_MIN_GEV) & near & ~invisible(self.pdg) & (energy > 0)
        return seen

    def kept(self, keep: NDArray[np.bool_]) -> Table:
        """The same rows with some of their particles."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        counts = np.bincount(owner[keep], minlength=len(self))
        return replace(
            self, offsets=offsets_of(counts), momentum=self.momentum[:, keep], pdg=self.pdg[keep]
        )

    def particles(self) -> Particles:
        """In detector coordinates; hypothetical charged particles are detected like muons.

        Raises:
            InputError: an identity that nobody knows.
        """
        strange = unknown(self.pdg)
        if len(strange):
            raise InputError(
                f"no particle has the PDG identity {strange[0]}",
                "give stable particles of the Particle Data Group's numbering, or leave it out by "
                f"--invisible {strange[0]}",
            )
        found = generator.particles_of(self.offsets, self.pdg, self.momentum)
        found.kind[penetrating(self.pdg, found.charge)] = generator.MUON
        return found


class _Species(NamedTuple):
    known: NDArray[np.int32]  # sorted
    seen: NDArray[np.bool_]
    fleeting: NDArray[np.bool_]


@functools.cache
def _species() -> _Species:
    known, _, _ = generator._identities()
    with quiet():
        table = default_pythia().particleData
        seen = [table.isVisible(int(i)) for i in known]
        fleeting = [
            table.isParton(int(i))
            or (
                i < _FIRST_HYPOTHETICAL
                and table.canDecay(int(i))
                and table.tau0(int(i)) < _MIN_RANGE_MM
            )
            for i in known
        ]
    return _Species(known, np.array(seen, np.bool_), np.array(fleeting, np.bool_))


def _flag(pdg: NDArray[np.int32], flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The flag of every identity, false for those that Pythia does not know."""
    known = _species().known
    place = np.minimum(np.searchsorted(known, np.abs(pdg)), len(known) - 1)
    flag: NDArray[np.bool_] = flags[place] & (known[place] == np.abs(pdg))
    return flag


def invisible(pdg: NDArray[np.int32], more: tuple[int, ...] = ()) -> NDArray[np.bool_]:
    """``(particles,)`` those that leave no signal: Pythia's invisible ones, and ``more``.

    Identities that Pythia does not know are not among them.
    """
    unseen: NDArray[np.bool_] = _flag(pdg, ~_species().seen) | np.isin(np.abs(pdg), np.abs(more))
    return unseen


def unknown(pdg: NDArray[np.int32]) -> NDArray[np.int32]:
    """Identities, without sign and repetition, that Pythia does not know."""
    return np.setdiff1d(np.abs(pdg), _species().known)


def fleeting(pdg: NDArray[np.int32]) -> NDArray[np.bool_]:
    """``(particles,)`` partons, and what decays before it reaches a detector (pi0, tau, B...)."""
    return _flag(pdg, _species().fleeting)


def penetrating(pdg: NDArray[np.int32], charge: NDArray[np.int8]) -> NDArray[np.bool_]:
    """``(particles,)`` hypothetical heavy charged particles, which are detected like muons."""
    identity = np.abs(pdg)
    heavy: NDArray[np.bool_] = (
        (identity > _FIRST_HYPOTHETICAL) & (identity < _NUCLEI) & (charge != 0)
    )
    return heavy


def mass_of(pdg: NDArray[np.int32]) -> NDArray[np.float64]:
    """Masses by Pythia's table, GeV; 0 of what it does not know."""
    known, place = np.unique(np.abs(pdg), return_inverse=True)
    with quiet():
        table = default_pythia().particleData
        masses = [table.m0(int(i)) for i in known]
    return np.array(masses, np.float64)[place]


def spelled(identities: Iterable[int]) -> str:
    """Identities with their names, for messages: ``12 (nu_e), 1000022 (~chi_10)``."""
    with quiet():
        table = default_pythia().particleData
        names = {int(i): str(table.name(int(i))).strip() for i in identities}
    return ", ".join(f"{i} ({n})" if n else f"{i}" for i, n in names.items())
