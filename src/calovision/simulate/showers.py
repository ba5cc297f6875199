# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Showers in the calorimeters: GFLASH for electrons and photons, a simple model for hadrons.

Energy is laid down in equal spots. A *ray* is an array of twelve numbers: the point where the
particle enters the ECAL (mm), its direction, and two directions across it. A *grid* is an
array of energies (GeV) by cell whose first cell is ``origin = (eta cell, phi cell)``, counted
from eta = 0 and phi = 0; spots beside the grid are lost.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.simulate.compiled import compiled
from calovision.simulate.detector import PHI_CELLS, TOWER
from calovision.simulate.propagation import TWO_PI

SOFT = 0.15  #: GeV; softer electrons leave one compact deposit
_SOFT_SPOTS = 4
_MAX_RADIUS = 12.0  #: Moliere radii; cuts off the tail of the radial profile


@compiled
def set_ray(ray: Any, state: Any) -> float:
    """Fill a ray from a particle's state at the ECAL; returns its momentum, GeV."""
    p = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    ray[:3] = state[:3]
    dx, dy, dz = state[3] / p, state[4] / p, state[5] / p
    across = math.hypot(dx, dy)
    ux, uy = -dy / across, dx / across
    ray[3], ray[4], ray[5] = dx, dy, dz
    ray[6], ray[7], ray[8] = ux, uy, 0.0
    ray[9], ray[10], ray[11] = -dz * uy, dz * ux, dx * uy - dy * ux
    return p


@compiled
def add(
    grid: Any, origin: Any, size: int, ray: Any, depth: float, r: float, e: float, d: Any
) -> None:
    """Add ``e`` GeV at ``depth`` mm along a ray and ``r`` mm beside it, at a random angle."""
    turn = TWO_PI * np.random.random()
    c, s = r * math.cos(turn), r * math.sin(turn)
    x = ray[0] + ray[3] * depth + ray[6] * c + ray[9] * s
    y = ray[1] + ray[4] * depth + ray[7] * c + ray[10] * s
    z = ray[2] + ray[5] * depth + ray[8] * c + ray[11] * s
    eta = math.asinh(z / math.sqrt(x * x + y * y))
    i = math.floor(eta / d.crystal_eta) - origin[0]
    j = (math.floor(math.atan2(y, x) / d.crystal_phi) - origin[1]) % PHI_CELLS
    if 0 <= i < size * grid.shape[0] and j < size * grid.shape[1]:
        grid[i // size, j // size] += e


@compiled
def heavy_tail(median: float, limit: float) -> float:
    """Radius from the density 2 r R^2 / (r^2 + R^2)^2 of median ``R``, up to ``limit``."""
    q = np.random.random()
    return min(median * math.sqrt(q / (1 - q)), limit)


@compiled
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


@compiled
def radius(log_energy: float, tau: float, d: Any) -> float:
    """GFLASH: a random radius (Moliere radii) at depth ``tau`` in units of the maximum's."""
    z = d.ecal_z
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_energy)
    in_core = (2.632 - 0.00094 * z) * math.exp(x - math.exp(x))
    if np.random.random() < in_core:
        core = 0.0251 + 0.00319 * log_energy + (0.1162 - 0.000381 * z) * tau
        return heavy_tail(core, _MAX_RADIUS)
    rise = math.exp((0.3585 + 0.0421 * log_energy) * (tau - 0.645))
    tail = (0.659 - 0.00309 * z) * (math.exp(-2.59 * (tau - 0.645)) + rise)
    return heavy_tail(tail, _MAX_RADIUS)


@compiled
def electron(energy: float, start: float, ray: Any, grid: Any, origin: Any, d: Any) -> float:
    """One electromagnetic shower in the ECAL.

    Args:
        energy: GeV.
        start: where it begins, in radiation lengths behind the front face.
        ray: see the module's docstring, as for the next two.
        grid: of the ECAL.
        origin: of the grid.
        d: the detector.

    Returns:
        Energy leaking out behind the crystals, GeV.
    """
    leak = 0.0
    if energy < SOFT:
        for _ in range(_SOFT_SPOTS):
            depth = (start + 1 + np.random.exponential(1.5)) * d.ecal_x0
            r = 0.25 * d.ecal_moliere * math.sqrt(-2 * math.log(1 - np.random.random()))
            if depth > d.ecal_depth:
                leak += energy / _SOFT_SPOTS
            else:
                add(grid, origin, 1, ray, depth, r, energy / _SOFT_SPOTS, d)
        return leak
    maximum, alpha = longitudinal(energy, d)
    scale, log_energy = maximum / (alpha - 1), math.log(max(energy, 0.1))
    spots = max(int(d.spot_fraction * 93 * math.log(d.ecal_z) * energy**0.876), 12)
    for _ in range(spots):
        t = np.random.gamma(alpha, scale)
        depth = (t + start) * d.ecal_x0
        if depth > d.ecal_depth:
            leak += energy / spots
        else:
            r = radius(log_energy, t / maximum, d) * d.ecal_moliere
            add(grid, origin, 1, ray, depth, r, energy / spots, d)
    return leak


@compiled
def photon(energy: float, ray: Any, grid: Any, origin: Any, d: Any) -> float:
    """A photon converting in the ECAL; returns the leaking energy, GeV."""
    start = np.random.exponential(9 / 7)
    share = np.random.random()
    leak = electron(energy * share, start, ray, grid, origin, d)
    return leak + electron(energy * (1 - share), start, ray, grid, origin, d)


@compiled
def em_share(energy: float) -> float:
    """Mean electromagnetic share of a hadronic shower of ``energy`` GeV (Groom, k = 0.82)."""
    return max(1 - math.pow(max(energy, 0.8) / 0.76, -0.18), 0.02)


@compiled
def into_towers(energy: float, ray: Any, towers: Any, origin: Any, d: Any) -> None:
    """Lay ``energy`` (GeV, on the HCAL's response scale) into towers, with its fluctuation."""
    energy += np.random.normal() * d.hcal_stochastic * math.sqrt(energy)
    if energy < 0.02:
        return
    spots = min(4 + int(3 * energy), 40)
    across = math.hypot(ray[3], ray[4])
    for _ in range(spots):
        behind = d.hcal_radius - d.ecal_radius + np.random.exponential(d.hcal_interaction)
        r = heavy_tail(d.hcal_hadron_spread, 400.0)
        add(towers, origin, TOWER, ray, behind / across, r, energy / spots, d)


@compiled
def hadron(
    energy: float, charged: bool, ray: Any, ecal: Any, towers: Any, origin: Any, d: Any
) -> None:
    """A hadron: it showers in the ECAL or behind it, and the rest goes into the towers.

    Args:
        energy: GeV.
        charged: whether it ionises on its way.
        ray: see the module's docstring, as for the next three.
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
                add(ecal, origin, 1, ray, d.ecal_depth * (k + 0.5) / pieces, 0.0, e, d)
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
        for _ in range(spots):
            depth = start + (d.ecal_depth - start) * np.random.random()
            r = heavy_tail(d.ecal_hadron_spread, 200.0)
            add(ecal, origin, 1, ray, depth, r, seen / spots, d)
    behind = (leak + rest * (1 - contained) * weak) / calibration
    if behind > 0.05:
        into_towers(behind, ray, towers, origin, d)
