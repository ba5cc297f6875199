# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Charged and neutral particles from the vertex to the calorimeter.

A state is an array of seven numbers: position x, y, z (mm), momentum px, py, pz (GeV), charge.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calovision.utils.compiled import fast, inlined

CURVATURE = 0.299792458e-3  #: transverse momentum per field and bending radius, GeV/(T mm)
TWO_PI = 2 * math.pi
MAX_SECONDARIES = 256  #: photons, electrons and positrons followed per primary
_ROUNDING = 1e-9  #: larger than the error of a turn, rad
_STOPPED = 0.02  #: transverse momentum below which an electron no longer leaves the tracker, GeV
_MULTIPLE_SCATTERING = 0.0136  #: Highland constant, GeV


@fast
def to_cylinder(state: Any, radius: float, field: float) -> bool:
    """Move a state outwards to a cylinder about the beam, in place.

    Args:
        state: see the module's docstring.
        radius: of the cylinder, mm.
        field: along +z, T.

    Returns:
        Whether the particle gets there (a curling one may not); if not, it stays.
    """
    x, y, px, py = state[0], state[1], state[3], state[4]
    pt = math.sqrt(px * px + py * py)
    if state[6] == 0:
        along = (x * px + y * py) / pt
        root = along * along - x * x - y * y + radius * radius
        if root < 0:
            return False
        step = math.sqrt(root) - along
        state[0] += step * px / pt
        state[1] += step * py / pt
        state[2] += step * state[5] / pt
        return True
    bend = pt / (CURVATURE * field)
    turn = -state[6]  # a positive particle turns clockwise in a field along +z
    cx, cy = x - turn * py / pt * bend, y + turn * px / pt * bend
    centre = math.sqrt(cx * cx + cy * cy)
    if centre + bend < radius or abs(centre - bend) > radius:
        return False
    # the arc inside the cylinder leaves it on a known side of the line to the bending centre
    a = (radius * radius - bend * bend + centre * centre) / (2 * centre)
    h = -turn * math.sqrt(max(radius * radius - a * a, 0.0))
    to_x, to_y = (a * cx - h * cy) / centre, (a * cy + h * cx) / centre
    # the turn about the bending centre, from the position before to the one after
    ax, ay, bx, by = x - cx, y - cy, to_x - cx, to_y - cy
    c, s = (ax * bx + ay * by) / (bend * bend), (ax * by - ay * bx) / (bend * bend)
    angle = turn * math.atan2(s, c)
    if angle < -_ROUNDING:  # a particle on the cylinder already would turn once
        angle += TWO_PI
    state[0], state[1] = to_x, to_y
    state[2] += angle * bend * state[5] / pt
    state[3], state[4] = c * px - s * py, s * px + c * py
    return True


@inlined
def copy(state: Any, to: Any) -> None:
    """Copy a state."""
    for i in range(7):
        to[i] = state[i]


@fast
def _push(stack: Any, top: int, state: Any, fraction: float, charge: float, layer: int) -> int:
    if top < len(stack):
        for i in range(3):
            stack[top, i], stack[top, 3 + i] = state[i], fraction * state[3 + i]
        stack[top, 6], stack[top, 7] = charge, layer
        top += 1
    return top


@fast
def pair_fraction() -> float:
    """Energy share of one electron of a pair, from 1 - 4/3 x (1 - x)."""
    while True:
        x = np.random.random()
        if np.random.random() < 1 - 4 / 3 * x * (1 - x):
            return x


@fast
def _scatter(state: Any, p: float, thickness: float) -> None:
    """Multiple Coulomb scattering in ``thickness`` radiation lengths (Highland)."""
    width = _MULTIPLE_SCATTERING / p * math.sqrt(thickness)
    px, py = state[3], state[4]
    pt = math.sqrt(px * px + py * py)
    turn = np.random.normal() * width * p / pt
    polar = math.atan2(pt, state[5]) + np.random.normal() * width
    scale = p * abs(math.sin(polar)) / pt
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    state[3], state[4], state[5] = c * px - s * py, s * px + c * py, p * math.cos(polar)


@fast
def _radiate(
    state: Any, p: float, thickness: float, cut: float, stack: Any, top: int, layer: int
) -> int:
    """Bremsstrahlung, complete screening: dN/dy = t/y (4/3 - 4/3 y + y^2) above ``cut`` GeV."""
    lowest = cut / p
    if lowest >= 1:
        return top
    for _ in range(np.random.poisson(thickness * 4 / 3 * math.log(1 / lowest))):
        y = lowest ** np.random.random()
        if np.random.random() < 1 - y + 0.75 * y * y:
            top = _push(stack, top, state, y, 0.0, layer)
            for i in range(3, 6):
                state[i] *= 1 - y
    return top


@fast
def _conversion_layer(state: Any, layers: Any, first: int) -> int:
    """Layer from ``first`` on in which a photon converts; the last one if it does not."""
    x, y, px, py = state[0], state[1], state[3], state[4]
    pt = math.sqrt(px * px + py * py)
    p = math.sqrt(pt * pt + state[5] ** 2)
    along = (x * px + y * py) / pt
    beside2 = x * x + y * y - along * along  # of the line's distance from the beam
    last = len(layers) - 1
    # the pair cross-section falls below its high-energy limit at low energies
    ahead = np.random.exponential() / (7 / 9 * (1 - 0.25 * min(1.0, 0.02 / p)))
    for i in range(first, last):
        radius = layers[i, 0]
        outward = math.sqrt(max(radius * radius - beside2, 0.0))
        z = abs(state[2] + (outward - along) * state[5] / pt)
        if layers[i, 2] <= z < layers[i, 3]:
            ahead -= layers[i, 1] / max(outward * pt / (radius * p), 0.05)
            if ahead < 0:
                return i
    return last


@fast
def _material(state: Any, layers: Any, i: int) -> float:
    """Radiation lengths crossed at layer ``i``; 0 outside its range in z."""
    z = abs(state[2])
    if layers[i, 1] == 0 or z < layers[i, 2] or z >= layers[i, 3]:
        return 0.0
    p = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    cosine = abs(state[0] * state[3] + state[1] * state[4]) / (layers[i, 0] * p)
    return float(layers[i, 1] / max(cosine, 0.05))


@fast
def through_tracker(
    primary: Any, layers: Any, field: float, cut: float, out: Any, pairs: Any
) -> tuple[int, int]:
    """Follow a photon or electron and its secondaries through the tracker material.

    Args:
        primary: its state at the vertex; replaced by its last one, where it leaves the tracker,
            converts or stops.
        layers: :func:`~calovision.simulation.detector.tracker_layers`.
        field: along +z, T.
        cut: lowest energy of a secondary, GeV.
        out: ``(k, 7)``, filled with the states at the last layer.
        pairs: ``(k, 8)``, filled with the states of conversion electrons at their birth.

    Returns:
        How many states were filled in ``out`` and in ``pairs``.
    """
    stack = np.empty((MAX_SECONDARIES, 8))
    state = np.empty(7)
    top, found, last = _push(stack, 0, primary, 1.0, primary[6], 0), 0, len(layers) - 1
    born, first = 0, True
    while top > 0:
        top -= 1
        copy(stack[top], state)
        i = int(stack[top, 7])
        if state[6] == 0:
            i = _conversion_layer(state, layers, i)
            arrives = to_cylinder(state, layers[i, 0], field) and i == last
            if i < last:
                p = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
                x = pair_fraction()
                for share, charge in ((x, -1.0), (1 - x, 1.0)):
                    if share * p > cut:
                        top = _push(stack, top, state, share, charge, i + 1)
                        born = _push(pairs, born, state, share, charge, 0)
        else:
            arrives = True
        while arrives and state[6] != 0:
            if not to_cylinder(state, layers[i, 0], field):
                arrives = False
                break
            if i == last:
                break
            thickness = _material(state, layers, i)
            i += 1
            if thickness > 0:
                p = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
                _scatter(state, p, thickness)
                top = _radiate(state, p, thickness, cut, stack, top, i)
                arrives = math.sqrt(state[3] ** 2 + state[4] ** 2) > _STOPPED
        if first:
            copy(state, primary)
            first = False
        if arrives and found < len(out):
            copy(state, out[found])
            found += 1
    return found, born
