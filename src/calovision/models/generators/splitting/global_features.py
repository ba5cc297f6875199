"""Global features of a jet: columns such as pt, then shape, hits and mean energy per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import CONE, CORE, axis_distance, cone_sums, jet_axis

Table = NDArray[np.float64]

#: columns that are learned where a set has them: truth first, then what is reconstructed
COLUMNS = ("gen_pt", "gen_m0", "pt", "m0")
SHAPES = 7  #: numbers of a channel's shape, of which those of :data:`AXIS` are eta and phi
AXIS = (1, 2)
BY_ENERGY = 6  #: so many of the first of them go by energies
#: places on the axis of a normal distribution at which quantiles are known
GRID = np.linspace(-4.0, 4.0, 401)


def totals(events: Events, threshold: NDArray[np.float32], rng: np.random.Generator) -> Table:
    """``(n, k + (SHAPES + 2) C)`` columns (GeV), shapes, hits, mean energy above threshold (GeV).

    The latter is that of a hit. Numbers of hits are spread evenly over ``[N, N + 1)``, so that they
    have a density; what means nothing for a channel without hits, its shape and mean energy, is
    that of another event.

    Args:
        events: ``n`` events.
        threshold: ``(C,)`` least energy of a hit, GeV.
        rng: random numbers.
    """
    hits = events.counts()
    excess = np.maximum(events.sums() - hits * threshold, 0)
    mean = np.divide(excess, hits, out=np.zeros_like(excess), where=hits > 0)
    shape = shapes(events)
    for c in range(hits.shape[1]):
        lit = np.flatnonzero(hits[:, c])
        dark = np.flatnonzero(hits[:, c] == 0)
        if len(lit) and len(dark):
            others = rng.choice(lit, len(dark))
            mean[dark, c], shape[dark, c] = mean[others, c], shape[others, c]
    columns = [events.columns[name] for name in learned(events)]
    spread = hits + rng.random(hits.shape)
    table = [*columns, shape.reshape(len(events), -1), spread, mean]
    return np.column_stack(table).astype(np.float64)


def shapes(events: Events) -> Table:
    """``(n, C, SHAPES)`` of every channel, 0 for one without hits.

    The share of its energy within :data:`CONE` of the middle of the window; mean eta and phi (rad)
    of that. Then, about the jet's axis, the mean eta and phi of all channels but tracks: summed
    distance times energy within :data:`CONE` (rad), energy within :data:`CORE`, and
    sqrt(sum E^2) within :data:`CONE`, all three over the channel's energy; the share of its hits
    that lies within :data:`CONE`. The cascade is told them, so that it need not find out cut by cut
    what a jet will look like, nor make the channels agree on the jet's axis.
    """
    hits, calorimeters = EventHits(events), events.geometry.calorimeters
    total = hits.per_channel(hits.energy).clamp(min=1e-9)
    inner = hits.energy * (hits.radius < CONE)
    near_centre = hits.per_channel(inner)
    safe = near_centre.clamp(min=1e-9)
    centre = [hits.per_channel(inner * x) / safe for x in (hits.eta, hits.phi)]
    distance = axis_distance(hits, jet_axis(hits, calorimeters))
    near = cone_sums(hits, distance, (CORE,))
    lit = hits.per_channel((distance < CONE).double()) / hits.counts().clamp(min=1)
    parts = [near_centre / total, *centre, near.width / total, near.rings[0] / total]
    return np.asarray(torch.stack([*parts, near.root / total, lit], -1).cpu().numpy())


def axis(energies: Table, chosen: Sequence[bool]) -> Table:
    """``(n, 2)`` eta and phi of jets, from energy, mean eta and phi by channel ``(n, C, 3)``."""
    weight = energies[..., 0] * np.array(chosen)
    summed = np.maximum(weight.sum(1), 1e-9)
    return np.stack([(weight * energies[..., x]).sum(1) / summed for x in (1, 2)], -1)


def moment_targets(
    table: Table, columns: int, threshold: NDArray[np.float32], geometry: Geometry
) -> Table:
    """``(n, BY_ENERGY C + 2)`` shapes that go by energies, and the jet's axis, of :func:`totals`.

    They are the first of :func:`shapes`, but for eta and phi, which are times the share near the
    middle: sums over hits of energy times something, over the energy.
    """
    channels = len(geometry.channels)
    shape = table[:, columns : columns + SHAPES * channels].reshape(-1, channels, SHAPES).copy()
    hits, excess = hits_and_excess(table, channels)
    energy = (hits * threshold + excess) * shape[..., 0]
    middle = axis(np.stack([energy, shape[..., 1], shape[..., 2]], -1), geometry.calorimeters)
    shape[..., AXIS] *= shape[..., :1]
    return np.column_stack([shape[..., :BY_ENERGY].reshape(len(table), -1), middle])


def mirror_signs(columns: int, channels: int) -> NDArray[np.float32]:
    """``(2, k)`` factors by which normal totals change when an image is mirrored in eta or phi."""
    factors = np.ones((2, columns + (SHAPES + 2) * channels), np.float32)
    for direction, number in enumerate(AXIS):
        factors[direction, columns + number : columns + SHAPES * channels : SHAPES] = -1
    return factors


def learned(events: Events) -> tuple[str, ...]:
    """Those of :data:`COLUMNS` that a set has."""
    return tuple(name for name in COLUMNS if name in events.columns)


@dataclass(frozen=True)
class QuantileTransformer:
    """Turns every number of a table into a normally distributed one, and back.

    Attributes:
        knots: ``(k, len(GRID))`` values at the places of :data:`GRID`, rising.
    """

    knots: Table

    @classmethod
    def of(cls, table: Table, odd: NDArray[np.bool_] | None = None) -> QuantileTransformer:
        """Quantiles of each column of ``(n, k)``; of those that are ``odd``, with both signs."""
        knots = np.quantile(table, ndtr(GRID), axis=0).T
        knots[:, 0], knots[:, -1] = table.min(0), table.max(0)
        if odd is not None:
            knots[odd] = (knots[odd] - knots[odd, ::-1]) / 2
        # Equal values have no density: they are set apart by what does not matter.
        return cls(np.maximum.accumulate(knots, 1) + 1e-9 * np.arange(len(GRID)))

    def normal(self, table: Table) -> Table:
        """``(n, k)`` values to standard normal numbers within the grid."""
        columns = [np.interp(x, knots, GRID) for x, knots in zip(table.T, self.knots, strict=True)]
        return np.stack(columns, 1)

    def values(self, normal: Table) -> Table:
        """The inverse of :meth:`normal`; beyond the grid, the ends of what was seen."""
        columns = [np.interp(z, GRID, knots) for z, knots in zip(normal.T, self.knots, strict=True)]
        return np.stack(columns, 1)


def hits_and_excess(table: Table, channels: int) -> tuple[NDArray[np.int64], Table]:
    """``(n, C)`` numbers of hits and summed energy above threshold (GeV) of a table of totals."""
    hits = np.maximum(np.floor(table[:, -2 * channels : -channels]), 0).astype(np.int64)
    return hits, np.maximum(table[:, -channels:], 0) * hits
