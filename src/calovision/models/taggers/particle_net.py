"""ParticleNet on the hardest hits of a jet."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hits import MIN_ENERGY, HitTokens
from calovision.models.taggers.base import TaggerTask
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.particle_net import PARTICLE_NET, PARTICLE_NET_LITE, ParticleNet

_FEATURES = 5  # of a hit, besides one number per channel


class ParticleNetTask(TaggerTask):
    """ParticleNet, its inputs as published (arXiv:1902.08570) as far as hits have them.

    Of a hit: distance in eta and phi (rad) from the window centre, logarithms of its energy (GeV)
    and of its share of the event's energy, Delta R, and its channel in place of the particle's
    kind. Hits know no momentum apart from energy.

    Args:
        geometry: of the images.
        hits: hardest hits that the network sees; the paper has up to 100 particles.
        lite: the paper's smaller network.
        dropout: in the head.
        bfloat16: see :class:`~calovision.networks.mixed_precision.MixedPrecision`.
    """

    doubles: ClassVar[bool] = True

    def __init__(
        self,
        geometry: Geometry,
        *,
        hits: int = 100,
        lite: bool = False,
        dropout: float = 0.1,
        bfloat16: bool = False,
    ) -> None:
        network = ParticleNet(
            _FEATURES + len(geometry.channels),
            blocks=PARTICLE_NET_LITE if lite else PARTICLE_NET,
            head=128 if lite else 256,
            dropout=dropout,
        )
        super().__init__(geometry, MixedPrecision(network, bfloat16))
        self.hits = hits

    @classmethod
    def from_config(cls, config: Any, geometry: Geometry) -> Self:
        """An untrained task from settings named as the arguments."""
        return cls(
            geometry,
            hits=config.hits,
            lite=config.lite,
            dropout=config.dropout,
            bfloat16=config.bfloat16,
        )

    def prepare(self, events: Events) -> HitTokens:
        """The hardest hits."""
        return HitTokens.of(events, self.hits)

    def inputs(self, prepared: HitTokens, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Positions ``(n, h, 2)``, features ``(n, h, f)`` and mask ``(n, h)``."""
        position = torch.from_numpy(prepared.position[chosen])
        energy = torch.from_numpy(prepared.energy[chosen]).clamp(min=MIN_ENERGY)
        channel = torch.from_numpy(prepared.channel[chosen]).long()
        total = torch.from_numpy(prepared.total[chosen])
        features = particle_features(position, energy, channel, total, len(self.geometry.channels))
        return position, features, channel >= 0


def particle_features(
    position: Tensor, energy: Tensor, channel: Tensor, total: Tensor, channels: int
) -> Tensor:
    """``(n, h, 5 + channels)``, 0 for padding; ``energy`` is at least ``MIN_ENERGY``, GeV."""
    share = energy / total.clamp(min=MIN_ENERGY)[:, None]
    columns = [position, energy.log()[..., None], share.log()[..., None]]
    columns += [position.norm(dim=-1, keepdim=True)]
    columns += [F.one_hot(channel.clamp(min=0), channels).float()]
    return torch.cat(columns, dim=-1) * (channel >= 0)[..., None]
