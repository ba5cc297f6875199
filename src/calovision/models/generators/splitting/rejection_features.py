"""Numbers by which generated events are told from true ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.summary import image_summary
from calovision.models.generators.splitting.global_features import CONE, learned
from calovision.models.taggers.out_of_distribution import domain_features

RINGS = (0.1, 0.2)  #: rad; radii around the axis within which shares of energy are given
LEAST = 1e-3  #: GeV; energies below count as none
_SEVERAL = 5000  # events at a time

Floats = NDArray[np.float64]


def width(columns: int, channels: int) -> int:
    """Numbers of :func:`features` of events with so many learned columns and channels."""
    return 4 + columns + 15 * channels


def features(events: Events) -> Floats:
    """``(n, k)`` what lies around the window's centre, and around the calorimeters' axis.

    The label (0 where there is none), logarithms of the columns that generators learn (GeV),
    :func:`~calovision.features.summary.image_summary`,
    :func:`~calovision.models.taggers.out_of_distribution.domain_features`, and :func:`axis_shapes`.
    """
    starts = range(0, max(len(events), 1), _SEVERAL)
    return np.concatenate([_features(events[i : i + _SEVERAL]) for i in starts])


def _features(events: Events) -> Floats:
    events = replace(events, value=np.maximum(events.value, 0))  # of times, there is no logarithm
    label = events.columns.get("label", np.zeros(len(events)))
    columns = [np.log(np.maximum(events.columns[c], LEAST)) for c in learned(events)]
    tables = [np.stack([label, *columns], 1), image_summary(events), domain_features(events)]
    return np.concatenate([*tables, axis_shapes(events)], 1).astype(np.float64)


def axis_shapes(events: Events) -> Floats:
    """``(n, 5 C + 2)`` shapes about the energy-weighted centre of the calorimeters.

    Of the hits within 0.4 rad of that axis, per channel: the logarithm of 1 + their number,
    girth (rad), pTD, shares of energy within :data:`RINGS`. Then the logarithms of 1 + pt and
    1 + mass (GeV) of all hits in calorimeters, as massless particles.
    """
    geometry, owner, n = events.geometry, events.owner, len(events)
    energy = np.maximum(events.energy, 0).astype(np.float64)
    eta, phi = geometry.eta(events.cell), geometry.phi(events.cell)
    calorimeter = energy * np.array(geometry.calorimeters)[events.channel]

    def summed(weight: NDArray[Any]) -> Floats:
        return np.bincount(owner, weight, n).astype(np.float64)

    inner = calorimeter * (geometry.radius(events.cell) < CONE)
    total = np.maximum(summed(inner), LEAST)
    centre = [(summed(inner * x) / total)[owner] for x in (eta, phi)]
    distance = np.hypot(eta - centre[0], phi - centre[1])
    near = distance < CONE
    shapes = []
    for c in range(len(geometry.channels)):
        weight = energy * (near & (events.channel == c))
        whole = np.maximum(summed(weight), LEAST)
        shapes += [
            np.log1p(summed(weight > 0)),
            summed(weight * distance) / whole,
            np.sqrt(summed(weight**2)) / whole,
            *(summed(weight * (distance < r)) / whole for r in RINGS),
        ]
    momentum = (np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta))
    e, x, y, z = (summed(calorimeter * f) for f in momentum)
    square = np.maximum(e**2 - x**2 - y**2 - z**2, 0)
    return np.stack([*shapes, np.log1p(np.hypot(x, y)), np.log1p(np.sqrt(square))], 1)
