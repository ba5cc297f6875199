# ruff: noqa: NPY002 (the compiled generator has its own stream, seeded per call)
"""Pile-up: the detector's response to minimum-bias collisions, simulated once, added to jets.

Every jet gets a Poisson number of collisions, each rotated by a random number of towers and
mirrored at random, so that every response of the library stands for 144 different ones.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.simulation import minimum_bias
from calovision.simulation.detector import PHI_CELLS, TOWER, Detector, record, tracker_layers
from calovision.simulation.generator import Particles, no_particles
from calovision.simulation.response import Canvas, collision, new_canvas, set_seed, start, wrapped
from calovision.utils import cache
from calovision.utils.compiled import fast, key
from calovision.utils.waiting import waits_for

#: constants of :class:`Detector` that act after pile-up has been added
OF_THE_READ_OUT = (
    "pileup",
    "pileup_spread",
    "fake_rate",
    "fake_threshold",
    "fake_limit",
    "fake_spread",
    "ecal_scale",
    "ecal_growth",
    "hcal_growth",
    "ecal_noise",
    "ecal_seed",
    "ecal_neighbours",
    "ecal_threshold",
    "hcal_scale",
    "hcal_noise",
    "hcal_threshold",
    "jet_radius",
    "jet_threshold",
    "jet_turn_on",
    "jet_scale",
    "pileup_offset",
    "seed_distance",
)
_SEED = 20130217
_PHI_TOWERS = PHI_CELLS // TOWER
_ETA_TOWERS = 71  #: covers abs(eta) < 3.08, all that the library holds
_UPDATE_COLLISIONS = 300  #: collisions between two messages about the progress
_EVERYWHERE = 10.0  #: a reach in eta and phi that leaves nothing out


class Signals(NamedTuple):
    """Energies by crystal or tower, jagged over collisions.

    Attributes:
        offsets: ``(n + 1,)`` int64, first entry of every collision.
        eta: ``(m,)`` int16 number of the crystal or tower, 0 beginning at eta = 0.
        phi: ``(m,)`` int16 number of the crystal or tower, 0 beginning at phi = 0.
        energy: ``(m,)`` float32 energy, or a track's transverse momentum, GeV.
    """

    offsets: NDArray[np.int64]
    eta: NDArray[np.int16]
    phi: NDArray[np.int16]
    energy: NDArray[np.float32]


class Flow(NamedTuple):
    """Particle-flow candidates, jagged over collisions.

    Attributes:
        offsets: ``(n + 1,)`` int64, first entry of every collision.
        eta: ``(m,)`` float32 direction at the vertex.
        phi: ``(m,)`` float32 direction at the vertex, rad.
        pt: ``(m,)`` float32, GeV.
        energy: ``(m,)`` float32, GeV.
    """

    offsets: NDArray[np.int64]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    pt: NDArray[np.float32]
    energy: NDArray[np.float32]


class Response(NamedTuple):
    """The detector's response to a library of minimum-bias collisions."""

    tracks: Signals
    ecal: Signals
    towers: Signals
    flow: Flow


@functools.cache
def response(detector: Detector) -> Response:
    """The response of ``detector`` to the library, from the cache if it is there."""
    if detector.pileup == 0:
        return expose(no_particles(), detector)
    about = response_key(detector)
    name = f"response-{cache.digest(key(expose), minimum_bias.key(), about, _SEED)}"
    flat = cache.arrays(
        name, lambda: _flatten(expose(minimum_bias.collisions(), detector, _show_progress))
    )
    tracks, ecal, towers = (
        Signals(**{f: flat[f"{name}_{f}"] for f in Signals._fields})
        for name in ("tracks", "ecal", "towers")
    )
    return Response(tracks, ecal, towers, Flow(**{f: flat[f"flow_{f}"] for f in Flow._fields}))


def response_key(detector: Detector) -> Detector:
    """The same detector, but for constants that do not change its response to the library."""
    return detector._replace(**dict.fromkeys(OF_THE_READ_OUT, 0))


def _show_progress(done: int) -> None:
    waits_for(f"pile-up library, once per machine, {done / minimum_bias.COLLISIONS:.0%}")


def _flatten(found: Response) -> dict[str, NDArray[Any]]:
    return {f"{k}_{f}": v for k, part in found._asdict().items() for f, v in part._asdict().items()}


def expose(
    library: Particles, detector: Detector, progress: Callable[[int], object] = lambda done: None
) -> Response:
    """Simulate the response of the whole detector to every collision of a library.

    Args:
        library: the collisions.
        detector: its description.
        progress: called now and then with the number of collisions that are done.
    """
    canvas, layers = new_canvas(_ETA_TOWERS, _PHI_TOWERS), tracker_layers()
    constants = record(detector)
    grids = {"tracks": canvas.tracks, "ecal": canvas.ecal, "towers": canvas.towers}
    found: dict[str, list[tuple[NDArray[Any], ...]]] = {name: [] for name in grids}
    flows = []
    most = int(np.diff(library.offsets).max(initial=0))
    flow = np.zeros((most, 4), np.float32)
    member = np.zeros(len(library.pt), np.int8)
    for event in range(len(library.offsets) - 1):
        set_seed(_SEED + event)  # another constant then changes every collision by itself
        if event % _UPDATE_COLLISIONS == 0:
            progress(event)
        start(canvas, 0.0, 0.0, _EVERYWHERE, constants)
        canvas.origin[1] = 0
        n = collision(canvas, library, member, event, 0, flow, layers, constants)
        flows.append(flow[:n].copy())
        for name, grid in grids.items():
            i, j = np.divmod(np.flatnonzero(grid != 0), grid.shape[1])
            size = TOWER if name == "towers" else 1
            eta, phi = i + canvas.origin[0] // size, j + canvas.origin[1] // size
            found[name].append((eta.astype(np.int16), phi.astype(np.int16), grid[i, j]))
    signals = {name: _joined(parts) for name, parts in found.items()}
    columns = np.concatenate(flows).T if flows else np.zeros((4, 0), np.float32)
    counts = np.array([len(f) for f in flows])
    return Response(
        **signals, flow=Flow(offsets_of(counts), *(np.ascontiguousarray(c) for c in columns))
    )


def first_collisions(found: Response, number: int) -> Response:
    """The response to the first collisions alone: those of a library do not depend on others."""
    return Response(*(first_of(part, number) for part in found))


def first_of(part: Any, number: int) -> Any:
    """What is jagged over collisions for the first of them alone."""
    end = part.offsets[number]
    return type(part)(part.offsets[: number + 1], *(column[:end] for column in part[1:]))


def _joined(parts: list[tuple[NDArray[Any], ...]]) -> Signals:
    eta, phi, energy = (np.concatenate(column) for column in zip(*parts, strict=True))
    counts = np.array([len(part[0]) for part in parts])
    return Signals(offsets_of(counts), eta, phi, energy.astype(np.float32))


@fast
def _lay(
    grid: Any, signals: Any, event: int, first_eta: int, first_phi: int, around: int, mirror: bool
) -> None:
    """Add one collision's signals to a grid whose first cell and phi period are given."""
    rows, cols = grid.shape
    for k in range(signals.offsets[event], signals.offsets[event + 1]):
        eta = -1 - signals.eta[k] if mirror else signals.eta[k]
        i = eta - first_eta
        if 0 <= i < rows:
            j = (signals.phi[k] - first_phi) % around
            if j < cols:
                grid[i, j] += signals.energy[k]


@fast
def _add_flow(c: Canvas, f: Any, event: int, turn: float, sign: float, radius: float) -> None:
    """Add one collision's particle flow within ``radius`` of the jet axis to the jet."""
    for k in range(f.offsets[event], f.offsets[event + 1]):
        eta = sign * f.eta[k]
        if abs(eta - c.axis[0]) < radius:
            phi = f.phi[k] + turn
            if math.hypot(eta - c.axis[0], wrapped(phi - c.axis[1])) < radius:
                c.flow[0] += f.pt[k] * math.cos(phi)
                c.flow[1] += f.pt[k] * math.sin(phi)
                c.flow[2] += f.pt[k] * math.sinh(eta)
                c.flow[3] += f.energy[k]


@fast
def overlay(c: Canvas, library: Response, d: Any) -> int:
    """Add pile-up to the canvas; returns the number of collisions."""
    mean = d.pileup  # of the luminosity at the time, which changes
    if d.pileup_spread > 0:
        mean *= np.random.gamma(1 / d.pileup_spread**2, d.pileup_spread**2)
    n = int(np.random.poisson(mean))
    eta, phi = c.origin[0], c.origin[1]
    for _ in range(n):
        event = np.random.randint(len(library.flow.offsets) - 1)
        turn = np.random.randint(_PHI_TOWERS)
        mirror = np.random.random() < 0.5
        crystals = turn * TOWER
        _lay(c.tracks, library.tracks, event, eta, phi - crystals, PHI_CELLS, mirror)
        _lay(c.ecal, library.ecal, event, eta, phi - crystals, PHI_CELLS, mirror)
        _lay(
            c.towers, library.towers, event, eta // TOWER, phi // TOWER - turn, _PHI_TOWERS, mirror
        )
        angle, sign = crystals * d.crystal_phi, -1.0 if mirror else 1.0
        _add_flow(c, library.flow, event, angle, sign, d.jet_radius)
    return n
