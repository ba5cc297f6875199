"""Four-momenta and PDG identities from the quantities of a file, checked for impossible values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.simulation.external.particles import Floats, fleeting, mass_of

Unit = Literal["GeV", "MeV"]
PER_UNIT: dict[Unit, float] = {"GeV": 1.0, "MeV": 1e-3}  #: GeV of a unit
ENERGIES = ("px", "py", "pz", "pt", "energy", "mass")  #: quantities that have it
LHC_BEAM = 7000.0  #: GeV, of the most energetic collider so far
ANY_BEAM = 1e6  #: GeV, beyond every collider that somebody has thought of

#: identities that stand for a particle of which only charge and kind are known
PHOTON, ELECTRON, MUON, CHARGED, NEUTRAL = 22, 11, 13, 211, 130
_ELECTRON_MASS, _MUON_MASS = 0.05, 0.12  #: GeV; lighter charged particles are electrons, muons
_ROUNDING, _LITTLE = 2e-3, 1e-3  #: relative, and in GeV: how exact files are
_TURNS = 4 * np.pi  #: rad; larger azimuths are in degrees
_EXCESS = 1.5  #: an energy so much above what momentum and identity give is in another unit

Place = Callable[[int], str]


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


def four_momenta(
    known: dict[str, Floats], pdg: NDArray[np.int32], place: Place = "particle {}".format
) -> Floats:
    """``(4, particles)`` from ``px, py, pz`` or ``pt, eta`` (or ``rapidity``), ``phi``; GeV, rad.

    The energy is as given, else from ``mass``, else from the identity's mass.

    Args:
        known: the numbers, each ``(particles,)``.
        pdg: PDG identities.
        place: says where the particle of a number is, for messages.

    Raises:
        InputError: numbers are missing, not finite, negative where that cannot be, an angle in
            degrees, or an energy that does not fit its momentum.
    """
    named: dict[str, Floats] = {k: np.asarray(v, np.float64) for k, v in known.items()}
    for name in {"eta", "rapidity"} & named.keys() if "pt" in named else ():
        # What flies along the beam has no finite one, and is not seen.
        named[name] = np.where(named["pt"] == 0, 0.0, named[name])
    for name, values in named.items():
        _refuse(~np.isfinite(values), name, values, place, "correct or remove it")
    if {"px", "py", "pz"} <= named.keys():
        px, py, pz = named["px"], named["py"], named["pz"]
    elif {"pt", "phi"} <= named.keys() and {"eta", "rapidity"} & named.keys():
        pt, phi = named["pt"], named["phi"]
        _refuse(pt < 0, "pt", pt, place, "a transverse momentum is 0 or more: correct it")
        _refuse(np.abs(phi) > _TURNS, "phi", phi, place, "give radians")
        px, py = pt * np.cos(phi), pt * np.sin(phi)
        if "eta" in named:
            pz = _along(pt, named["eta"])
        else:
            pz = _along(np.sqrt(pt**2 + _mass(named, pdg) ** 2), named["rapidity"])
    else:
        raise InputError(
            f"the particles have {', '.join(named) or 'no numbers'}",
            "give px, py, pz or pt, eta, phi",
        )
    p = np.sqrt(px**2 + py**2 + pz**2)
    if "mass" in named:
        mass = named["mass"]
        _refuse(mass < -_LITTLE - 10 * _ROUNDING * p, "mass", mass, place, "correct it")
    energy = named.get("energy")
    if energy is None:
        energy = np.sqrt(p**2 + _mass(named, pdg) ** 2)
    else:
        for least, name in ((p, "momentum"), (named.get("mass"), "mass")):
            if least is not None:
                low = energy < least * (1 - _ROUNDING) - _LITTLE
                _refuse(low, "energy", energy, place, f"it is less than the {name}: correct one")
    return np.stack([px, py, pz, energy])


def check_energies(
    momentum: Floats, pdg: NDArray[np.int32], max_energy: float, place: Place, named: bool = True
) -> None:
    """Refuse energies beyond any collider, and energies in another unit than the momenta.

    Args:
        momentum: ``(4, particles)``, GeV.
        pdg: ``(particles,)`` PDG identities.
        max_energy: energy that no particle can exceed, GeV.
        place: says where the particle of a number is.
        named: the identities come from the file, so that their masses are known.

    Raises:
        InputError: there is such a particle.
    """
    energy = momentum[3]
    _refuse(energy > max_energy, "energy", energy, place, beyond(max_energy))
    if named:
        full = np.sqrt((momentum[:3] ** 2).sum(0) + mass_of(pdg) ** 2)
        strange = (energy > _EXCESS * full + 1) & (np.abs(pdg) < 10_000) & ~fleeting(pdg)
        strange &= np.hypot(momentum[0], momentum[1]) > 0
        remedy = "that does not fit its momentum and identity: give all in one unit"
        _refuse(strange, "energy", energy, place, remedy)


def beyond(max_energy: float) -> str:
    """What to do about an energy above ``max_energy`` GeV."""
    if max_energy == LHC_BEAM:
        return (
            f"a beam of the LHC has {LHC_BEAM:g} GeV: give --unit MeV if the file is in MeV, "
            "--unit GeV if such an energy is meant"
        )
    return f"at most {max_energy:g} GeV are there: give momenta in the right unit"


def _along(transverse: Floats, angle: Floats) -> Floats:
    """Longitudinal momenta; one beyond every beam where it is too large for a number."""
    return transverse * np.sinh(np.clip(angle, -100.0, 100.0))


def _refuse(bad: NDArray[np.bool_], name: str, values: Floats, place: Place, remedy: str) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        unit = " GeV" if name in ENERGIES else ""
        raise InputError(f"{name} is {values[first]:g}{unit} for {place(first)}", remedy)


def _mass(named: dict[str, Floats], pdg: NDArray[np.int32]) -> Floats:
    return named["mass"] if "mass" in named else mass_of(pdg)
