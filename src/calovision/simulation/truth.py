"""The generator-level particles of jets, and what jets look like before the detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.events.particle_lists import ParticleLists
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.generator import Jets, charge
from calovision.simulation.propagation import CURVATURE

REACH = 1.5  #: particles further from a jet's axis than this in eta or phi do not reach its image


def surroundings(jets: Jets, detector: Detector = CMS_BARREL) -> ParticleLists:
    """The particles of every jet and of its surroundings, in the generator's order.

    Those are the jet's own, and all that the detector's simulation lets into the image: within
    :data:`REACH` of the axis in eta and in phi, where a charged one may bend into it instead.
    A slow heavy one of the jet's own may have a pseudorapidity far from its rapidity.
    """
    starts, p = jets.particles.offsets, jets.particles
    lengths = np.diff(starts)[jets.collision]
    offsets = offsets_of(lengths)
    row = np.arange(offsets[-1]) + np.repeat(starts[jets.collision] - offsets[:-1], lengths)
    owner = np.repeat(np.arange(len(jets)), lengths)
    member = jets.member[row] == jets.slot[owner]
    near = member | (np.abs(p.eta[row] - jets.eta[owner]) < REACH)
    row, owner, member = row[near], owner[near], member[near]
    away = p.phi[row] - jets.phi[owner]
    # half of the angle by which a helix turns on its way to the calorimeter, if it gets there
    sine = CURVATURE * detector.field * detector.ecal_radius / 2 / p.pt[row]
    turn = np.where(sine < 1, np.arcsin(np.minimum(sine, 1.0)), 0.0)
    near = member | (np.abs(wrapped(away)) < REACH)
    near |= np.abs(wrapped(away - p.charge[row] * turn)) < REACH
    row, owner, member = row[near], owner[near], member[near]
    counts = np.bincount(owner, minlength=len(jets))
    columns = (p.pdg[row], p.pt[row], p.eta[row], p.phi[row], p.energy[row])
    return ParticleLists(offsets_of(counts), *columns, member)


def jet_shapes(lists: ParticleLists) -> dict[str, NDArray[np.generic]]:
    """Shapes of the jets before the detector and without pile-up, ``(n,)`` each.

    ``gen_n_charged`` and ``gen_n`` (int16): charged and all constituents; ``gen_girth`` (rad)
    the mean distance, weighted by pt, to their pt-weighted centre; ``gen_ptd``
    ``sqrt(sum pt^2) / sum pt`` (arXiv:1408.3122).
    """
    inside = lists.where(lists.member)
    n, owner, first = len(inside), inside.owner, inside.offsets[:-1]
    pt, eta = inside.pt.astype(np.float64), inside.eta.astype(np.float64)
    start = inside.phi[np.minimum(first, max(len(pt) - 1, 0))] if len(pt) else np.zeros(n)
    phi = wrapped(inside.phi - start[owner])
    total = np.maximum(np.bincount(owner, pt, n), 1e-9)
    centre = [np.bincount(owner, pt * x, n) / total for x in (eta, phi)]
    distance = np.hypot(eta - centre[0][owner], phi - centre[1][owner])
    return {
        "gen_n_charged": np.bincount(owner, charge(inside.pdg) != 0, n).astype(np.int16),
        "gen_n": inside.counts.astype(np.int16),
        "gen_girth": (np.bincount(owner, pt * distance, n) / total).astype(np.float32),
        "gen_ptd": (np.sqrt(np.bincount(owner, pt**2, n)) / total).astype(np.float32),
    }


def wrapped(angle: NDArray[np.floating]) -> NDArray[np.float64]:
    """The same angles in -pi..pi, rad."""
    return (angle.astype(np.float64) + np.pi) % (2 * np.pi) - np.pi
