"""What showers in a cylinder are described by: the quantities of the CaloChallenge.

Of every layer: its energy, the energy-weighted means and standard deviations of x, y and radius
(mm), and the share of its voxels that are empty (arXiv:2410.21611; there x and y are called eta and
phi). All are 0 in a layer without energy, which is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events

Floats = NDArray[np.float64]

MEV = 1e-3  #: GeV
SMALL = 1e-8  #: MeV; added before logarithms, as in the challenge's code
LENGTH = 100.0  #: mm; brings centres and widths to the size of one
NO_ENERGY = 1e-12  #: GeV; a layer with less has no centre


@dataclass(frozen=True)
class Layers:
    """Quantities of the layers of showers, each ``(n, layers)``.

    Attributes:
        energy: GeV.
        centre: by ``x``, ``y``, ``r`` the means, mm.
        width: by ``x``, ``y``, ``r`` the standard deviations, mm.
        empty: share of voxels without energy.
    """

    energy: Floats
    centre: dict[str, Floats]
    width: dict[str, Floats]
    empty: Floats

    @classmethod
    def of(cls, events: Events) -> Layers:
        """Those of some showers."""
        grid, n = events.geometry, len(events)
        count = len(grid.channels)
        index = events.owner * count + events.channel
        energy = events.energy.astype(np.float64)

        def summed(weight: Floats) -> Floats:
            found = np.bincount(index, weight, n * count).astype(np.float64)
            return found.reshape(n, count)

        total = summed(energy)
        lit = total > NO_ENERGY
        safe = np.where(lit, total, 1.0)
        centre, width = {}, {}
        for name, at in (("x", grid.eta), ("y", grid.phi), ("r", grid.radius)):
            place = at(events.cell, events.channel).astype(np.float64)
            mean = np.where(lit, summed(energy * place) / safe, 0.0)
            square = np.where(lit, summed(energy * place**2) / safe, 0.0)
            centre[name], width[name] = mean, np.sqrt(np.clip(square - mean**2, 0, None))
        voxels = np.array([c.voxels for c in grid.channels])
        return cls(total, centre, width, 1 - summed((energy > 0).astype(np.float64)) / voxels)


def incident(events: Events) -> Floats:
    """``(n,)`` energies of the incident particles, MeV.

    Raises:
        InputError: they are not known, or one is not positive.
    """
    if "energy" not in events.columns:
        raise InputError(
            "the showers have no incident energies", "give a column energy (GeV) of the particles"
        )
    found = np.asarray(events.columns["energy"], np.float64) / MEV
    if not (found > 0).all():
        raise InputError("an incident energy is not above 0", "correct or remove that shower")
    return found


def in_sectors(events: Events) -> NDArray[np.bool_]:
    """``(layers,)`` which layers are divided in azimuth, and have a centre in x and y."""
    return np.array([c.sectors > 1 for c in events.geometry.channels])


def shower_observables(events: Events) -> dict[str, Floats]:
    """Observables of showers in a cylinder.

    Args:
        events: ``n`` showers.

    Returns:
        Name to ``(n,)``: ``response``, the energy over that of the incident particle, where it is
        known; per layer ``c`` ``sum_e_c`` (GeV), ``empty_c`` (share of voxels), ``centre_r_c`` and
        ``width_r_c`` (mm), and, if it is divided in azimuth, the same of x and y.
    """
    layers, divided = Layers.of(events), in_sectors(events)
    found: dict[str, Floats] = {}
    if "energy" in events.columns:
        found["response"] = layers.energy.sum(1) / (incident(events) * MEV)
    for c, name in enumerate(events.geometry.channel_names):
        found[f"sum_e_{name}"], found[f"empty_{name}"] = layers.energy[:, c], layers.empty[:, c]
        for axis in ("x", "y", "r") if divided[c] else ("r",):
            found[f"centre_{axis}_{name}"] = layers.centre[axis][:, c]
            found[f"width_{axis}_{name}"] = layers.width[axis][:, c]
    return found


def challenge_table(events: Events) -> Floats:
    """The table of which the challenge computes FPD and KPD, and which its judge learns from.

    Returns:
        ``(n, k)``: log10 of the incident energy and of that of every layer (MeV), then the means of
        x and of y and the standard deviations of both, in units of 100 mm, of layers that are
        divided in azimuth.
    """
    layers, divided = Layers.of(events), in_sectors(events)
    logarithms = np.log10(np.clip(layers.energy / MEV, 0, None) + SMALL)
    places = [of[a][:, divided] / LENGTH for of in (layers.centre, layers.width) for a in "xy"]
    return np.concatenate([np.log10(incident(events))[:, None], logarithms, *places], axis=1)
