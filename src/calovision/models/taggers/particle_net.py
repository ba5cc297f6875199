"""ParticleNet on the hardest hits of a jet."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hits import HitTokens
from calovision.features.jet_shapes import MIN_ENERGY
from calovision.features.padded_hits import Hits, hardest
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import gathered, hits_graph
from calovision.models.taggers.settings import TaggerTraining
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.particle_net import PARTICLE_NET, PARTICLE_NET_LITE, ParticleNet, ranked
from calovision.training.onnx_graph import Graph

_FEATURES = 5  # of a hit, besides one number per channel


class ParticleNetConfig(TaggerTraining):
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
    network: MixedPrecision

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

    def graphs(self) -> list[Graph]:
        """From padded hits to a probability."""
        return [hits_graph(self, ParticleNetLogits(self))]


def particle_features(
    position: Tensor, energy: Tensor, channel: Tensor, total: Tensor, channels: int
) -> Tensor:
    """``(n, h, 5 + channels)``, 0 for padding; ``energy`` is at least ``MIN_ENERGY``, GeV."""
    share = energy / total.clamp(min=MIN_ENERGY)[:, None]
    columns = [position, energy.log()[..., None], share.log()[..., None]]
    columns += [position.norm(dim=-1, keepdim=True)]
    columns += [F.one_hot(channel.clamp(min=0), channels).float()]
    return torch.cat(columns, dim=-1) * (channel >= 0)[..., None]


class ParticleNetLogits(nn.Module):
    """ParticleNet on padded hits; the same sums as its packed form, in tables that are padded.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: ParticleNetTask) -> None:
        super().__init__()
        assert isinstance(task.network.network, ParticleNet)
        self.network = task.network.network
        self.hits, self.channels = task.hits, len(task.geometry.channels)

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` logits."""
        chosen, total = hardest(hits, self.hits)
        position = torch.stack([chosen.eta, chosen.phi], -1)
        mask = chosen.channel >= 0
        energy = chosen.energy.clamp(min=MIN_ENERGY)
        features = particle_features(position, energy, chosen.channel, total, self.channels)
        x = _each(self.network.norm, features)
        place = position
        for block in self.network.blocks:
            near, valid = _neighbours(place, mask, block.k)  # type: ignore[arg-type]
            x = place = _convolved(block, x, near, valid)
        keep = mask[..., None].float()
        mean = (x * keep).sum(1) / keep.sum(1).clamp(min=1)
        out: Tensor = self.network.head(mean)[:, 0]
        return out


def _each(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer of the last axis on each row of the others."""
    out: Tensor = layer(x.flatten(0, -2))
    return out.view(*x.shape[:-1], -1)


def _neighbours(place: Tensor, mask: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Numbers ``(n, h, k)`` of the nearest other hits of an event, and which of them exist."""
    if place.shape[2] <= 3:
        eta, phi = ((x[:, :, None] - x[:, None]).square() for x in place.unbind(2))
        square = ranked(eta + phi)
    else:
        square = place.square().sum(2)[:, None] - 2 * place @ place.mT
    itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    square = square.masked_fill(itself | ~mask[:, None], torch.inf)
    found = square.topk(min(k, mask.shape[1] - 1), dim=2, largest=False)
    return found.indices, found.values < torch.inf


def _convolved(block: nn.Module, x: Tensor, near: Tensor, valid: Tensor) -> Tensor:
    """An EdgeConv block on padded hits ``(n, h, inputs)``."""
    first: Tensor = block.first.weight  # type: ignore[union-attr, assignment]
    of_centre, of_step = first.chunk(2, 1)
    centre, step = x @ (of_centre - of_step).T, x @ of_step.T
    edge = centre[:, :, None] + gathered(step, near)
    norms: nn.ModuleList = block.norms  # type: ignore[assignment]
    edge = _each(norms[0], edge).relu()
    for linear, norm in zip(block.linears, list(norms)[1:], strict=True):  # type: ignore[arg-type]
        edge = _each(norm, linear(edge)).relu()
    total = (edge * valid[..., None]).sum(2)
    mean = total / valid.sum(2, keepdim=True).clamp(min=1)
    shortcut = _each(block.shortcut_norm, block.shortcut(x))  # type: ignore[operator, arg-type]
    return torch.relu(shortcut + mean)


PRESETS = {
    ("jet-tagger", "particlenet"): Preset(
        ParticleNetTask,
        ParticleNetConfig,
        "ParticleNet as published (arXiv:1902.08570): EdgeConv on a cloud of hits, neighbours "
        "found anew in every layer. Batch 384, AdamW with weight decay "
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
