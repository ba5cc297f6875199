"""Simulated jets on another grid than the public one: coarser pixels, other channels.

The detector stays the same: a tracker, an electromagnetic calorimeter of crystals and a hadronic
one of towers, and muon chambers, which the public images leave out. A
:class:`~calovision.events.geometry.Geometry` says which of them an image shows, and how fine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.simulation.detector import TOWER, Detector
from calovision.simulation.generator import MUON, Jets
from calovision.utils import streams

MUON_PT = 3.0  #: GeV; softer muons stop in the calorimeters, or curl up in the field
TRACKER, ECAL, HCAL, MUON_CHAMBERS = range(4)  #: the first three as in JET_IMAGES
_MAX_CHANNELS = {"tracker": 1, "calorimeter": 2, "muon": 1}
_ROUNDING = 1e-6  # relative


class Deposits(NamedTuple):
    """What the parts of the detector measured, flat over jets.

    Attributes:
        owner: ``(m,)`` number of the jet.
        part: ``(m,)`` :data:`TRACKER` to :data:`MUON_CHAMBERS`.
        place: ``(m, 2)`` eta and phi from the middle of the jet's window, rad.
        energy: ``(m,)`` GeV; transverse momentum of tracks and muons.
    """

    owner: NDArray[np.int64]
    part: NDArray[np.int64]
    place: NDArray[np.float64]
    energy: NDArray[np.float64]


def check_simulable(geometry: Geometry) -> None:
    """Refuse a grid that the simulated detector cannot fill.

    Raises:
        InputError: it is no grid of jet images; it has other channels than at most one tracker,
            two calorimeters and one muon detector; its pixels are finer than a crystal; or it is
            wider than the window that is simulated.
    """
    if not geometry.is_sound() or geometry.schema != JET_IMAGES.schema:
        raise InputError(f"{geometry.name!r} is no grid of jet images", "see cv.Geometry")
    kinds = [str(c.kind) for c in geometry.channels]
    if any(kinds.count(kind) > _MAX_CHANNELS.get(kind, 0) for kind in kinds):
        raise InputError(
            f"channels of the kinds {', '.join(kinds)} cannot be simulated",
            "give at most one tracker, an electromagnetic and a hadronic calorimeter, one muon",
        )
    size = np.array([geometry.rows, geometry.cols]) * geometry.pitch
    window = np.array([JET_IMAGES.rows, JET_IMAGES.cols]) * JET_IMAGES.pitch
    if (np.array(geometry.pitch) < np.array(JET_IMAGES.pitch) * (1 - _ROUNDING)).any():
        raise InputError(
            f"pixels of {geometry.pitch} are finer than a crystal",
            f"give a pitch of {JET_IMAGES.pitch} or more",
        )
    if (size > window * (1 + _ROUNDING)).any():
        raise InputError(
            f"a grid of {size[0]:.3g} x {size[1]:.3g} in eta and phi is wider than the simulated "
            f"surroundings of a jet, {window[0]:.3g} x {window[1]:.3g}",
            "give fewer pixels, or a smaller pitch",
        )


def regrid(
    seen: Events,
    geometry: Geometry,
    jets: Jets,
    corner: NDArray[np.int64],
    seed: int | NDArray[np.uint32],
    detector: Detector,
) -> Events:
    """Simulated jets on another grid.

    The energy of a tower is shared equally among the crystals before it, and every crystal counts
    for the pixel, or the larger readout cell, in which its middle lies.

    Args:
        seen: the jets on :data:`~calovision.events.geometry.JET_IMAGES`.
        geometry: the grid; see :func:`check_simulable`.
        jets: the same jets before the detector.
        corner: ``(n, 2)`` number of the first crystal of every jet's window in eta and in phi.
        seed: of the muons' resolution.
        detector: its description.
    """
    parts = (_crystals(seen), _muons(jets, corner, seed, detector))
    found = Deposits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    channel = np.array(_channels(geometry))[found.part]
    grid = np.array([geometry.rows, geometry.cols])
    pixel = np.floor(found.place / geometry.pitch + grid / 2).astype(np.int64)
    inside = (channel >= 0) & ((pixel >= 0) & (pixel < grid)).all(axis=1)
    owner, channel, pixel = found.owner[inside], channel[inside], pixel[inside]
    block = np.array([c.block for c in geometry.channels])[channel, None]
    row, col = (pixel // block * block + block // 2).T
    width = len(geometry.channels)
    key = ((owner * width + channel) * geometry.rows + row) * geometry.cols + col
    key, number = np.unique(key, return_inverse=True)
    energy = np.bincount(number, found.energy[inside], len(key))
    layer, cell = np.divmod(key, geometry.cells)
    owner, code = np.divmod(layer, width)
    unit = np.array([c.gev_per_unit * c.block**2 for c in geometry.channels])
    return Events(
        geometry,
        np.searchsorted(owner, np.arange(len(seen) + 1)),
        cell.astype(np.uint16),
        code.astype(np.uint8),
        (energy / unit[code]).astype(np.float32),
        seen.columns,
    )


def _channels(geometry: Geometry) -> list[int]:
    """Channel of every part of the detector, -1 for none; one calorimeter alone shows both."""
    of_kind: dict[str, list[int]] = {kind: [] for kind in _MAX_CHANNELS}
    for number, channel in enumerate(geometry.channels):
        of_kind[str(channel.kind)].append(number)
    tracker, calorimeters, muon = (numbers or [-1] for numbers in of_kind.values())
    return [tracker[0], calorimeters[0], calorimeters[-1], muon[0]]


def _crystals(seen: Events) -> Deposits:
    """The hits of tracker and calorimeters, crystal by crystal."""
    copies = np.where(seen.code == HCAL, TOWER**2, 1)
    hit = np.repeat(np.arange(len(seen.code)), copies)
    part = seen.code[hit].astype(np.int64)
    place = np.stack(np.divmod(seen.cell[hit].astype(np.int64), JET_IMAGES.cols), axis=1)
    steps = np.indices((TOWER, TOWER)).reshape(2, -1).T - TOWER // 2
    place[part == HCAL] += np.tile(steps, (int((copies > 1).sum()), 1))
    place = place - (JET_IMAGES.rows - 1) / 2
    return Deposits(seen.owner[hit], part, place * JET_IMAGES.pitch, seen.energy[hit] / copies[hit])


def _muons(
    jets: Jets, corner: NDArray[np.int64], seed: int | NDArray[np.uint32], detector: Detector
) -> Deposits:
    """Muons of the jets' own collisions, in the direction in which they leave the vertex.

    Their momenta are measured as those of tracks. Muons of pile-up are soft, and left out.
    """
    particles = jets.particles
    wanted = (particles.kind == MUON) & (particles.pt > MUON_PT)
    muons = [
        first + np.flatnonzero(wanted[first:last])
        for first, last in zip(
            particles.offsets[jets.collision], particles.offsets[jets.collision + 1], strict=True
        )
    ]
    owner = np.repeat(np.arange(len(jets)), [len(m) for m in muons])
    chosen = np.concatenate([*muons, np.zeros(0, np.int64)])
    pt, eta, phi = (
        values[chosen].astype(np.float64) for values in (particles.pt, particles.eta, particles.phi)
    )
    middle = (corner[owner] + JET_IMAGES.rows / 2) * JET_IMAGES.pitch
    place = np.stack([eta, phi], axis=1) - middle
    place[:, 1] = (place[:, 1] + np.pi) % (2 * np.pi) - np.pi
    d = detector
    width = np.sqrt(
        d.track_resolution**2 + (d.track_curvature * pt) ** 2 + (d.track_resolution_eta * eta) ** 2
    )
    random = streams.rng(streams.Stream.MUONS, np.ravel(seed).astype(np.uint32))
    deviation = random.normal(size=len(pt)) * width
    smeared = pt * np.maximum(1 + deviation, 0.1)
    return Deposits(owner, np.full(len(owner), MUON_CHAMBERS), place, smeared)
