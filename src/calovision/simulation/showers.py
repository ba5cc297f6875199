# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Showers in the calorimeters: GFLASH for electrons and photons, a simple model for hadrons.

Energy is laid down in equal spots; for rays and grids see
:mod:`calovision.simulation.energy_spots`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.simulation.detector import TOWER
from calovision.simulation.energy_spots import add, heavy_tail, seed, uniform
from calovision.utils.compiled import fast, inlined

SOFT = 0.15  #: GeV; softer electrons leave one compact deposit
_SOFT_SPOTS = 4
_SPOTS_PER_DEPTH = 4  #: spots of an electromagnetic shower that share a random depth
_MAX_RADIUS = 12.0  #: Moliere radii; cuts off the tail of the radial profile


@fast
def longitudinal(energy: float, d: Any) -> tuple[float, float]:
    """GFLASH: depth of the maximum (X0) and shape of one fluctuating shower.

    Args:
        energy: of the electron, GeV.
        d: the detector.

    Returns:
        ``T`` and ``alpha`` of the gamma distribution dE/dt (hep-ex/0001020, eq. 2 and app. A.1).
    """
    ly = math.log(max(energy / d.ecal_critical, 8.0))
    rho = 0.705 - 0.023 * ly
    both, apart = math.sqrt((1 + rho) / 2), math.sqrt((1 - rho) / 2)
    a, b = np.random.normal(), np.random.normal()
    sigma_t = 1 / max(-1.4 + 1.26 * ly, 0.8)
    sigma_a = 1 / max(-0.58 + 0.86 * ly, 0.8)
    log_t = math.log(max(ly - 0.858, 0.3)) + sigma_t * (both * a + apart * b)
    log_a = math.log(0.21 + (0.492 + 2.38 / d.ecal_z) * ly) + sigma_a * (both * a - apart * b)
    return math.exp(log_t), max(math.exp(log_a), 1.05)


@inlined
def radial(log_energy: float, tau: float, d: Any) -> tuple[float, float, float]:
    """GFLASH: the radial profile at depth ``tau``, in units of the maximum's depth.

    Returns:
        The probability of the core, and the median radii of core and tail (Moliere radii).
    """
    z = d.ecal_z
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_energy)
    in_core = (2.632 - 0.00094 * z) * math.exp(x - math.exp(x))
    core = 0.0251 + 0.00319 * log_energy + (0.1162 - 0.000381 * z) * tau
    rise = math.exp((0.3585 + 0.0421 * log_energy) * (tau - 0.645))
    tail = (0.659 - 0.00309 * z) * (math.exp(-2.59 * (tau - 0.645)) + rise)
    return in_core, core, tail


@fast
def electron(energy: float, start: float, ray: Any, grid: Any, origin: Any, d: Any) -> float:
    """One electromagnetic shower in the ECAL.

    Args:
        energy: GeV.
        start: where it begins, in radiation lengths behind the front face.
        ray: see :mod:`calovision.simulation.energy_spots`, as for the next two.
        grid: of the ECAL.
        origin: of the grid.
        d: the detector.

    Returns:
        Energy leaking out behind the crystals, GeV.
    """
    leak = 0.0
    if energy < SOFT:
        width = 0.25 * d.ecal_moliere
        for _ in range(_SOFT_SPOTS):
            depth = (start + 1 + np.random.exponential(1.5)) * d.ecal_x0
            if depth > d.ecal_depth:
                leak += energy / _SOFT_SPOTS
            else:
                x, y = np.random.normal() * width, np.random.normal() * width
                add(grid, origin, 1, ray, depth, x, y, energy / _SOFT_SPOTS, d)
        return leak
    maximum, alpha = longitudinal(energy, d)
    scale, log_energy = maximum / (alpha - 1), math.log(max(energy, 0.1))
    spots = max(int(d.spot_fraction * 93 * math.log(d.ecal_z) * energy**0.876), 12)
    e, unit, limit = energy / spots, d.ecal_moliere, _MAX_RADIUS * d.ecal_moliere
    state = seed()
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
            median = core if chance < in_core else tail
            state, x, y = heavy_tail(state, median * unit, limit)
            add(grid, origin, 1, ray, depth, x, y, e, d)
    return leak


@fast
def photon(energy: float, ray: Any, grid: Any, origin: Any, d: Any) -> float:
    """A photon converting in the ECAL; returns the leaking energy, GeV."""
    start = np.random.exponential(9 / 7)
    share = np.random.random()
    leak = electron(energy * share, start, ray, grid, origin, d)
    return leak + electron(energy * (1 - share), start, ray, grid, origin, d)


@fast
def em_share(energy: float) -> float:
    """Mean electromagnetic share of a hadronic shower of ``energy`` GeV (Groom, k = 0.82)."""
    return max(1 - math.pow(max(energy, 0.8) / 0.76, -0.18), 0.02)


@fast
def into_towers(energy: float, ray: Any, towers: Any, origin: Any, d: Any) -> None:
    """Lay ``energy`` (GeV, on the HCAL's response scale) into towers, with its fluctuation."""
    energy *= 1 - math.exp(-energy / max(d.hcal_turn_on, 1e-6))
    energy += np.random.normal() * d.hcal_stochastic * math.sqrt(energy)
    if energy < 0.02:
        return
    spots = min(4 + int(3 * energy), 40)
    across, state = math.hypot(ray[3], ray[4]), seed()
    for _ in range(spots):
        behind = d.hcal_radius - d.ecal_radius + np.random.exponential(d.hcal_interaction)
        state, x, y = heavy_tail(state, d.hcal_hadron_spread, 400.0)
        add(towers, origin, TOWER, ray, behind / across, x, y, energy / spots, d)


@fast
def hadron(
    energy: float, charged: bool, ray: Any, ecal: Any, towers: Any, origin: Any, d: Any
) -> None:
    """A hadron: it showers in the ECAL or behind it, and the rest goes into the towers.

    Args:
        energy: GeV.
        charged: whether it ionises on its way.
        ray: see :mod:`calovision.simulation.energy_spots`, as for the next three.
        ecal: grid of the ECAL.
        towers: grid of the HCAL.
        origin: of the grids.
        d: the detector.
    """
    start = np.random.exponential(d.ecal_interaction)
    weak = 1 / d.hcal_e_over_h
    calibration = 0.53 + 0.47 * weak  # response to a pion of some 50 GeV is 1
    if start > d.ecal_depth:
        if charged:
            pieces = 6
            for k in range(pieces):
                e = d.ecal_mip / pieces * (0.8 + 0.4 * np.random.random())
                add(ecal, origin, 1, ray, d.ecal_depth * (k + 0.5) / pieces, 0.0, 0.0, e, d)
            energy -= d.ecal_mip
        if energy > 0.1:
            share = em_share(energy)
            into_towers(energy * (share + (1 - share) * weak) / calibration, ray, towers, origin, d)
        return
    share = em_share(energy)
    share = np.random.beta(4 * share, 4 * (1 - share))
    leak = 0.0
    if energy * share > d.em_threshold:
        leak = electron(energy * share, start / d.ecal_x0, ray, ecal, origin, d)
    contained = 1 - math.exp(
        -(d.ecal_depth - start) / d.ecal_interaction * np.random.gamma(2.0, 0.5)
    )
    rest = energy * (1 - share)
    seen = rest * contained * d.ecal_hadron_response
    if seen > 0.01:
        spots = min(4 + int(d.ecal_hadron_spots * seen), 90)
        state = seed()
        for _ in range(spots):
            state, chance = uniform(state)
            depth = start + (d.ecal_depth - start) * chance
            state, x, y = heavy_tail(state, d.ecal_hadron_spread, 200.0)
            add(ecal, origin, 1, ray, depth, x, y, seen / spots, d)
    behind = (leak + rest * (1 - contained) * weak) / calibration
    if behind > 0.05:
        into_towers(behind, ray, towers, origin, d)
