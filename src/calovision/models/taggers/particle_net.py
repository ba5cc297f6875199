"""ParticleNet on the hardest hits of a jet."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hits import MIN_ENERGY, HitTokens
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.particle_net import PARTICLE_NET, PARTICLE_NET_LITE, ParticleNet
from calovision.training.settings import Training

_FEATURES = 5  # of a hit, besides one number per channel


class ParticleNetConfig(Training):
    """ParticleNet (arXiv:1902.08570).

    Attributes:
        hits: hits of an event, hardest first.
        lite: the small version of the same paper.
        dropout: in the head.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    hits: int = Field(100, ge=1, le=100_000)
    lite: bool = False
    dropout: float = Field(0.1, ge=0, lt=1)
    bfloat16: bool = True


class ParticleNetTask(TaggerTask):
    """ParticleNet, its inputs as published (arXiv:1902.08570) as far as hits have them.

    Of a hit: distance in eta and phi (rad) from the window centre, logarithms of its energy (GeV)
    and of its share of the event's energy, Delta R, and its channel in place of the particle's
    kind. Hits know no momentum apart from energy.

    Args:
        geometry: of the images.
        config: hits, size and precision; the paper has up to 100 particles.
    """

    doubles: ClassVar[bool] = True

    def __init__(self, geometry: Geometry, config: ParticleNetConfig) -> None:
        network = ParticleNet(
            _FEATURES + len(geometry.channels),
            blocks=PARTICLE_NET_LITE if config.lite else PARTICLE_NET,
            head=128 if config.lite else 256,
            dropout=config.dropout,
        )
        super().__init__(geometry, MixedPrecision(network, config.bfloat16))
        self.hits = config.hits

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


PRESETS = {
    ("jet-tagger", "particlenet"): Preset(
        ParticleNetTask,
        ParticleNetConfig,
        "ParticleNet as published (arXiv:1902.08570): batch 384, AdamW with weight decay "
        "1e-4, 20 epochs, learning rate up to 3e-3; the paper's one-cycle course of it is a "
        "cosine here.",
        {
            "epochs": 20,
            "batch": 384,
            "learning_rate": 0.003,
            "weight_decay": 0.0001,
            "schedule": "cosine",
            "validate_every": 25,
        },
    ),
    ("jet-tagger", "particlenet-lite"): Preset(
        ParticleNetTask,
        ParticleNetConfig,
        "ParticleNet-Lite as published (arXiv:1902.08570): batch 1024, AdamW with weight "
        "decay 1e-4, 20 epochs, learning rate up to 5e-3; the paper's one-cycle course of it "
        "is a cosine here.",
        {
            "lite": True,
            "bfloat16": False,
            "epochs": 20,
            "batch": 1024,
            "learning_rate": 0.005,
            "weight_decay": 0.0001,
            "schedule": "cosine",
            "validate_every": 20,
        },
    ),
}
