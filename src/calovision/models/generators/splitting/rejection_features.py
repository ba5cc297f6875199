"""Features by which a classifier tells generated events from true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits, HitSums
from calovision.features.jet_shapes import (
    MIN_ENERGY,
    axis_distance,
    cone_sums,
    image_summary,
    jet_axis,
    momentum,
    scale_features,
)
from calovision.models.generators.splitting.global_features import learned

RINGS = (0.1, 0.2)  #: rad; radii around the axis within which shares of energy are given
CHUNK_EVENTS = 5000  # events at a time

Floats = NDArray[np.float64]


def width(columns: int, channels: int) -> int:
    """Numbers of :func:`features` of events with so many learned columns and channels."""
    return 4 + columns + 15 * channels


def features(events: Events) -> Floats:
    """``(n, k)`` what lies around the window's centre, and around the calorimeters' axis.

    The label (0 where there is none), logarithms of the columns that generators learn (GeV),
    :func:`~calovision.features.jet_shapes.image_summary`,
    :func:`~calovision.features.jet_shapes.scale_features`, and :func:`axis_shapes`.
    """
    starts = range(0, max(len(events), 1), CHUNK_EVENTS)
    return np.concatenate([_features(events[i : i + CHUNK_EVENTS]) for i in starts])


def _features(events: Events) -> Floats:
    events = replace(events, value=np.maximum(events.value, 0))  # of times, there is no logarithm
    label = events.columns.get("label", np.zeros(len(events)))
    columns = [np.log(np.maximum(events.columns[c], MIN_ENERGY)) for c in learned(events)]
    hits = EventHits(events)
    parts = (image_summary(hits).float(), scale_features(hits).float())
    tables = [np.stack([label, *columns], 1), *(part.cpu().numpy() for part in parts)]
    shapes = axis_shapes(hits, events.geometry.calorimeters)
    return np.concatenate([*tables, shapes], 1).astype(np.float64)


def axis_shapes(hits: HitSums, calorimeters: Sequence[bool]) -> Floats:
    """``(n, 5 C + 2)`` shapes about the energy-weighted centre of the calorimeters.

    Of the hits within 0.4 rad of that axis, per channel: the logarithm of 1 + their number,
    girth (rad), pTD, shares of energy within :data:`RINGS`. Then the logarithms of 1 + pt and
    1 + mass (GeV) of all hits in calorimeters, as massless particles.

    Args:
        hits: none of negative energy.
        calorimeters: ``(C,)`` which channels are.
    """
    near = cone_sums(hits, axis_distance(hits, jet_axis(hits, calorimeters)), RINGS)
    whole = near.energy.clamp(min=MIN_ENERGY)
    tables = [near.hits.log1p(), near.width / whole, near.root / whole]
    shapes = torch.stack([*tables, *(ring / whole for ring in near.rings)], 2).flatten(1)
    total = momentum(hits, hits.energy * hits.in_channels(calorimeters))
    return np.asarray(torch.column_stack([shapes, *(x.log1p() for x in total)]).cpu().numpy())
