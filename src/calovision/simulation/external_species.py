"""What Pythia's particle data says of identities: which are known, seen, and too short-lived."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.simulation import generator
from calovision.simulation.pythia import fresh, quiet

_REACHES = 1.0  #: mm, c times the mean life of what may reach a detector
_BEYOND = 1_000_000  #: hypothetical particles, whose mean lives are the user's own, start here
_NUCLEI = 1_000_000_000


class _Species(NamedTuple):
    known: NDArray[np.int32]  # sorted
    seen: NDArray[np.bool_]
    fleeting: NDArray[np.bool_]


@functools.cache
def _species() -> _Species:
    known, _ = generator._identities()
    with quiet():
        table = fresh().particleData
        seen = [table.isVisible(int(i)) for i in known]
        fleeting = [
            table.isParton(int(i))
            or (i < _BEYOND and table.canDecay(int(i)) and table.tau0(int(i)) < _REACHES)
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
    """``(particles,)`` hypothetical heavy charged ones, which leave what a muon leaves."""
    identity = np.abs(pdg)
    heavy: NDArray[np.bool_] = (identity > _BEYOND) & (identity < _NUCLEI) & (charge != 0)
    return heavy


def mass_of(pdg: NDArray[np.int32]) -> NDArray[np.float64]:
    """Masses by Pythia's table, GeV; 0 of what it does not know."""
    known, place = np.unique(np.abs(pdg), return_inverse=True)
    with quiet():
        table = fresh().particleData
        masses = [table.m0(int(i)) for i in known]
    return np.array(masses, np.float64)[place]


def spelled(identities: Iterable[int]) -> str:
    """Identities with their names, for messages: ``12 (nu_e), 1000022 (~chi_10)``."""
    with quiet():
        table = fresh().particleData
        names = {int(i): str(table.name(int(i))).strip() for i in identities}
    return ", ".join(f"{i} ({n})" if n else f"{i}" for i, n in names.items())
