"""The hardest hits of events, padded: inputs of taggers of sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.batching import hardest_first
from calovision.events.events import Events
from calovision.features.jet_shapes import MIN_ENERGY

HIT_FEATURES = 7  #: besides one number per channel
CHUNK_EVENTS = 4096  # events sorted at a time

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class HitTokens:
    """Padded hits of events, hardest first.

    Attributes:
        position: ``(n, h, 2)`` float32 eta and phi (rad) from the window centre.
        energy: ``(n, h)`` float32 GeV, 0 for padding.
        channel: ``(n, h)`` int8, -1 for padding.
        total: ``(n,)`` float32 summed energy of all hits, GeV.
        channels: number of channels.
    """

    position: Floats
    energy: Floats
    channel: NDArray[np.int8]
    total: Floats
    channels: int

    def __len__(self) -> int:
        return len(self.energy)

    @classmethod
    def of(cls, events: Events, hits: int) -> HitTokens:
        """The ``hits`` hardest hits of every event; equal ones in the order of the store."""
        starts = range(0, max(len(events), 1), CHUNK_EVENTS)
        parts = [_hardest(events[i : i + CHUNK_EVENTS], hits) for i in starts]
        position, energy, channel, total = (np.concatenate(p) for p in zip(*parts, strict=True))
        return cls(position, energy, channel, total, len(events.geometry.channels))

    def batch(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Features ``(n, h, HIT_FEATURES + channels)``, positions and mask of ``chosen``."""
        position = torch.from_numpy(self.position[chosen])
        energy = torch.from_numpy(self.energy[chosen])
        channel = torch.from_numpy(self.channel[chosen]).long()
        total = torch.from_numpy(self.total[chosen])
        features = hit_features(position, energy, channel, total, self.channels)
        return features, position, channel >= 0


def hit_features(
    position: Tensor, energy: Tensor, channel: Tensor, total: Tensor, channels: int
) -> Tensor:
    """``(n, h, HIT_FEATURES + channels)``, 0 for padding; see :class:`HitTokens`."""
    distance = position.norm(dim=-1)
    share = energy / total.clamp(min=MIN_ENERGY)[:, None]
    # Factors bring the features to the size of one.
    columns = [
        position[..., 0],
        position[..., 1],
        distance,
        torch.log(distance + 0.01) / 2,
        torch.log(energy + MIN_ENERGY) / 2,
        torch.log(share + 1e-5) / 3,
        5 * share,
    ]
    one_hot = torch.nn.functional.one_hot(channel.clamp(min=0), channels)
    features = torch.cat([torch.stack(columns, dim=-1), one_hot.float()], dim=-1)
    return features * (channel >= 0)[..., None]


def _hardest(events: Events, hits: int) -> tuple[Floats, Floats, NDArray[np.int8], Floats]:
    """Positions, energies, channels and total of :class:`HitTokens`."""
    n, geometry, owner = len(events), events.geometry, events.owner
    energy = np.maximum(events.energy, np.float32(MIN_ENERGY))
    order = hardest_first(owner, energy)
    rank = np.arange(len(order)) - events.offsets[owner]
    hard = rank < hits
    kept, row, column = order[hard], owner[hard], rank[hard]
    position = np.zeros((n, hits, 2), np.float32)
    strength = np.zeros((n, hits), np.float32)
    channel = np.full((n, hits), -1, np.int8)
    position[row, column, 0] = geometry.eta(events.cell[kept], events.channel[kept])
    position[row, column, 1] = geometry.phi(events.cell[kept], events.channel[kept])
    strength[row, column] = energy[kept]
    channel[row, column] = events.channel[kept]
    total = np.bincount(owner, energy, n).astype(np.float32)
    return position, strength, channel, total
