"""Collisions and jets at particle level: Pythia 8 and anti-kt clustering with FastJet."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import vector
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.simulation.pythia import (
    DIJETS,
    ENERGY,
    CentralPair,
    default_pythia,
    quiet,
    start_dijets,
)

PHOTON, ELECTRON, MUON, CHARGED_HADRON, NEUTRAL_HADRON = range(5)  #: particle kinds

JET_ETA = 1.5  #: largest abs(eta) of a jet axis: its core lies in the barrel
PARTON_DISTANCE = 0.4  #: largest distance of a jet's hard parton from its axis
JET_PT = 55.0  #: lowest generator-level jet pt, GeV; the reconstructed cut is higher
_PARTICLE_PT = 0.05  #: softer particles are dropped, GeV
_PARTICLE_ETA = 3.0  #: coverage of what is kept
_HARD_OUTGOING = -23  #: Pythia's status code of the two hard partons
_UNBALANCED = 1.0  #: most energy or momentum that a sound collision may miss, GeV
_INVISIBLE = (12, 14, 16)


class Particles(NamedTuple):
    """Visible stable particles, jagged over collisions (a tuple, for the compiled loops).

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every collision.
        pdg: ``(m,)`` int32 PDG identity.
        pt: ``(m,)`` float32, GeV.
        eta: ``(m,)`` float32.
        phi: ``(m,)`` float32, rad, in -pi..pi.
        energy: ``(m,)`` float32, GeV.
        charge: ``(m,)`` int8, units of e.
        kind: ``(m,)`` int8, one of ``PHOTON`` ... ``NEUTRAL_HADRON``.
    """

    offsets: NDArray[np.int64]
    pdg: NDArray[np.int32]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    energy: NDArray[np.float32]
    charge: NDArray[np.int8]
    kind: NDArray[np.int8]


def no_particles() -> Particles:
    """One collision without visible particles."""
    real, small = np.zeros(0, np.float32), np.zeros(0, np.int8)
    pdg = np.zeros(0, np.int32)
    return Particles(np.zeros(2, np.int64), pdg, real, real, real, real, small, small)


@dataclass
class Jets:
    """Generator-level jets of one or more collisions.

    Attributes:
        particles: of the collisions.
        member: ``(particles,)`` int8, which of its collision's jets a particle belongs to
            (0 or 1), or -1.
        collision: ``(jets,)`` int64 index of the collision.
        slot: ``(jets,)`` int8, the jet's number within the collision (0 or 1).
        label: ``(jets,)`` int8, ``GLUON`` or ``QUARK``.
        pt, eta, phi, mass: ``(jets,)`` float64 of the jet, GeV and rad.
        parton_pt: ``(jets,)`` float64, transverse momentum of the matched parton, GeV.
    """

    particles: Particles
    member: NDArray[np.int8]
    collision: NDArray[np.int64]
    slot: NDArray[np.int8]
    label: NDArray[np.int8]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    parton_pt: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        particles: Particles,
        member: NDArray[np.int8],
        place: tuple[NDArray[np.int64], NDArray[np.int64]],
        momentum: NDArray[np.float64],
        label: int,
        parton_pt: NDArray[np.float64],
    ) -> Jets:
        """Jets of one class from their ``(4, jets)`` momenta (GeV), by collision and slot."""
        collision, slot = place
        mass2 = momentum[3] ** 2 - (momentum[:3] ** 2).sum(0)
        return cls(
            particles,
            member,
            collision,
            slot.astype(np.int8),
            np.full(len(slot), label, np.int8),
            *_cylinder(momentum),
            np.sqrt(np.maximum(mass2, 0.0)),
            parton_pt,
        )

    def __len__(self) -> int:
        return len(self.pt)


@functools.cache
def _identities() -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.float64]]:
    """PDG identities that Pythia knows, sorted, their charges (units of e) and masses (GeV)."""
    with quiet():
        table = default_pythia().particleData
    known = [1]
    while (following := table.nextId(known[-1])) > 0:
        known.append(following)
    charge = [round(table.charge(i)) for i in known]
    mass = np.array([table.m0(i) for i in known])
    return np.array(known, np.int32), np.array(charge, np.int8), mass


def charge(pdg: NDArray[np.int32]) -> NDArray[np.int8]:
    """Electric charges (units of e) of PDG identities."""
    known, charges, _ = _identities()
    return (charges[np.searchsorted(known, np.abs(pdg))] * np.sign(pdg)).astype(np.int8)


def mass(pdg: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Masses (GeV) of PDG identities."""
    known, _, masses = _identities()
    found: NDArray[np.float64] = masses[np.searchsorted(known, np.abs(pdg))]
    return found


def _kind(pdg: NDArray[np.int32], charge: NDArray[np.int8]) -> NDArray[np.int8]:
    identity = np.abs(pdg)
    kind = np.where(charge != 0, CHARGED_HADRON, NEUTRAL_HADRON).astype(np.int8)
    for code, name in ((22, PHOTON), (11, ELECTRON), (13, MUON)):
        kind[identity == code] = name
    return kind


def particles_of(
    offsets: NDArray[np.int64], pdg: NDArray[np.int32], momentum: NDArray[np.float64]
) -> Particles:
    """Particles in detector coordinates.

    Args:
        offsets: ``(n + 1,)`` first particle of every collision.
        pdg: ``(m,)`` PDG identities.
        momentum: ``(4, m)`` px, py, pz, energy, GeV.
    """
    charges = charge(pdg)
    pt, eta, phi = (x.astype(np.float32) for x in _cylinder(momentum))
    energy = momentum[3].astype(np.float32)
    return Particles(offsets, pdg, pt, eta, phi, energy, charges, _kind(pdg, charges))


@dataclass
class Record:
    """Flat arrays of a batch of Pythia's event records, and its visible particles."""

    pdg: NDArray[np.int32]
    status: NDArray[np.int32]
    momentum: NDArray[np.float64]  # (4, entries): px, py, pz, energy
    keep: NDArray[np.bool_]
    counts: NDArray[np.int64]  # kept particles per collision
    sound: NDArray[np.bool_]  # per collision: energy and momentum are conserved

    @classmethod
    def read(cls, batch: Any) -> Record:
        """Flatten what ``Pythia.nextBatch`` returned."""
        entries = batch.prt
        n = ak.to_numpy(ak.num(entries.id, axis=1))
        pdg = ak.to_numpy(ak.flatten(entries.id)).astype(np.int32)
        status = ak.to_numpy(ak.flatten(entries.status)).astype(np.int32)
        p = ak.flatten(entries.p)
        momentum = np.stack([ak.to_numpy(p[f]) for f in ("px", "py", "pz", "e")])
        pt = np.hypot(momentum[0], momentum[1])
        keep = (status > 0) & (pt > _PARTICLE_PT)
        keep &= np.abs(momentum[2]) < math.sinh(_PARTICLE_ETA) * pt
        keep &= ~np.isin(np.abs(pdg), _INVISIBLE)
        total = np.add.reduceat(momentum * (status > 0), offsets_of(n)[:-1], axis=1)
        sound = np.abs(total - np.array([[0.0], [0.0], [0.0], [ENERGY]])).max(0) < _UNBALANCED
        owner = np.repeat(np.arange(len(n)), n)
        return cls(pdg, status, momentum, keep, np.bincount(owner[keep], minlength=len(n)), sound)

    def particles(self) -> Particles:
        """The kept particles in detector coordinates."""
        pdg = self.pdg[self.keep]
        return particles_of(offsets_of(self.counts), pdg, self.momentum[:, self.keep])


class DijetGenerator:
    """Quark and gluon jets from one Pythia, both leading jets of every collision.

    Args:
        seed: of the random numbers; the same seed and the same calls give the same jets.
        radius: anti-kt radius.
        settings: of the hard collisions, in Pythia's words.
    """

    def __init__(self, seed: int, radius: float, settings: tuple[str, ...] = DIJETS) -> None:
        vector.register_awkward()
        self._radius = radius
        self._filter = CentralPair()
        with quiet():
            self._pythia = start_dijets(seed, self._filter, settings)

    def generate(self, label: int, collisions: int) -> Jets:
        """Jets with hard partons of one kind from ``collisions`` new collisions."""
        return self.jets(self.collide(label, collisions), label)

    def collide(self, label: int, collisions: int) -> Any:
        """Pythia's records of new collisions with hard partons of one kind."""
        self._filter.wanted = label
        return self._pythia.nextBatch(collisions)

    def jets(self, collisions: Any, label: int) -> Jets:
        """The jets in what :meth:`collide` returned."""
        record = Record.read(collisions)
        momenta, member = _leading_jets(record, self._radius)
        return _match(record, momenta, member, label)


def _leading_jets(record: Record, radius: float) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Cluster every collision.

    Returns:
        Four-momenta ``(4, collisions, 2)`` (px, py, pz, energy) of the two leading jets, 0 where
        there is none above ``JET_PT``, and to which of them each particle belongs (or -1).
    """
    import fastjet  # here, so that importing this room stays quick

    px, py, pz, energy = record.momentum[:, record.keep]
    names = {"px": px, "py": py, "pz": pz, "E": energy}
    particles = ak.unflatten(ak.zip(names, with_name="Momentum4D"), record.counts)
    with quiet():
        clusters = fastjet.ClusterSequence(
            particles, fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
        )
        jets = clusters.inclusive_jets(min_pt=JET_PT)
        constituents = clusters.constituent_index(min_pt=JET_PT)
    order = ak.argsort(jets.px**2 + jets.py**2, axis=1, ascending=False)[:, :2]
    jets, constituents = jets[order], constituents[order]
    momenta = np.stack(
        [
            ak.to_numpy(ak.fill_none(ak.pad_none(jets[f], 2, clip=True), 0.0))
            for f in ("px", "py", "pz", "E")
        ]
    )
    member = np.full(len(px), -1, np.int8)
    first = offsets_of(record.counts)[:-1]
    slot = ak.local_index(constituents, axis=1)
    slot = ak.flatten(ak.broadcast_arrays(slot, constituents)[0], axis=None)
    member[ak.to_numpy(ak.flatten(constituents + first, axis=None))] = ak.to_numpy(slot)
    return momenta, member


def _match(
    record: Record, momenta: NDArray[np.float64], member: NDArray[np.int8], label: int
) -> Jets:
    """Keep jets with a central axis and a hard parton close to it."""
    n = len(record.counts)
    parton = record.momentum[:, record.status == _HARD_OUTGOING].reshape(4, n, 1, 2)
    jet_pt, jet_eta, jet_phi = _cylinder(momenta)
    parton_pt, parton_eta, parton_phi = _cylinder(parton)
    turn = (parton_phi - jet_phi[..., None] + np.pi) % (2 * np.pi) - np.pi
    distance = np.hypot(parton_eta - jet_eta[..., None], turn)  # collision, jet, parton
    nearest = distance.argmin(-1)
    good = (jet_pt > JET_PT) & (np.abs(jet_eta) < JET_ETA)
    good &= (distance.min(-1) < PARTON_DISTANCE) & record.sound[:, None]
    collision, slot = np.nonzero(good)
    parton_pt = parton_pt[collision, 0, nearest[good]]
    return Jets.of(
        record.particles(), member, (collision, slot), momenta[:, good], label, parton_pt
    )


def _cylinder(
    momentum: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Transverse momentum, pseudorapidity and azimuth of ``(4, ...)`` momenta."""
    pt = np.hypot(momentum[0], momentum[1])
    eta = np.arcsinh(momentum[2] / np.maximum(pt, 1e-9))
    return pt, eta, np.arctan2(momentum[1], momentum[0])
