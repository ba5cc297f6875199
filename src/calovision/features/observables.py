"""Observables of jets and crops from their hits.

All are per event, ``(n,)``. Energies of tracks are transverse momenta; calorimeter energies are
taken as transverse, as the public images have them. Angles are relative to the window centre, so
the mass, which is invariant under boosts along the beam, needs no absolute eta. The jet axis is
the energy-weighted centre of the calorimeters' hits within 0.4 rad of the window centre; that of a
crop is the centre of its energy. A time is no energy: it has observables of its own.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import (
    CONE,
    CORE,
    RADII,
    axis_distance,
    cone_sums,
    jet_axis,
    momentum,
    share,
)
from calovision.features.showers import shower_observables

Floats = NDArray[np.float64]


def observables(events: Events) -> dict[str, Floats]:
    """All observables of a set of jet images or crops, or of showers in a cylinder.

    Those of showers are told in :mod:`~calovision.features.showers`.

    Args:
        events: ``n`` images.

    Returns:
        Name to ``(n,)`` float64. Per channel ``c`` of energies: ``n_hit_c``, ``sum_e_c`` and
        ``max_e_c`` (GeV), ``girth_c`` (rad; energy-weighted mean distance to the
        axis of the hits within 0.4),
        ``ptd_c`` (``sqrt(sum E^2) / sum E`` of the same hits, arXiv:1408.3122), ``core_c``
        (share of those hits' energy within 0.1 of the axis). Per channel of times: ``n_hit_c``,
        and of the times of an event ``mean_c`` and ``spread_c`` (ns; standard deviation), 0
        without hits. Of jets, over ECAL and HCAL: ``mass`` and
        ``pt`` (GeV; massless hits), ``profile_10``, ``profile_20``, ``profile_40`` (share of the
        energy within 0.1, 0.2, 0.4 rad). And ``n_track``, hits of trackers within 0.4. Ratios
        without energy are 0.
    """
    if events.geometry.schema == "showers":
        return shower_observables(events)
    geometry, hits = events.geometry, EventHits(events)
    calorimeters = geometry.calorimeters
    distance = axis_distance(hits, jet_axis(hits, calorimeters))
    near = cone_sums(hits, distance, (CORE,))
    shapes = {
        "n_hit": hits.counts(),
        "sum_e": hits.per_channel(hits.energy),
        "max_e": hits.largest(hits.energy.clamp(min=0)),
        "girth": share(near.width, near.energy),
        "ptd": share(near.root, near.energy),
        "core": share(near.rings[0], near.energy),
    }
    found: dict[str, Tensor] = {}
    for c, channel in enumerate(geometry.channels):
        if channel.is_time:
            found[f"n_hit_{channel.name}"] = shapes["n_hit"][:, c]
            found |= _times(events, c)
        else:
            found |= {f"{name}_{channel.name}": table[:, c] for name, table in shapes.items()}
    if geometry.schema == "jets":
        energy = hits.energy * hits.in_channels(calorimeters)
        found["pt"], found["mass"] = momentum(hits, energy)
        total = hits.per_event(energy)
        for r in RADII:
            found[f"profile_{100 * r:.0f}"] = share(hits.per_event(energy * (distance < r)), total)
        trackers = [channel.kind == "tracker" for channel in geometry.channels]
        if any(trackers):
            tracks = hits.in_channels(trackers) & (distance < CONE)
            found["n_track"] = hits.per_event(tracks.double())
    return {name: np.asarray(value.cpu().numpy()) for name, value in found.items()}


def observable_matrix(
    events: Events, columns: tuple[str, ...] = ()
) -> tuple[Floats, tuple[str, ...]]:
    """The observables as one table for trees and tests.

    Args:
        events: ``n`` images.
        columns: per-event columns to append, such as ``("m0", "pt")``.

    Returns:
        ``(n, k)`` and the ``k`` names (appended columns as ``column_m0``).
    """
    found = observables(events) | {f"column_{c}": events.columns[c] for c in columns}
    return np.stack(list(found.values()), axis=1).astype(np.float64), tuple(found)


def _times(events: Events, c: int) -> dict[str, Tensor]:
    """Mean and standard deviation of the times of every event in a channel, ns; 0 without hits."""
    mine, n, name = events.channel == c, len(events), events.geometry.channels[c].name
    owner, time = events.owner[mine], events.measured[mine].astype(np.float64)
    hits = np.maximum(np.bincount(owner, minlength=n), 1)
    mean = np.bincount(owner, time, n) / hits
    spread = np.sqrt(np.bincount(owner, (time - mean[owner]) ** 2, n) / hits)
    return {f"mean_{name}": torch.from_numpy(mean), f"spread_{name}": torch.from_numpy(spread)}
