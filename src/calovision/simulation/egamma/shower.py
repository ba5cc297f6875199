# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Showers of single electrons and photons: GFLASH with a width tuned to our own Geant4 showers.

GFLASH's radial profile (hep-ex/0001020) was fitted to another simulation and other materials, and
its equal spots fluctuate less than showers do. The constants of :class:`Shape` correct both (docs:
egamma).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calovision.simulation.energy_spots import add, heavy_tail, seed, uniform
from calovision.simulation.propagation import pair_fraction
from calovision.simulation.showers import SOFT, longitudinal, radial
from calovision.simulation.showers import electron as soft_electron
from calovision.utils.compiled import fast, inlined

_SPOTS_PER_DEPTH = 4  #: spots that share a random depth


class Shape(NamedTuple):
    """Effective constants of electromagnetic showers in the crystals."""

    core: float = 1.1  #: factor on the median radius of the core
    tail: float = 0.5275  #: factor on the median radius of the tail
    in_core: float = 1.021  #: factor on the core's share
    spread: float = 0.0238  #: r.m.s. of the logarithm of a shower's width
    depth: float = 1.006  #: factor on the depth of the maximum
    clump: float = 0.0081  #: energy that lies together in the tail, GeV
    halo: float = 0.532  #: share of the tail that lies in an exponential halo of soft photons
    halo_radius: float = 0.592  #: scale of the halo, Moliere radii
    bend: float = 1.125  #: stretch along phi: the field bends the shower's electrons
    response: float = 0.9976  #: share of the energy that is deposited, but for leakage behind
    limit: float = 8.0  #: of the radius, Moliere radii


SHAPE = Shape()


@inlined
def _halo(state: Any, scale: float, limit: float) -> tuple[Any, float, float]:
    """A random place off an axis, of density exp(-r/scale) in the plane; see ``heavy_tail``."""
    state, a = uniform(state)
    state, b = uniform(state)
    state, turn = uniform(state)
    r = min(-scale * math.log((1 - a) * (1 - b)), limit)
    return state, r * math.cos(2 * math.pi * turn), r * math.sin(2 * math.pi * turn)


@fast
def electron(
    energy: float, start: float, ray: Any, grid: Any, origin: Any, d: Any, s: Any
) -> float:
    """One electron's shower; returns the energy leaking out behind the crystals, GeV.

    Args:
        energy: GeV.
        start: where it begins, in radiation lengths behind the front face.
        ray: see :mod:`calovision.simulation.energy_spots`, as for the next two.
        grid: of the ECAL.
        origin: of the grid.
        d: the detector.
        s: a record of :class:`Shape`.
    """
    if energy < SOFT:
        return soft_electron(energy, start, ray, grid, origin, d)
    maximum, alpha = longitudinal(energy, d)
    maximum *= s.depth
    scale, log_energy = maximum / (alpha - 1), math.log(energy)
    spots = max(int(d.spot_fraction * 93 * math.log(d.ecal_z) * energy**0.876), 12)
    e, limit = energy / spots, s.limit * d.ecal_moliere
    unit = d.ecal_moliere * math.exp(s.spread * np.random.normal())
    state = seed()
    leak, together = 0.0, 0.0
    for first in range(0, spots, _SPOTS_PER_DEPTH):
        n = min(_SPOTS_PER_DEPTH, spots - first)
        t = np.random.gamma(alpha, scale)
        depth = (t + start) * d.ecal_x0
        if depth > d.ecal_depth:
            leak += n * e
            continue
        in_core, core, tail = radial(log_energy, t / maximum, d)
        for _ in range(n):
            state, chance = uniform(state)
            if chance < in_core * s.in_core:
                state, x, y = heavy_tail(state, core * s.core * unit, limit)
                add(grid, origin, 1, ray, depth, s.bend * x, y, e, d)
                continue
            together += e
            if together >= s.clump:
                state, chance = uniform(state)
                if chance < s.halo:
                    state, x, y = _halo(state, s.halo_radius * d.ecal_moliere, limit)
                else:
                    state, x, y = heavy_tail(state, tail * s.tail * unit, limit)
                add(grid, origin, 1, ray, depth, s.bend * x, y, together, d)
                together = 0.0
    add(grid, origin, 1, ray, maximum * d.ecal_x0, 0.0, 0.0, together, d)
    return leak


@fast
def photon(energy: float, ray: Any, grid: Any, origin: Any, d: Any, s: Any) -> float:
    """A photon becoming a pair in the crystals; returns the leaking energy, GeV."""
    start = np.random.exponential(9 / 7)
    share = pair_fraction()
    leak = electron(energy * share, start, ray, grid, origin, d, s)
    return leak + electron(energy * (1 - share), start, ray, grid, origin, d, s)
