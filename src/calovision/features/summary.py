"""A few numbers about each image: how many hits, how much energy, how it lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events

#: radii (eta-phi) within which shares of energy and numbers of hits are given
RADII = (0.1, 0.2, 0.4)

Floats = NDArray[np.float64]


def image_summary(events: Events) -> NDArray[np.float32]:
    """``(n, 7 C)`` float32.

    ``log(N + 1/2)`` and ``log(sum E + 1 MeV)`` per channel (GeV); then per channel the
    energy-weighted mean radius, pTD = sqrt(sum E^2) / sum E, and the shares of energy within
    :data:`RADII` of the window centre.
    """
    energy, radius = events.energy.astype(np.float64), events.geometry.radius(events.cell)
    sums = _per_channel(events, energy)
    safe = np.maximum(sums, 1e-3)
    parts = [np.log(events.counts() + 0.5), np.log(sums + 1e-3)]
    parts += [_per_channel(events, energy * radius) / safe]
    parts += [np.sqrt(_per_channel(events, energy**2)) / safe]
    parts += [_per_channel(events, energy * (radius < r)) / safe for r in RADII]
    return np.concatenate(parts, 1).astype(np.float32)


def core_multiplicity(events: Events) -> NDArray[np.float32]:
    """``(n, 3 C)`` float32 ``log(N + 1/2)`` of the hits within each of :data:`RADII`."""
    radius = events.geometry.radius(events.cell)
    counts = [_per_channel(events, (radius < r).astype(np.float64)) for r in RADII]
    return np.log(np.concatenate(counts, 1) + 0.5).astype(np.float32)


def _per_channel(events: Events, weights: Floats) -> Floats:
    """``(n, C)`` sums of the hits' weights."""
    n, channels = len(events), len(events.geometry.channels)
    flat = np.bincount(events.owner * channels + events.channel, weights, minlength=n * channels)
    return flat.astype(np.float64).reshape(n, channels)
