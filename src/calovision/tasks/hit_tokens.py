"""Events as the particle transformer sees them: the hardest hits, and the rest in coarse tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events

TILES = 9  #: the softer hits are summed over tiles, so many a side of the window
TILE_TOKENS = 24  #: most tiles kept of an event, hardest first
HIT_FEATURES = 7  #: besides one number per channel and one for tiles
MIN_ENERGY = 1e-3  #: GeV; below it logarithms are cut

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class HitTokens:
    """Padded tokens of events; a token is a hit, or the sum of soft hits in a tile.

    Attributes:
        position: ``(n, h, 2)`` float32 eta and phi (rad) from the window centre.
        energy: ``(n, h)`` float32 GeV, 0 for padding.
        kind: ``(n, h)`` int8, channel of a hit, number of channels for a tile, -1 for padding.
        channels: number of channels.
    """

    position: Floats
    energy: Floats
    kind: NDArray[np.int8]
    channels: int

    def __len__(self) -> int:
        return len(self.energy)

    @classmethod
    def of(cls, events: Events, hits: int) -> HitTokens:
        """The ``hits`` hardest hits of every event, and tiles of the others."""
        n, geometry = len(events), events.geometry
        energy = np.maximum(events.energy, MIN_ENERGY).astype(np.float32)
        place = np.stack([geometry.eta(events.cell), geometry.phi(events.cell)], axis=1)
        # One integer sort: the bits of positive floats rank as the floats do.
        softness = np.int64(2**32 - 1) - energy.view(np.uint32).astype(np.int64)
        order = np.argsort((events.owner << 32) | softness, kind="stable")
        rank = np.arange(len(order)) - events.offsets[events.owner]
        channels = len(geometry.channels)
        tokens = cls(
            np.zeros((n, hits + TILE_TOKENS, 2), np.float32),
            np.zeros((n, hits + TILE_TOKENS), np.float32),
            np.full((n, hits + TILE_TOKENS), -1, np.int8),
            channels,
        )
        hard = rank < hits
        kept = order[hard]
        kind = events.channel[kept].astype(np.int8)
        tokens._fill(events.owner[kept], rank[hard], place[kept], energy[kept], kind)
        soft = order[~hard]
        row, col = np.divmod(events.cell[soft].astype(np.int64), geometry.cols)
        tile = row * TILES // geometry.rows * TILES + col * TILES // geometry.cols
        owner, place, energy = _tiles(events.owner[soft], tile, place[soft], energy[soft], n)
        first = np.searchsorted(owner, np.arange(n))
        rank = np.arange(len(owner)) - first[owner]
        few = rank < TILE_TOKENS
        kind = np.full(few.sum(), channels, np.int8)
        tokens._fill(owner[few], hits + rank[few], place[few], energy[few], kind)
        return tokens

    def _fill(
        self,
        owner: NDArray[np.int64],
        column: NDArray[np.int64],
        position: Floats,
        energy: Floats,
        kind: NDArray[np.int8],
    ) -> None:
        self.position[owner, column] = position
        self.energy[owner, column] = energy
        self.kind[owner, column] = kind

    def batch(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Features ``(n, h, HIT_FEATURES + channels + 1)``, positions and mask."""
        position = torch.from_numpy(self.position[chosen])
        energy = torch.from_numpy(self.energy[chosen])
        kind = torch.from_numpy(self.kind[chosen]).long()
        mask = kind >= 0
        distance = position.norm(dim=-1)
        share = energy / energy.sum(1, keepdim=True).clamp(min=MIN_ENERGY)
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
        one_hot = torch.nn.functional.one_hot(kind.clamp(min=0), self.channels + 1)
        features = torch.cat([torch.stack(columns, dim=-1), one_hot.float()], dim=-1)
        return features * mask[..., None], position, mask


def _tiles(
    owner: NDArray[np.int64], tile: NDArray[np.int64], place: Floats, energy: Floats, n: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Owner, energy-weighted position and summed energy of tiles, by event, hardest first."""
    key = owner * TILES**2 + tile
    size = n * TILES**2
    total = np.bincount(key, energy, size)
    used = np.flatnonzero(total)
    centre = [np.bincount(key, energy * place[:, i], size)[used] / total[used] for i in (0, 1)]
    total, owner = total[used], used // TILES**2
    order = np.lexsort((-total, owner))
    position = np.stack(centre, axis=1)[order].astype(np.float32)
    return owner[order], position, total[order].astype(np.float32)
