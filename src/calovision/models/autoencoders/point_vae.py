"""Training objective and reconstruction of the point VAE."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.autoencoders.point_batches import PointDataset, Scaling
from calovision.models.autoencoders.point_decoder import HitDecoder
from calovision.models.autoencoders.point_export import point_graphs
from calovision.models.preset import Preset
from calovision.networks.likelihoods import (
    discretised_logistic_nll,
    gaussian_kl,
    gaussian_nll,
)
from calovision.networks.point_vae import (
    Hits,
    PointVAE,
    Posterior,
    channel_centre,
    hit_images,
)
from calovision.training.devices import to_device
from calovision.training.onnx_graph import Graph
from calovision.training.settings import WIDEST, Training
from calovision.training.task import Batch, as_tensor, weighted_mean
from calovision.training.weights import tensor_of


class PointVAEConfig(Training):
    """Our VAE: some global latent numbers, and three for each of the hardest hits.

    Attributes:
        code: global latent numbers.
        points: hits, hardest first, that have three latent numbers each.
        beta: weight of the Kullback-Leibler terms.
        width: hidden width of every network.
        loss_scale: by which the loss, some thousand nats a jet, is divided, so that gradients are
            near one.
        remainder_every: one in so many jets of a batch trains the density of the hits without a
            latent point, the costliest part.
    """

    code: int = Field(64, ge=1, le=65_536)
    points: int = Field(320, ge=1, le=100_000)
    width: int = Field(64, ge=8, le=WIDEST)
    beta: float = Field(0.1, ge=0)
    loss_scale: float = Field(300.0, gt=0)
    remainder_every: int = Field(4, ge=1)


class PointVAETask(AutoencoderTask):
    """The point VAE with its scaling: loss of a batch, latents and reconstructions of events.

    Args:
        geometry: of the images; channels with ``block`` > 1 are coarse.
        config: sizes of the network, and weights of the loss.
        scaling: energy and summary statistics of the training set.
    """

    energy_floor: Tensor
    summary_mean: Tensor
    summary_std: Tensor

    def __init__(self, geometry: Geometry, config: PointVAEConfig, scaling: Scaling) -> None:
        super().__init__(geometry)
        self.config, self.points = config, config.points
        block = max(c.block for c in geometry.channels)
        self.pitch = [float(c.block) for c in geometry.channels]
        self.network = PointVAE(
            rows=geometry.rows // block,
            block=block,
            coarse=tuple(c.block > 1 for c in geometry.channels),
            summary=len(scaling.summary_mean),
            code=config.code,
            points=config.points,
            width=config.width,
        )
        for name, value in asdict(scaling).items():
            self.register_buffer(name, value)
        channels = len(geometry.channels)
        self.remainder_log_std = nn.Parameter(torch.full((channels,), -0.7))

    @classmethod
    def from_events(cls, config: PointVAEConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task, its scaling fitted to the training events."""
        dataset = PointDataset.of(train, config.points)
        return cls(geometry, config, Scaling.fit(dataset, len(geometry.channels)))

    @classmethod
    def from_state(
        cls, config: PointVAEConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        scaling = Scaling(**{f: tensor_of(state, f, 1) for f in Scaling.__dataclass_fields__})
        task = cls(geometry, config, scaling)
        task.take(state)
        return task

    @property
    def scaling(self) -> Scaling:
        """The statistics that travel with the weights."""
        return Scaling(**{f: getattr(self, f) for f in Scaling.__dataclass_fields__})

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.network.latent_numbers

    def dataset(self, events: Events) -> PointDataset:
        """Events in this task's latent-point order."""
        return replace(PointDataset.of(events, self.points), weight=self.event_weights(events))

    def batch(
        self, dataset: PointDataset, chosen: NDArray[np.int64]
    ) -> tuple[Hits, Tensor, Tensor | None]:
        """Padded hits, standardised summary and weights of the ``chosen`` events."""
        weight = None if dataset.weight is None else dataset.weight[chosen]
        return *dataset.batch(chosen, self._scaling_on_host()), as_tensor(weight)

    def _scaling_on_host(self) -> Scaling:
        """The statistics where batches are made."""
        return Scaling(**{f: self.on_host(f) for f in Scaling.__dataclass_fields__})

    def _leading(self, hits: Hits) -> Tensor:
        """``(B, N)`` mask of hits that have a latent point."""
        order = torch.arange(hits.mask.shape[1], device=hits.mask.device)
        return order < hits.points[:, None]

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean negative ELBO of a batch, scaled, and its parts in nats per image."""
        hits, summary, weight = batch
        network = self.network
        q: Posterior = network.encoder(hits, summary)
        code = q.code + torch.exp(q.code_log_std) * _noise(q.code, generator)
        point = q.point + torch.exp(q.point_log_std) * _noise(q.point, generator)
        lead = self._leading(hits)
        span = point.shape[1]
        keep = lead[:, :span].to(point.dtype)
        described = gaussian_nll(
            summary, network.decoder.describe(code), network.decoder.summary_log_std
        ).sum(-1)
        p = network.decoder.points(code, point)
        channel, energy = hits.channel[:, :span], hits.energy[:, :span]
        pitch = torch.tensor(self.pitch, device=channel.device)[channel][..., None]
        place = discretised_logistic_nll(
            hits.position[:, :span], p.position, p.log_width, pitch
        ).sum(-1)
        kind = F.cross_entropy(p.channel.transpose(1, 2), channel, reduction="none")
        strength = gaussian_nll(energy, p.energy, p.log_std)
        placed = ((place + kind + strength) * keep).sum(-1)
        some = max(len(code) // self.config.remainder_every, 1)
        left = self._remainder_nll(Hits(*(x[:some] for x in hits)), lead[:some], code[:some])
        kl_point = (gaussian_kl(q.point, q.point_log_std).sum(-1) * keep).sum(-1)
        kl_code = gaussian_kl(q.code, q.code_log_std).sum(-1)
        parts = {
            "summary": described,
            "points": placed,
            "remainder": left,
            "kl_code": kl_code,
            "kl_points": kl_point,
        }
        means = {
            k: weighted_mean(v, None if weight is None else weight[: len(v)])
            for k, v in parts.items()
        }
        rebuilt = means["summary"] + means["points"] + means["remainder"]
        total = rebuilt + self.config.beta * (means["kl_code"] + means["kl_points"])
        return {"loss": total / self.config.loss_scale, **{k: v.detach() for k, v in means.items()}}

    def _remainder_nll(self, hits: Hits, lead: Tensor, code: Tensor) -> Tensor:
        grid = self.network.grid
        index = grid.index(hits.position, hits.channel)
        given = hit_images(grid, index, hits.energy, lead & hits.mask)
        rest = hits.mask & ~lead
        target = grid.scatter(index, rest.to(code.dtype)).clamp(max=1)
        logits, energy = self.network.decoder.remainder(code, given)
        free = 1 - given[:, : grid.layers]
        occupancy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * free
        mean = energy.flatten(1).gather(1, index)
        strength = gaussian_nll(hits.energy, mean, self.remainder_log_std[hits.channel])
        return occupancy.flatten(1).sum(-1) + (strength * rest).sum(-1)

    @torch.no_grad()
    def encode(self, hits: Hits, summary: Tensor) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of codes ``(B, G + 3 P)``; of points without a hit none."""
        q: Posterior = self.network.encoder(hits, summary)
        there = q.point.shape[1]
        lead = self._leading(hits)[:, :there, None]
        unused = torch.tensor([0.0, 0.0, self.no_hit], device=q.point.device)
        point = unused.repeat(len(q.code), self.points, 1)
        std = torch.full_like(point, math.nan)
        point[:, :there] = torch.where(lead, q.point, unused)
        std[:, :there] = torch.where(lead, q.point_log_std.exp(), math.nan)
        parts = (q.code, point), (q.code_log_std.exp(), std)
        mean, spread = (torch.cat([code, points.flatten(1)], 1) for code, points in parts)
        return mean, spread

    def codes(self, dataset: PointDataset, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of codes."""
        return self.encode(*to_device(dataset.batch(chosen, self._scaling_on_host()), self.device))

    @property
    def no_hit(self) -> float:
        """Third number of a latent point that stands for no hit."""
        channels = len(self.pitch)
        return float(channel_centre(torch.tensor(channels, device="cpu"), channels))

    @torch.no_grad()
    def decode(self, codes: Tensor, generator: torch.Generator) -> Events:
        """Hits with a latent point, and others drawn from the density that codes give."""
        size = self.config.code
        point = codes[:, size:].view(len(codes), -1, 3)
        decoder = HitDecoder(self.network.decoder, self.geometry, self.scaling, self.no_hit)
        return decoder(codes[:, :size], point, self.remainder_log_std.exp(), generator)

    def graphs(self) -> list[Graph]:
        """Encoder and decoder."""
        return point_graphs(self)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device)


PRESETS = {
    ("jet-vae", "point"): Preset(
        PointVAETask,
        PointVAEConfig,
        "Our jet VAE: 64 global numbers and 320 latent points of three, 1,024 in all.",
        {
            "epochs": 40,
            "batch": 128,
            "learning_rate": 0.002,
            "weight_decay": 0.0001,
            "schedule": "cosine",
            "clip": 1.0,
        },
    ),
}
