"""Particles of jets as sequences, and sequences as particles that a detector can be shown.

A neutral pion stands for its two photons: it decays at once, evenly in all directions, which no
network has to learn. The jet's own particles come first, then its surroundings, each hardest first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events, offsets_of
from calovision.events.particle_lists import ParticleLists
from calovision.models.generators.sequences import COLUMNS, padded, padded_groups
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.generator import charge, mass
from calovision.simulation.propagation import CURVATURE
from calovision.simulation.truth import REACH, wrapped

Floats = NDArray[np.float32]
LOWEST_PT = 0.03  #: GeV; the simulation drops softer particles than .05, a pion's photons apart
PION, PHOTON = 111, 22
_PION_MASS = 0.13498  #: GeV
_CLOSE = 1e-3  #: GeV by which the mass of two photons of a pion may be off, by rounding
#: numbers of a jet: its columns, then how many particles it has and how many surround it
NUMBERS = len(COLUMNS) + 2
GEN_PT, GEN_M0, ETA, PT, M0, MEMBERS, OTHERS = range(NUMBERS)
#: whole numbers of a jet have a density when something between 0 and 1 is added to them
SPREAD = np.array([0.0] * len(COLUMNS) + [1.0, 1.0], np.float32)
SIDED = np.array([name == "eta" for name in COLUMNS] + [False, False])  #: what has a sign


@dataclass
class Sequences:
    """Particles of jets in the order in which they are generated, jagged over jets.

    Attributes:
        offsets: ``(n + 1,)`` first particle of every jet.
        members: ``(n,)`` number of the jet's own particles, which come first.
        kind: ``(m,)`` place in a list of PDG identities.
        log_pt: ``(m,)`` logarithm of the transverse momentum in GeV.
        eta, phi: ``(m,)`` from the jet's axis, phi in rad.
    """

    offsets: NDArray[np.int64]
    members: NDArray[np.int64]
    kind: NDArray[np.int64]
    log_pt: Floats
    eta: Floats
    phi: Floats

    def __len__(self) -> int:
        return len(self.members)

    @property
    def columns(self) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
        """Kind, logarithm of pt, eta and phi of every particle."""
        return self.kind, self.log_pt, self.eta, self.phi

    @property
    def counts(self) -> NDArray[np.int64]:
        """``(n,)`` number of particles of every jet."""
        return np.diff(self.offsets)


@dataclass
class ParticleDataset:
    """Prepared jets.

    Attributes:
        sequences: their particles.
        label: ``(n,)`` float32 class.
        numbers: ``(n, NUMBERS)`` float32, GeV.
        weight: ``(n,)`` how much each counts, where the set says so.
    """

    sequences: Sequences
    label: NDArray[np.float32]
    numbers: NDArray[np.float32]
    weight: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.label)

    def groups(
        self,
        chosen: NDArray[np.int64],
        number: int,
        sides: Floats,
        spread: Floats,
    ) -> list[tuple[Tensor | None, ...]]:
        """Chosen jets in groups of about equal numbers of particles, each padded by itself.

        ``sides`` ``(2, n)`` are signs of eta and phi, ``spread`` ``(n, 2)`` in 0..1 is for whole
        numbers. Of every group come label, numbers, spread, a mask of its particles, and their
        kind, logarithm of pt, eta and phi; and weights of the jets.
        """
        lists, groups = self.sequences, []
        for part, jets, mask, row in padded_groups(lists.counts, chosen, number):
            eta, phi = sides[:, part, None]
            kind, log_pt, at_eta, at_phi = (padded(v, mask, row) for v in lists.columns)
            numbers = self.numbers[jets] * np.where(SIDED, eta, 1)
            arrays = [self.label[jets], numbers, spread[part], mask, kind, log_pt]
            arrays += [at_eta * eta, at_phi * phi]
            weight = None if self.weight is None else torch.from_numpy(self.weight[jets])
            groups.append((*(torch.from_numpy(x) for x in arrays), weight))
        return groups


def identities(events: Events) -> NDArray[np.int64]:
    """PDG identities in a set, photons of pions as pions.

    Raises:
        InputError: the set does not keep its particles, or the columns of their jets.
    """
    particles = needed(events)
    found = np.unique(particles.pdg).astype(np.int64)
    return np.unique(np.append(found, PION))


def needed(events: Events) -> ParticleLists:
    """The particles of a set.

    Raises:
        InputError: the set does not keep them, or the columns of their jets.
    """
    missing = [name for name in ("label", "phi", *COLUMNS) if name not in events.columns]
    if events.particles is None or missing:
        raise InputError(
            "these events do not keep their particles before the detector",
            "simulate jets with --particles (particles=True), or train the model 'hits'",
        )
    return events.particles


def sequences(events: Events, pdg: NDArray[np.int64]) -> Sequences:
    """The particles of a set, in order.

    Args:
        events: with particles.
        pdg: the identities that are known; particles of others are left out.
    """
    lists = needed(events)
    owner, start, first, second = _pions(lists)
    momentum = lists.momenta()
    both = momentum[:, first] + momentum[:, second]
    momentum = np.concatenate([momentum[:, start], both], 1)
    identity = np.concatenate([lists.pdg[start], np.full(len(first), PION)])
    member = np.concatenate([lists.member[start], lists.member[first]])
    owner = np.concatenate([owner[start], owner[first]])
    pt = np.hypot(momentum[0], momentum[1])
    eta = np.arcsinh(momentum[2] / np.maximum(pt, 1e-9)) - events.columns["eta"][owner]
    phi = np.arctan2(momentum[1], momentum[0]) - events.columns["phi"][owner]
    place = np.minimum(np.searchsorted(pdg, identity), len(pdg) - 1)
    known = (pdg[place] == identity) & (member | ~_unseen(identity, pt, wrapped(phi)))
    order = np.lexsort((-pt, ~member, owner))
    order = order[known[order]]
    own = np.bincount(owner[known & member], minlength=len(events))
    return Sequences(
        offsets_of(np.bincount(owner[order], minlength=len(events))),
        own,
        place[order],
        np.log(np.maximum(pt[order], LOWEST_PT * 1.001)).astype(np.float32),
        eta[order].astype(np.float32),
        wrapped(phi[order]).astype(np.float32),
    )


def numbers_of(events: Events, found: Sequences) -> NDArray[np.float32]:
    """``(n, NUMBERS)`` kinematics (GeV) and numbers of particles."""
    columns = [events.columns[name] for name in COLUMNS]
    counts = [found.members, found.counts - found.members]
    return np.stack([*columns, *counts], 1).astype(np.float32)


def decayed(
    found: Sequences, pdg: NDArray[np.int64], axis: NDArray[np.float64], rng: np.random.Generator
) -> ParticleLists:
    """Particles of sequences, with pions decayed into photons.

    Args:
        found: the sequences.
        pdg: the list of identities.
        axis: ``(n, 2)`` eta and phi (rad) of the jets.
        rng: of the directions of the photons.
    """
    owner = np.repeat(np.arange(len(found)), found.counts)
    place = np.arange(len(owner)) - found.offsets[owner]
    member, identity = place < found.members[owner], pdg[found.kind]
    pt = np.exp(found.log_pt.astype(np.float64))
    eta, phi = axis[owner, 0] + found.eta, axis[owner, 1] + found.phi
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt])
    momentum[3] = np.sqrt((momentum[:3] ** 2).sum(0) + mass(identity) ** 2)
    pion = identity == PION
    momentum = np.concatenate([momentum[:, ~pion], *_photons(momentum[:, pion], rng)], 1)
    identity = np.append(identity[~pion], np.full(2 * pion.sum(), PHOTON))
    owner, member = (np.concatenate([v[~pion], v[pion], v[pion]]) for v in (owner, member))
    order = np.argsort(owner, kind="stable")
    momentum = momentum[:, order]
    pt = np.hypot(momentum[0], momentum[1])
    return ParticleLists(
        offsets_of(np.bincount(owner, minlength=len(found))),
        identity[order].astype(np.int32),
        pt.astype(np.float32),
        np.arcsinh(momentum[2] / np.maximum(pt, 1e-9)).astype(np.float32),
        np.arctan2(momentum[1], momentum[0]).astype(np.float32),
        momentum[3].astype(np.float32),
        member[order],
    )


def _unseen(
    identity: NDArray[np.int64], pt: NDArray[np.float64], phi: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Charged particles too soft for the calorimeters, and for the tracker or not in its window."""
    limit = CURVATURE * CMS_BARREL.field * CMS_BARREL.ecal_radius / 2
    curls = (charge(identity.astype(np.int32)) != 0) & (pt < limit)
    found: NDArray[np.bool_] = curls & ((np.abs(phi) > REACH) | (pt < CMS_BARREL.track_threshold))
    return found


def _pions(lists: ParticleLists) -> tuple[NDArray[np.int64], ...]:
    """Owner of every particle; those that are alone; first and second photon of every pion.

    The two photons of a pion follow each other in the generator's record. A pion of which a jet
    has only one stays two photons.
    """
    owner = lists.owner
    photon = lists.pdg == PHOTON
    pt, eta, phi = (getattr(lists, k).astype(np.float64) for k in ("pt", "eta", "phi"))
    opening = np.cosh(np.diff(eta)) - np.cos(np.diff(phi))
    together = np.sqrt(np.maximum(2 * pt[1:] * pt[:-1] * opening, 0.0))
    pair = photon[1:] & photon[:-1] & (owner[1:] == owner[:-1])
    pair &= np.abs(together - _PION_MASS) < _CLOSE
    pair &= lists.member[1:] == lists.member[:-1]
    # of overlapping pairs every other one
    number = np.arange(len(pair))
    begins = pair & ~np.append(False, pair[:-1])
    first_of_run = np.maximum.accumulate(np.where(begins, number, 0))
    first = np.flatnonzero(pair & ((number - first_of_run) % 2 == 0))
    alone = np.ones(len(lists.pdg), np.bool_)
    alone[first] = alone[first + 1] = False
    return owner, np.flatnonzero(alone), first, first + 1


def _photons(
    pion: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two photons ``(4, m)`` of every pion, GeV, back to back in its own frame."""
    n = pion.shape[1]
    height, turn = rng.uniform(-1, 1, n), rng.uniform(-np.pi, np.pi, n)
    across = np.sqrt(1 - height**2)
    half = _PION_MASS / 2 * np.stack([across * np.cos(turn), across * np.sin(turn), height])
    gamma, boost = pion[3] / _PION_MASS, pion[:3] / _PION_MASS
    along = (boost * half).sum(0)

    def boosted(sign: float) -> NDArray[np.float64]:
        space = sign * half + boost * (sign * along / (1 + gamma) + _PION_MASS / 2)
        return np.concatenate([space, (gamma * _PION_MASS / 2 + sign * along)[None]])

    return boosted(1.0), boosted(-1.0)
