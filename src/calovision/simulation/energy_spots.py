# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Energy spots of showers: their places about a particle's path, and the cells they lie in.

A *ray* (see :func:`set_ray`) is where and in which direction a particle enters the ECAL. A *grid*
is an array of energies (GeV) by cell whose first cell is ``origin = (eta cell, phi cell)``, counted
from eta = 0 and phi = 0; spots beside the grid are lost.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.simulation.detector import PHI_CELLS
from calovision.utils.compiled import fast, inlined

RAY = 15  #: numbers in a ray
_NEAR = 0.25  #: smaller angles are taken from a power series, rad


@fast
def set_ray(ray: Any, state: Any) -> float:
    """Fill a ray from a particle's state at the ECAL; returns its momentum, GeV.

    Vectors are in the frame turned about the beam so that the entry point lies on the first axis:
    0 and 1 are the entry's distance from the beam and z (mm), 3 to 5 the direction, 6 to 8 and 9
    to 11 two directions across it, 2 the entry's azimuth, 12 to 14 the sinh and cosh of its
    pseudorapidity and the pseudorapidity.
    """
    rho = math.sqrt(state[0] ** 2 + state[1] ** 2)
    c, s = state[0] / rho, state[1] / rho
    p = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    dx, dy = (c * state[3] + s * state[4]) / p, (c * state[4] - s * state[3]) / p
    dz = state[5] / p
    across = math.sqrt(dx * dx + dy * dy)
    ux, uy = -dy / across, dx / across
    ray[0], ray[1], ray[2] = rho, state[2], math.atan2(state[1], state[0])
    ray[3], ray[4], ray[5] = dx, dy, dz
    ray[6], ray[7], ray[8] = ux, uy, 0.0
    ray[9], ray[10], ray[11] = -dz * uy, dz * ux, dx * uy - dy * ux
    slope = state[2] / rho
    ray[12], ray[13], ray[14] = slope, math.sqrt(1 + slope * slope), math.asinh(slope)
    return p


@inlined
def _atan(t: float) -> float:
    """Arc tangent, to 1e-6 where it is small."""
    if abs(t) > _NEAR:
        return math.atan(t)
    t2 = t * t
    return t * (1 - t2 * (1 / 3 - t2 * (1 / 5 - t2 / 7)))


@inlined
def _asinh(t: float) -> float:
    """Inverse hyperbolic sine, to 1e-6 where it is small."""
    if abs(t) > _NEAR:
        return math.asinh(t)
    t2 = t * t
    return t * (1 - t2 * (1 / 6 - t2 * (3 / 40 - t2 * 15 / 336)))


@inlined
def add(
    grid: Any,
    origin: Any,
    size: int,
    ray: Any,
    depth: float,
    across: float,
    up: float,
    e: float,
    d: Any,
) -> None:
    """Add ``e`` GeV at ``depth`` mm along a ray and ``across`` and ``up`` mm beside it."""
    out = ray[0] + ray[3] * depth + ray[6] * across + ray[9] * up
    aside = ray[4] * depth + ray[7] * across + ray[10] * up
    z = ray[1] + ray[5] * depth + ray[8] * across + ray[11] * up
    slope = z / math.sqrt(out * out + aside * aside)
    eta = ray[14] + _asinh(slope * ray[13] - ray[12] * math.sqrt(1 + slope * slope))
    phi = ray[2] + _atan(aside / out)
    if d.ecal_tilt > 0:
        inward = (1 - d.ecal_radius / math.sqrt(out * out + aside * aside)) * d.ecal_tilt
        phi -= inward
        # the two halves of the barrel lean away from each other
        shift = inward * math.sqrt(1 + slope * slope)
        eta = max(eta - shift, 0.0) if slope > 0 else min(eta + shift, -1e-9)
    i = math.floor(eta / d.crystal_eta) - origin[0]
    j = (math.floor(phi / d.crystal_phi) - origin[1]) % PHI_CELLS
    if size > 1:
        i, j = i // size, j // size
    if 0 <= i < grid.shape[0] and j < grid.shape[1]:
        grid[i, j] += e


@inlined
def seed() -> Any:
    """A state of :func:`uniform`, from the generator that everything else draws from."""
    return np.uint64(np.random.randint(0, 2**62))


@inlined
def uniform(state: Any) -> tuple[Any, float]:
    """SplitMix64: the next state and a number in 0..1; some times faster than np.random."""
    state = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15)
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@inlined
def heavy_tail(state: Any, median: float, limit: float) -> tuple[Any, float, float]:
    """A random place off an axis, of density 2 r R^2 / (r^2 + R^2)^2 in the radius r.

    The square of the radius of a point that is even in the unit disc is even, so that one such
    point gives both the radius and the direction.

    Args:
        state: of :func:`uniform`.
        median: ``R``, the median radius.
        limit: of the radius; larger ones are shortened to it.

    Returns:
        The next state, and both coordinates.
    """
    u, v, q = 1.0, 0.0, 1.0
    while q >= 1 or q == 0:
        state, u = uniform(state)
        state, v = uniform(state)
        u, v = 2 * u - 1, 2 * v - 1
        q = u * u + v * v
    scale = median / math.sqrt(1 - q)
    if scale * scale * q > limit * limit:
        scale = limit / math.sqrt(q)
    return state, scale * u, scale * v
