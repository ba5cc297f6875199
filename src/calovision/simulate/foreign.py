"""Particles that others have made: jagged rows of them, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.simulate import generator
from calovision.simulate.generator import Particles, offsets_of
from calovision.simulate.pythia import fresh, quiet

Rows = Literal["jets", "events"]
Floats = NDArray[np.float64]

#: identities that stand for a particle of which only charge and kind are known
PHOTON, ELECTRON, MUON, CHARGED, NEUTRAL = 22, 11, 13, 211, 130
_ELECTRON_MASS, _MUON_MASS = 0.05, 0.12  #: GeV; lighter charged particles are electrons, muons
_INVISIBLE = (12, 14, 16)
_SOFTEST, _FORWARD = 0.05, 3.0  #: GeV and abs(eta) within which the detector sees particles
_LARGEST = 1e6  #: GeV; a number above it is not in GeV


@dataclass(frozen=True)
class Table:
    """Stable particles of some rows: of collisions, or of jets that somebody has found.

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every row.
        momentum: ``(4, particles)`` px, py, pz, energy, GeV.
        pdg: ``(particles,)`` int32 PDG identity.
        columns: ``(n,)`` per-row numbers that are kept, such as ``label``.
    """

    offsets: NDArray[np.int64]
    momentum: Floats
    pdg: NDArray[np.int32]
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def seen(self) -> NDArray[np.bool_]:
        """``(particles,)`` those that a detector can see: no neutrinos, within its coverage."""
        px, py, pz, energy = self.momentum
        pt = np.hypot(px, py)
        near = np.abs(np.arcsinh(pz / np.maximum(pt, 1e-9))) < _FORWARD
        visible = ~np.isin(np.abs(self.pdg), _INVISIBLE)
        seen: NDArray[np.bool_] = (pt > _SOFTEST) & near & visible & (energy > 0)
        return seen

    def kept(self, keep: NDArray[np.bool_]) -> Table:
        """The same rows with some of their particles."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        counts = np.bincount(owner[keep], minlength=len(self))
        return Table(offsets_of(counts), self.momentum[:, keep], self.pdg[keep], self.columns)

    def particles(self) -> Particles:
        """In detector coordinates.

        Raises:
            InputError: an identity that nobody knows.
        """
        px, py, pz, energy = self.momentum
        known, _ = generator._identities()
        foreign = np.setdiff1d(np.abs(self.pdg), known)
        if len(foreign):
            raise InputError(
                f"no particle has the PDG identity {foreign[0]}",
                "give stable particles of the Particle Data Group's numbering, without nuclei",
            )
        charges, pt = generator.charge(self.pdg), np.hypot(px, py)
        return Particles(
            self.offsets,
            self.pdg,
            pt.astype(np.float32),
            np.arcsinh(pz / np.maximum(pt, 1e-9)).astype(np.float32),
            np.arctan2(py, px).astype(np.float32),
            energy.astype(np.float32),
            charges,
            generator._kind(self.pdg, charges),
        )


def identities(
    charge: NDArray[Any], mass: Floats | None = None, flags: dict[int, NDArray[Any]] | None = None
) -> NDArray[np.int32]:
    """PDG identities from charges (units of e) and masses (GeV), or from flags by identity.

    Charged particles become electrons, muons or pions, others photons or long-lived kaons, which
    stand for every neutral hadron.
    """
    charged = np.round(np.asarray(charge, np.float64)).astype(np.int32)
    pdg = np.where(charged != 0, CHARGED, NEUTRAL)
    if flags is not None:
        for identity, on in flags.items():
            pdg[np.asarray(on).astype(bool)] = identity
    elif mass is not None:
        light = mass < _ELECTRON_MASS
        pdg[light] = np.where(charged[light] != 0, ELECTRON, PHOTON)
        pdg[(charged != 0) & ~light & (mass < _MUON_MASS)] = MUON
    # A lepton of positive charge has a negative number, a hadron a positive one.
    sign = np.where(np.isin(pdg, (ELECTRON, MUON)), -charged, charged)
    signed: NDArray[np.int32] = (pdg * np.where(sign < 0, -1, 1)).astype(np.int32)
    return signed


def four_momenta(known: dict[str, Floats], pdg: NDArray[np.int32]) -> Floats:
    """``(4, particles)`` from ``px, py, pz`` or ``pt, eta`` (or ``rapidity``), ``phi``; GeV.

    The energy is as given, else from ``mass``, else from the identity's mass.

    Raises:
        InputError: numbers are missing, not finite, or not in GeV.
    """
    named: dict[str, Floats] = {k: np.asarray(v, np.float64) for k, v in known.items()}
    if {"px", "py", "pz"} <= named.keys():
        px, py, pz = named["px"], named["py"], named["pz"]
    elif {"pt", "phi"} <= named.keys() and {"eta", "rapidity"} & named.keys():
        pt, phi = named["pt"], named["phi"]
        px, py = pt * np.cos(phi), pt * np.sin(phi)
        if "eta" in named:
            pz = pt * np.sinh(named["eta"])
        else:
            transverse = np.sqrt(pt**2 + _mass(named, pdg) ** 2)
            pz = transverse * np.sinh(named["rapidity"])
    else:
        raise InputError(
            f"the particles have {', '.join(named) or 'no numbers'}",
            "give px, py, pz or pt, eta, phi",
        )
    energy = named.get("energy")
    if energy is None:
        energy = np.sqrt(px**2 + py**2 + pz**2 + _mass(named, pdg) ** 2)
    momentum = np.stack([px, py, pz, energy])
    if not np.isfinite(momentum).all():
        raise InputError("a particle's momentum is not a number", "remove it from the file")
    if np.abs(momentum).max(initial=0) > _LARGEST:
        raise InputError("a particle has more than 1,000 TeV", "give momenta in GeV")
    return momentum


def _mass(named: dict[str, Floats], pdg: NDArray[np.int32]) -> Floats:
    if "mass" in named:
        return named["mass"]
    known, place = np.unique(np.abs(pdg), return_inverse=True)
    with quiet():
        table = fresh().particleData
    return np.array([table.m0(int(i)) for i in known], np.float64)[place]
