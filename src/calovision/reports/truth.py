"""Particles before the detector, for the event display: where they point in the window."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import jet_axis
from calovision.simulation.detector import CMS_BARREL, TOWER
from calovision.simulation.generator import charge

SOFTEST = 0.5  #: pt of the softest particle that is drawn, GeV
_STEPS = 3  #: towers by which the middle may lie off what energies say
CHARGED, LIGHT, NEUTRAL = range(3)  #: charged particles, photons, neutral hadrons


class Truth(NamedTuple):
    """Particles of events that point into their windows, hardest first, jagged over events.

    Attributes:
        offsets: ``(n + 1,)`` first particle of every event.
        eta: ``(m,)`` from the window's middle.
        phi: ``(m,)`` from the window's middle, rad.
        pt: ``(m,)`` GeV.
        kind: ``(m,)`` one of ``CHARGED``, ``LIGHT``, ``NEUTRAL``.
    """

    offsets: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    pt: NDArray[np.float32]
    kind: NDArray[np.int64]


def truth(events: Events) -> Truth | None:
    """The particles of a set that keeps them; none of others.

    The window's middle is the middle of a tower. An event says where its jet is before the
    detector, and its energies about how far that lies from the middle; of the towers there it is
    the one for which most of what is charged points at tracks.
    """
    lists = events.particles
    if lists is None or not {"eta", "phi"} <= events.columns.keys():
        return None
    hits = EventHits(events)
    away = [np.asarray(x.cpu().numpy()) for x in jet_axis(hits, events.geometry.calorimeters)]
    owner, rough = lists.owner, []
    width = TOWER * np.array([CMS_BARREL.crystal_eta, CMS_BARREL.crystal_phi])
    for name, off, tower in zip(("eta", "phi"), away, width, strict=True):
        middle = (np.floor((events.columns[name] - off) / tower) + 0.5) * tower
        rough.append(getattr(lists, name).astype(np.float64) - middle[owner])
    rough[1] = (rough[1] + np.pi) % (2 * np.pi) - np.pi
    eta, phi = _shifted(events, rough[0], rough[1], width)
    half = np.array([events.geometry.rows, events.geometry.cols]) * events.geometry.pitch / 2
    shown = (lists.pt > SOFTEST) & (np.abs(eta) < half[0]) & (np.abs(phi) < half[1])
    order = np.lexsort((-lists.pt, owner))
    order = order[shown[order]]
    kind = np.where(charge(lists.pdg) != 0, CHARGED, np.where(lists.pdg == 22, LIGHT, NEUTRAL))
    counts = np.bincount(owner[order], minlength=len(events))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Truth(offsets, eta[order], phi[order], lists.pt[order], kind[order])


def _shifted(
    events: Events, eta: NDArray[np.float64], phi: NDArray[np.float64], tower: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions moved by whole towers, so that charged particles point at tracks."""
    lists, geometry = events.particles, events.geometry
    assert lists is not None
    tracker = [c for c, channel in enumerate(geometry.channels) if channel.kind == "tracker"]
    lit = np.zeros((len(events), geometry.rows * geometry.cols), np.bool_)
    mine = np.isin(events.channel, tracker)
    lit[events.owner[mine], events.cell[mine]] = True
    owner, charged = lists.owner, charge(lists.pdg) != 0
    best, move = np.full(len(events), -1.0), np.zeros((len(events), 2))
    # the middle first: without tracks it stays
    for a, b in sorted(
        product(range(-_STEPS, _STEPS + 1), repeat=2), key=lambda s: abs(s[0]) + abs(s[1])
    ):
        row = np.floor((eta + a * tower[0]) / geometry.pitch[0] + geometry.rows / 2).astype(int)
        col = np.floor((phi + b * tower[1]) / geometry.pitch[1] + geometry.cols / 2).astype(int)
        inside = charged & (row >= 0) & (row < geometry.rows) & (col >= 0) & (col < geometry.cols)
        at = (row * geometry.cols + col)[inside]
        found = lists.pt[inside] * lit[owner[inside], at]
        fit = np.bincount(owner[inside], found, len(events))
        move[fit > best] = a * tower[0], b * tower[1]
        best = np.maximum(best, fit)
    return eta + move[owner, 0], phi + move[owner, 1]
