"""Taggers from hits, images or graphs to probabilities, preparation and calibration included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.deploy.hits import (
    Hits,
    Outside,
    Towers,
    context,
    hardest,
    with_padding,
)
from calovision.events.geometry import Geometry
from calovision.features.hits import MIN_ENERGY, hit_features
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.crop_net import CropTask, looked_at
from calovision.models.taggers.particle_net import particle_features
from calovision.models.taggers.transformer import TransformerTask
from calovision.networks.graph_sage import GraphSAGE
from calovision.networks.particle_net import ParticleNet, ranked
from calovision.networks.particle_transformer import ParticleTransformer

OUTPUTS = {
    "probability": "float32 (events): calibrated probability of class 1 (quark; electron)",
    "logit": "float32 (events): what the network gives, uncalibrated",
    "out_of_distribution": "bool (events): unlike the training; the probability has no ground",
}


class Calibrated(nn.Module):
    """Logits to calibrated probabilities.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: TaggerTask) -> None:
        super().__init__()
        self.slope, self.offset = float(task.slope), float(task.offset)

    def forward(self, logit: Tensor) -> Tensor:
        """``(n,)`` to the same."""
        return torch.sigmoid(self.slope * logit + self.offset)


class SetTagger(nn.Module):
    """A tagger of padded hits.

    Args:
        task: the trained tagger.
        logits: padded hits to logits ``(n,)``.
    """

    def __init__(self, task: TaggerTask, logits: Callable[[Hits], Tensor]) -> None:
        super().__init__()
        self.out_of_distribution = Outside(task.domain, len(task.geometry.channels))
        self.calibrated, self.logits = Calibrated(task), logits

    def forward(
        self, eta: Tensor, phi: Tensor, energy: Tensor, channel: Tensor
    ) -> tuple[Tensor, ...]:
        """Probability, logit and whether an event is out of distribution, ``(n,)`` each."""
        hits = with_padding(Hits(eta, phi, energy, channel))
        logit = self.logits(hits)
        return self.calibrated(logit), logit, self.out_of_distribution(hits)


class TransformerLogits(nn.Module):
    """Our tagger on padded hits.

    Args:
        task: the trained tagger.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, task: TransformerTask) -> None:
        super().__init__()
        self.network: ParticleTransformer = task.network
        self.hits, self.channels = task.hits, len(task.geometry.channels)
        self.towers = Towers(task.geometry)
        self.register_buffer("mean", task.context_mean)
        self.register_buffer("std", task.context_std)

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` logits."""
        chosen, total = hardest(hits, self.hits)
        position = torch.stack([chosen.eta, chosen.phi], -1)
        mask = chosen.channel >= 0
        features = hit_features(position, chosen.energy, chosen.channel, total, self.channels)
        summary = (context(hits, self.channels) - self.mean) / self.std
        out: Tensor = self.network(features, position, mask, summary, self.towers(hits))
        return out


class ParticleNetLogits(nn.Module):
    """ParticleNet on padded hits; the same sums as its packed form, in tables that are padded.

    Args:
        network: trained.
        hits: hardest hits that it sees.
        channels: number of channels.
    """

    def __init__(self, network: ParticleNet, hits: int, channels: int) -> None:
        super().__init__()
        self.network, self.hits, self.channels = network, hits, channels

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
    itself = torch.eye(mask.shape[1], dtype=torch.bool)
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


def gathered(x: Tensor, near: Tensor) -> Tensor:
    """Rows ``(n, h, k, width)`` of ``x`` ``(n, h, width)`` by their numbers ``(n, h, k)``."""
    index = near.flatten(1)[..., None].expand(-1, -1, x.shape[2])
    return x.gather(1, index).view(*near.shape, x.shape[2])


class ImageTagger(nn.Module):
    """A tagger of dense images.

    Args:
        task: the trained tagger.
        network: images ``(n, C, rows, cols)`` in image units to logits.
    """

    def __init__(self, task: TaggerTask, network: nn.Module) -> None:
        super().__init__()
        self.network, self.calibrated = network, Calibrated(task)
        self.out_of_distribution = Outside(task.domain, len(task.geometry.channels))
        self.cells = Cells(task.geometry)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Probability, logit and whether an event is out of distribution, ``(n,)`` each."""
        logit = self.network(images)
        return self.calibrated(logit), logit, self.out_of_distribution(self.cells(images))


class CropLogits(nn.Module):
    """Our electron/photon classifier on dense crops in image units.

    Args:
        task: the trained classifier.
    """

    scale: Tensor

    def __init__(self, task: CropTask) -> None:
        super().__init__()
        self.network = task.network
        scale = torch.tensor([c.gev_per_unit for c in task.geometry.channels])
        self.register_buffer("scale", scale[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """``(n,)`` logits."""
        out: Tensor = self.network(*looked_at(images * self.scale))
        return out


class Cells(nn.Module):
    """Every readout cell of dense images (image units) as a hit; as padding where it is empty."""

    eta: Tensor
    phi: Tensor
    scale: Tensor
    channel: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        grid = np.arange(geometry.cells).reshape(geometry.rows, geometry.cols)
        self.blocks = [c.block for c in geometry.channels]
        cell = [grid[b // 2 :: b, b // 2 :: b].ravel() for b in self.blocks]
        number = np.repeat(np.arange(len(cell)), [len(c) for c in cell])
        scale = np.array([c.block**2 * c.gev_per_unit for c in geometry.channels], np.float32)
        for name, table in (
            ("eta", geometry.eta(np.concatenate(cell))),
            ("phi", geometry.phi(np.concatenate(cell))),
            ("scale", scale[number]),
            ("channel", number),
        ):
            self.register_buffer(name, torch.from_numpy(table))

    def forward(self, images: Tensor) -> Hits:
        """Hits ``(n, cells of all channels)`` of ``(n, C, rows, cols)``."""
        cells = [
            images[:, i, b // 2 :: b, b // 2 :: b].flatten(1) for i, b in enumerate(self.blocks)
        ]
        value = torch.cat(cells, 1)
        eta, phi = self.eta.expand_as(value), self.phi.expand_as(value)
        return Hits(eta, phi, value * self.scale, torch.where(value != 0, self.channel, -1))


class GraphTagger(nn.Module):
    """The published GraphSAGE on pixels whose neighbours are given.

    Args:
        task: the trained tagger.
        network: trained.
        scale: of the inputs.
    """

    scale: Tensor

    def __init__(self, task: TaggerTask, network: GraphSAGE, scale: Tensor) -> None:
        super().__init__()
        self.network, self.calibrated = network, Calibrated(task)
        self.register_buffer("scale", scale)

    def forward(self, features: Tensor, neighbours: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Probability and logit ``(n,)``."""
        x, known = features / self.scale, (neighbours >= 0).float()[..., None]
        near = neighbours.clamp(min=0)
        for layer in self.network.layers:
            total = (gathered(x, near) * known).sum(2)
            mean = total / known.sum(2).clamp(min=1)
            x = (layer.lin_l(mean) + layer.lin_r(x)).relu()  # type: ignore[operator]
        keep = mask[..., None].float()
        x = (x * keep).sum(1) / keep.sum(1).clamp(min=1)
        for dense in self.network.dense:
            x = F.relu(dense(x))
        out = self.network.out(x)
        logit = out[:, 1] - out[:, 0]
        return self.calibrated(logit), logit
