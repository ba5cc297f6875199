# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""From particles to the signals that they leave in tracker and calorimeters."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.simulation import energy_spots, showers
from calovision.simulation.detector import PHI_CELLS, TOWER
from calovision.simulation.generator import MUON, PHOTON
from calovision.simulation.propagation import CURVATURE, TWO_PI, copy, through_tracker, to_cylinder
from calovision.utils.compiled import fast

_PION_MASS2 = 0.0195  #: GeV**2


class Canvas(NamedTuple):
    """Work arrays for one image, used again for the next.

    Attributes:
        tracks: transverse momentum by crystal, GeV.
        ecal: energy by crystal, GeV, of the same shape.
        towers: HCAL energy by tower, GeV.
        origin: ``(2,)`` int64 eta and phi number of the grids' first crystal.
        axis: ``(3,)`` eta and phi of the jet, and the distance in eta and in phi beyond which
            particles are left out, rad.
        flow: ``(4,)`` particle-flow px, py, pz, energy, GeV.
        state, ray, arrivals, pairs: see propagation and showers.
    """

    tracks: NDArray[np.float32]
    ecal: NDArray[np.float32]
    towers: NDArray[np.float32]
    origin: NDArray[np.int64]
    axis: NDArray[np.float64]
    flow: NDArray[np.float64]
    state: NDArray[np.float64]
    ray: NDArray[np.float64]
    arrivals: NDArray[np.float64]
    pairs: NDArray[np.float64]


def new_canvas(eta_towers: int, phi_towers: int) -> Canvas:
    """Allocate the work arrays for grids of so many towers."""
    crystals = (eta_towers * TOWER, phi_towers * TOWER)
    return Canvas(
        np.zeros(crystals, np.float32),
        np.zeros(crystals, np.float32),
        np.zeros((eta_towers, phi_towers), np.float32),
        np.zeros(2, np.int64),
        np.zeros(3),
        np.zeros(4),
        np.zeros(7),
        np.zeros(energy_spots.RAY),
        np.zeros((200, 7)),
        np.zeros((100, 8)),
    )


@fast
def set_seed(seed: int) -> None:
    """Seed the generator of the compiled loops."""
    np.random.seed(seed)


@fast
def wrapped(angle: float) -> float:
    """The same angle in -pi..pi."""
    return angle - TWO_PI * math.floor(angle / TWO_PI + 0.5)


@fast
def start(c: Canvas, eta: float, phi: float, reach: float, d: Any) -> None:
    """Clear the canvas and centre its grids on a jet axis, aligned to towers."""
    c.tracks[:] = 0
    c.ecal[:] = 0
    c.towers[:] = 0
    c.flow[:] = 0
    c.axis[0], c.axis[1], c.axis[2] = eta, phi, reach
    rows, cols = c.towers.shape
    c.origin[0] = (math.floor(eta / d.crystal_eta / TOWER) - rows // 2) * TOWER
    c.origin[1] = (math.floor(phi / d.crystal_phi / TOWER) - cols // 2) * TOWER


@fast
def track(c: Canvas, pt: float, eta: float, phi: float, plateau: float, d: Any) -> bool:
    """Reconstruct a charged particle in the tracker, or miss it; returns whether it is found."""
    if abs(eta) > d.track_eta or pt < d.track_threshold:
        return False
    efficiency = 1 - math.exp(-(pt - d.track_threshold) / d.track_turn_on)
    if np.random.random() > plateau * efficiency:
        return False
    width = math.sqrt(
        d.track_resolution**2 + (d.track_curvature * pt) ** 2 + (d.track_resolution_eta * eta) ** 2
    )
    i = math.floor(eta / d.crystal_eta) - c.origin[0]
    j = (math.floor(phi / d.crystal_phi) - c.origin[1]) % PHI_CELLS
    if 0 <= i < c.tracks.shape[0] and j < c.tracks.shape[1]:
        c.tracks[i, j] += pt * max(1 + np.random.normal() * width, 0.1)
    return True


@fast
def flow(
    c: Canvas, pt: float, eta: float, phi: float, e: float, q: int, kind: int, tracked: bool, d: Any
) -> None:
    """Add a particle to the jet's momentum as particle flow would see it."""
    response = 0.0
    if kind == PHOTON:
        if e > d.flow_photon_threshold:
            width = math.sqrt(d.flow_photon_stochastic**2 / e + d.flow_photon_constant**2)
            response = 1 + np.random.normal() * width
    elif tracked:
        response = 1 + np.random.normal() * d.flow_track_resolution
        if kind > MUON and np.random.random() < d.flow_tail:  # its energy is counted once more
            response += np.random.exponential(d.flow_tail_scale)
    elif kind != MUON and e > d.flow_hadron_threshold and (q == 0 or pt > d.flow_hadron_reach):
        width = math.sqrt(d.flow_hadron_stochastic**2 / e + d.flow_hadron_constant**2)
        response = max(1 + np.random.normal() * width, 0.0) * d.flow_hadron_response
    if response > 0:
        pz = pt * math.sinh(eta)
        mass2 = _PION_MASS2 if kind > MUON else 0.0
        c.flow[0] += response * pt * math.cos(phi)
        c.flow[1] += response * pt * math.sin(phi)
        c.flow[2] += response * pz
        c.flow[3] += response * math.sqrt(pt * pt + pz * pz + mass2)


@fast
def secondaries(c: Canvas, pt: float, eta: float, phi: float, d: Any) -> None:
    """Tracks of charged particles that a hadron knocks out of the tracker material."""
    for _ in range(np.random.poisson(d.secondary_rate * math.pow(pt, d.secondary_growth))):
        soft = min(np.random.exponential(d.secondary_share), 1.0) * pt
        across = d.secondary_kick / (soft + d.secondary_kick)
        away_eta, away_phi = np.random.normal() * across, np.random.normal() * across
        track(c, soft, eta + away_eta, wrapped(phi + away_phi), d.track_efficiency, d)


@fast
def conversion(c: Canvas, electron: Any, d: Any) -> None:
    """Track of an electron from a photon conversion, at its direction next to the beam."""
    r = math.hypot(electron[0], electron[1])
    if r < d.conversion_radius:
        pt = math.hypot(electron[3], electron[4])
        turned = electron[6] * math.atan2(r * CURVATURE * d.field, pt)
        phi = wrapped(math.atan2(electron[4], electron[3]) + turned)
        track(c, pt, math.asinh(electron[5] / pt), phi, d.conversion_efficiency, d)


@fast
def calorimeters(c: Canvas, e: float, q: int, kind: int, layers: Any, d: Any) -> None:
    """Take the particle in ``c.state`` to the calorimeters and shower it there."""
    n = 1
    if kind < MUON:
        n, born = through_tracker(c.state, layers, d.field, d.photon_cut, c.arrivals, c.pairs)
        for k in range(born):
            conversion(c, c.pairs[k], d)
    elif to_cylinder(c.state, d.ecal_radius, d.field):
        copy(c.state, c.arrivals[0])
    else:
        return
    for k in range(n):
        at = c.arrivals[k]
        if abs(math.asinh(at[2] / d.ecal_radius) - c.axis[0]) > c.axis[2]:
            continue
        if abs(wrapped(math.atan2(at[1], at[0]) - c.axis[1])) > c.axis[2]:
            continue
        p = energy_spots.set_ray(c.ray, at)
        if kind == MUON:
            energy_spots.add(c.ecal, c.origin, 1, c.ray, 0.0, 0.0, 0.0, d.ecal_mip, d)
            energy_spots.add(c.towers, c.origin, TOWER, c.ray, 0.0, 0.0, 0.0, d.hcal_mip, d)
        elif kind > MUON:
            showers.hadron(e, q != 0, c.ray, c.ecal, c.towers, c.origin, d)
        elif p > d.em_threshold:
            if at[6] == 0:
                showers.photon(p, c.ray, c.ecal, c.origin, d)
            else:
                showers.electron(p, 0.0, c.ray, c.ecal, c.origin, d)


@fast
def collision(
    c: Canvas, p: Any, member: Any, event: int, slot: int, each: Any, layers: Any, d: Any
) -> int:
    """Add the particles of a collision that lie around the axis to the canvas.

    Args:
        c: started.
        p: particles.
        member: ``(particles,)`` which jet a particle belongs to.
        event: number of the collision.
        slot: of the jet whose momentum is summed.
        each: ``(k, 4)``: none, or filled with eta, phi, pt and energy of the particle flow of
            every particle that has some, instead of their sum.
        layers: of the tracker.
        d: the detector.

    Returns:
        How many rows of ``each`` were filled.
    """
    z = np.random.normal() * d.beam_spot_length
    n = 0
    for k in range(p.offsets[event], p.offsets[event + 1]):
        eta, phi, q = p.eta[k], p.phi[k], p.charge[k]
        if abs(eta - c.axis[0]) > c.axis[2]:
            continue
        if q == 0 and abs(wrapped(phi - c.axis[1])) > c.axis[2]:
            continue
        pt, e, kind = p.pt[k], p.energy[k], p.kind[k]
        # as of other particles: code for two kinds of numbers would be compiled twice
        pt64, eta64, phi64 = np.float64(pt), np.float64(eta), np.float64(phi)
        tracked = q != 0 and track(c, pt64, eta64, phi64, d.track_efficiency, d)
        if kind > MUON:
            secondaries(c, pt64, eta64, phi64, d)
        if member[k] == slot:
            flow(c, pt, eta, phi, e, q, kind, tracked, d)
        s = c.state
        s[0], s[1], s[2] = 0.0, 0.0, z
        s[3], s[4], s[5], s[6] = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), q
        calorimeters(c, np.float64(e), q, kind, layers, d)
        if len(each) > 0 and c.flow[3] > 0:
            each[n, 0], each[n, 1] = eta, phi
            each[n, 2], each[n, 3] = math.hypot(c.flow[0], c.flow[1]), c.flow[3]
            c.flow[0], c.flow[1], c.flow[2], c.flow[3] = 0.0, 0.0, 0.0, 0.0
            n += 1
    return n
