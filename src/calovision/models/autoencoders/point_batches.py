"""Inputs of the point VAE: hits in the order of latent points, and a summary of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.batching import hardest_first
from calovision.events.events import Events
from calovision.events.geometry import Channel
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import image_summary
from calovision.networks.point_vae import Hits

GROUP = 512  #: events whose hits are sorted at a time
#: most latent points of tracks, and of calorimeters with cells larger than a pixel: the others
#: share the rest
TRACK_POINTS, COARSE_POINTS = 120, 40


@dataclass(frozen=True)
class PointDataset:
    """Jagged hits, those with a latent point first, hardest first within a channel.

    Attributes:
        offsets: ``(n + 1,)`` first hit of every event.
        position: ``(hits, 2)`` float32 row and column from the window centre, pixels.
        log_energy: ``(hits,)`` float32 natural log of the energy in GeV.
        channel: ``(hits,)`` uint8.
        points: ``(n,)`` hits with a latent point.
        summary: ``(n, S)`` float32, see :func:`summarise`.
        weight: ``(n,)`` how much each event counts; ``None`` without weights.
    """

    offsets: NDArray[np.int64]
    position: NDArray[np.float32]
    log_energy: NDArray[np.float32]
    channel: NDArray[np.uint8]
    points: NDArray[np.int64]
    summary: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def of(cls, events: Events, points: int) -> PointDataset:
        """Order the hits of ``events`` for at most ``points`` latent points an event."""
        # Sorting takes many times the memory of its result: a group of events at a time.
        starts = range(0, max(len(events), 1), GROUP)
        groups = [cls._of_few(events[i : i + GROUP], points) for i in starts]
        names = ("position", "log_energy", "channel", "points", "summary")
        joined = (np.concatenate([getattr(g, name) for g in groups]) for name in names)
        return cls(events.offsets, *joined)

    @classmethod
    def _of_few(cls, events: Events, points: int) -> PointDataset:
        channel, energy, counts = events.channel, events.energy, events.counts()
        group = events.owner * counts.shape[1] + channel
        by_energy = hardest_first(group, energy)
        starts = np.cumsum(counts.ravel()) - counts.ravel()
        rank = np.arange(len(group)) - starts[group[by_energy]]
        room = _room(events, points)
        extra = rank >= room.ravel()[group[by_energy]]
        # Within an event the hits without a latent point go last, the order else unchanged.
        order = by_energy[np.argsort(2 * events.owner + extra, kind="stable")]
        geometry = events.geometry
        half = np.array([(geometry.rows - 1) // 2, (geometry.cols - 1) // 2])
        row_col = np.stack([events.cell // geometry.cols, events.cell % geometry.cols], 1)
        return cls(
            events.offsets,
            (row_col - half).astype(np.float32)[order],
            np.log(np.maximum(energy, 1e-6)).astype(np.float32)[order],
            channel[order],
            np.minimum(counts, room).sum(1),
            summarise(events),
        )

    def batch(self, chosen: NDArray[np.int64], scaling: Scaling) -> tuple[Hits, Tensor]:
        """Padded :class:`Hits` and standardised summary of the ``chosen`` events."""
        lengths = np.diff(self.offsets)[chosen]
        width = int(lengths.max(initial=1))
        mask = np.arange(width) < lengths[:, None]
        place = self.offsets[chosen][:, None] + np.arange(width)

        def padded(hits: NDArray[Any]) -> Tensor:
            """A column of all hits as one row an event; what is beyond its hits may be anything."""
            if not len(hits):
                return torch.from_numpy(np.zeros((*place.shape, *hits.shape[1:]), hits.dtype))
            return torch.from_numpy(hits[np.minimum(place, len(hits) - 1)])

        channel, log_energy = padded(self.channel).long(), padded(self.log_energy)
        keep = torch.from_numpy(mask)
        hits = Hits(
            padded(self.position) * keep[..., None],
            scaling.standardise(log_energy, channel) * keep,
            channel * keep,
            keep,
            torch.from_numpy(self.points[chosen]),
        )
        summary = torch.from_numpy(self.summary[chosen])
        return hits, (summary - scaling.summary_mean) / scaling.summary_std


@dataclass(frozen=True)
class Scaling:
    """Means and standard deviations that make energies and summaries dimensionless.

    Attributes:
        energy_mean, energy_std: ``(C,)`` of log energy (GeV) per channel.
        energy_floor: ``(C,)`` smallest log energy (GeV) per channel: the zero suppression.
        summary_mean, summary_std: ``(S,)``.
    """

    energy_mean: Tensor
    energy_std: Tensor
    energy_floor: Tensor
    summary_mean: Tensor
    summary_std: Tensor

    @classmethod
    def fit(cls, dataset: PointDataset, channels: int) -> Scaling:
        """Statistics of a training set."""
        per_channel = [dataset.log_energy[dataset.channel == c] for c in range(channels)]
        filled = [e if len(e) else np.zeros(1, np.float32) for e in per_channel]
        return cls(
            torch.tensor([float(e.mean()) for e in filled]),
            torch.tensor([float(e.std()) + 1e-3 for e in filled]),
            torch.tensor([float(e.min()) for e in filled]),
            torch.from_numpy(dataset.summary.mean(0)),
            torch.from_numpy(dataset.summary.std(0) + 1e-3),
        )

    def standardise(self, log_energy: Tensor, channel: Tensor) -> Tensor:
        """Log energy in GeV to standard units of its channel; shapes equal."""
        return (log_energy - self.energy_mean[channel]) / self.energy_std[channel]

    def restore(self, energy: Tensor, channel: Tensor) -> Tensor:
        """Inverse of :meth:`standardise`."""
        return energy * self.energy_std[channel] + self.energy_mean[channel]


def most_points(channel: Channel) -> int | None:
    """Most latent points of a channel, where they are limited."""
    if not channel.is_calorimeter:
        return TRACK_POINTS
    return COARSE_POINTS if channel.block > 1 else None


def _room(events: Events, points: int) -> NDArray[np.int64]:
    """``(n, C)`` latent points open to each channel; one without a cap gets what is left."""
    counts = events.counts()
    caps = [most_points(channel) for channel in events.geometry.channels]
    room = np.stack([np.full(len(events), points if m is None else m) for m in caps], 1)
    capped = [i for i, most in enumerate(caps) if most is not None]
    left = np.full(len(events), points)
    for c in capped:
        room[:, c] = np.minimum(room[:, c], left)
        left = left - np.minimum(counts[:, c], room[:, c])
    for c in set(range(len(caps))) - set(capped):
        room[:, c] = left
    return room


def summarise(events: Events) -> NDArray[np.float32]:
    """Per-image summary ``(n, S)`` that the global code must carry.

    ``jet_shapes.image_summary``, then ``log`` of ``pt`` and ``m0`` (GeV) where
    the set has them.
    """
    columns = [
        np.log(np.maximum(events.columns[name], 1e-3))[:, None].astype(np.float32)
        for name in ("pt", "m0")
        if name in events.columns
    ]
    return np.concatenate([image_summary(EventHits(events)).float().cpu().numpy(), *columns], 1)
