"""Training objective and reconstruction of the point VAE."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.networks.likelihoods import (
    discretised_logistic_nll,
    gaussian_kl,
    gaussian_nll,
)
from calovision.networks.point_vae import CHANNEL_SPACING, Hits, PointVAE, Posterior, channel_centre
from calovision.tasks.autoencoder import AutoencoderTask, Batch
from calovision.tasks.point_view import PointView, Scaling

#: log energies enter the decoder's image shifted so that zero means an empty cell
ENERGY_SHIFT = 3.0
#: one jet's loss is some thousand nats; this keeps gradients near one
LOSS_SCALE = 300.0
#: one in so many jets of a batch trains the density of the remaining hits, the costliest part
REMAINDER_SHARE = 4


class PointVAETask(AutoencoderTask):
    """The point VAE with its scaling: loss of a batch, latents and reconstructions of events.

    Args:
        geometry: of the images; channels with ``block`` > 1 are coarse.
        scaling: energy and summary statistics of the training set.
        beta: weight of the Kullback-Leibler terms.
        code, points, width: see :class:`~calovision.networks.point_vae.PointVAE`.
    """

    energy_floor: Tensor
    summary_mean: Tensor
    summary_std: Tensor

    def __init__(
        self,
        geometry: Geometry,
        scaling: Scaling,
        *,
        beta: float,
        code: int,
        points: int,
        width: int,
    ) -> None:
        super().__init__(geometry)
        self.beta, self.points = beta, points
        block = max(c.block for c in geometry.channels)
        self.pitch = [float(c.block) for c in geometry.channels]
        self.network = PointVAE(
            rows=geometry.rows // block,
            block=block,
            coarse=tuple(c.block > 1 for c in geometry.channels),
            summary=len(scaling.summary_mean),
            code=code,
            points=points,
            width=width,
        )
        for name, value in asdict(scaling).items():
            self.register_buffer(name, value)
        channels = len(geometry.channels)
        self.remainder_log_std = nn.Parameter(torch.full((channels,), -0.7))

    @property
    def scaling(self) -> Scaling:
        """The statistics that travel with the weights."""
        return Scaling(**{f: getattr(self, f) for f in Scaling.__dataclass_fields__})

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.network.latent_numbers

    def view(self, events: Events) -> PointView:
        """Events in this task's latent-point order."""
        return PointView.of(events, self.points)

    def batch(self, view: PointView, chosen: NDArray[np.int64]) -> tuple[Hits, Tensor]:
        """Padded hits and standardised summary of the ``chosen`` events."""
        return view.batch(chosen, self.scaling)

    def _leading(self, hits: Hits) -> Tensor:
        """``(B, N)`` mask of hits that have a latent point."""
        order = torch.arange(hits.mask.shape[1])
        return order < hits.points[:, None]

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean negative ELBO of a batch, scaled, and its parts in nats per image."""
        hits, summary = batch
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
        pitch = torch.tensor(self.pitch)[channel][..., None]
        place = discretised_logistic_nll(
            hits.position[:, :span], p.position, p.log_width, pitch
        ).sum(-1)
        kind = F.cross_entropy(p.channel.transpose(1, 2), channel, reduction="none")
        strength = gaussian_nll(energy, p.energy, p.log_std)
        placed = ((place + kind + strength) * keep).sum(-1)
        some = max(len(code) // REMAINDER_SHARE, 1)
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
        means = {k: v.mean() for k, v in parts.items()}
        rebuilt = means["summary"] + means["points"] + means["remainder"]
        total = rebuilt + self.beta * (means["kl_code"] + means["kl_points"])
        return {"loss": total / LOSS_SCALE, **{k: v.detach() for k, v in means.items()}}

    def _images(self, index: Tensor, energy: Tensor, keep: Tensor) -> Tensor:
        """Occupancy and shifted log energy of the kept hits, ``(B, 2 L, rows, rows)``."""
        grid = self.network.grid
        on = keep.to(energy.dtype)
        occupancy = grid.scatter(index, on).clamp(max=1)
        return torch.cat([occupancy, grid.scatter(index, (energy + ENERGY_SHIFT) * on)], 1)

    def _remainder_nll(self, hits: Hits, lead: Tensor, code: Tensor) -> Tensor:
        grid = self.network.grid
        index = grid.index(hits.position, hits.channel)
        given = self._images(index, hits.energy, lead & hits.mask)
        rest = hits.mask & ~lead
        target = grid.scatter(index, rest.to(code.dtype)).clamp(max=1)
        logits, energy = self.network.decoder.remainder(code, given)
        free = 1 - given[:, : grid.layers]
        occupancy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * free
        mean = energy.flatten(1).gather(1, index)
        strength = gaussian_nll(hits.energy, mean, self.remainder_log_std[hits.channel])
        return occupancy.flatten(1).sum(-1) + (strength * rest).sum(-1)

    @torch.no_grad()
    def encode(self, hits: Hits, summary: Tensor) -> tuple[Tensor, Posterior]:
        """Latent means ``(B, G + 3 P)``, unused points where no channel is, and the posterior."""
        q: Posterior = self.network.encoder(hits, summary)
        lead = self._leading(hits)[:, : q.point.shape[1], None]
        unused = torch.tensor([0.0, 0.0, self._no_hit])
        point = unused.repeat(len(q.code), self.points, 1)
        point[:, : q.point.shape[1]] = torch.where(lead, q.point, unused)
        return torch.cat([q.code, point.flatten(1)], 1), q

    @property
    def _no_hit(self) -> float:
        """Third number of a latent point that stands for no hit."""
        channels = len(self.pitch)
        return float(channel_centre(torch.tensor(channels), channels))

    @torch.no_grad()
    def reconstruct(
        self, view: PointView, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means.

        Hit counts and energy sums per channel are the decoded ones; the hits beyond the latent
        points are drawn from the decoder's density with ``generator``.
        """
        hits, summary = view.batch(chosen, self.scaling)
        means, _ = self.encode(hits, summary)
        code_size = self.network.encoder.skip.out_features
        code, point = means[:, :code_size], means[:, code_size:].view(len(chosen), -1, 3)
        decoder, grid = self.network.decoder, self.network.grid
        described = decoder.describe(code) * self.summary_std + self.summary_mean
        channels = len(self.pitch)
        counts = (described[:, :channels].exp() - 0.5).round().clamp(min=0).long()
        sums = (described[:, channels : 2 * channels].exp() - 1e-3).clamp(min=0)
        p = decoder.points(code, point)
        kind = p.channel.argmax(-1)
        index = grid.index(self._snap(p.position, kind), kind)
        keep = point[..., 2] < self._no_hit - CHANNEL_SPACING / 2
        # Two points may decode to one cell: the harder one stays.
        keep &= _first_in_cell(index, p.energy, keep)
        keep &= _hardest(p.energy, kind, keep, counts)
        occupied = self._images(index, p.energy, keep)
        logits, mean = decoder.remainder(code, occupied)
        strength = grid.scatter(index, (p.energy + ENERGY_SHIFT) * keep)
        energy, on = strength.flatten(1) - ENERGY_SHIFT, occupied[:, : grid.layers].flatten(1) > 0
        layer = torch.repeat_interleave(torch.arange(channels), torch.tensor(grid.sizes))
        cell_channel = layer.repeat_interleave(grid.rows**2)
        for c in range(channels):
            mine = cell_channel == c
            missing = counts[:, c] - on[:, mine].sum(1)
            drawn = _draw(logits.flatten(1)[:, mine], on[:, mine], missing, generator)
            spread = self.remainder_log_std[c].exp() * torch.randn(drawn.shape, generator=generator)
            soft = mean.flatten(1)[:, mine] + spread
            energy[:, mine] = torch.where(drawn, soft, energy[:, mine])
            on[:, mine] |= drawn
        log_energy = self.scaling.restore(energy, cell_channel)
        log_energy = log_energy.maximum(self.energy_floor[cell_channel])
        gev = torch.where(on, log_energy.exp(), 0.0)
        for c in range(channels):
            mine = cell_channel == c
            have = gev[:, mine].sum(1).clamp(min=1e-9)
            gev[:, mine] *= (sums[:, c] / have)[:, None]
        return self._events(gev, on, described), means.numpy()

    def _snap(self, position: Tensor, kind: Tensor) -> Tensor:
        pitch = torch.tensor(self.pitch)[kind][..., None]
        return (position / pitch).round() * pitch

    def _events(self, gev: Tensor, on: Tensor, described: Tensor) -> Events:
        grid, geometry = self.network.grid, self.geometry
        owner, index = on.nonzero(as_tuple=True)
        position, channel = grid.place(index)
        half = (geometry.rows - 1) // 2
        cell = ((position[:, 0] + half) * geometry.cols + position[:, 1] + half).numpy()
        code = channel.numpy().astype(np.uint8)
        scale = np.array([c.block**2 * c.gev_per_unit for c in geometry.channels])
        value = (gev[owner, index].numpy() / scale[code]).astype(np.float32)
        order = np.lexsort((cell, code, owner.numpy()))
        offsets = np.concatenate([[0], np.cumsum(on.sum(1).numpy())]).astype(np.int64)
        columns = {}
        if described.shape[1] > 7 * len(self.pitch):
            columns = {
                "pt": described[:, -2].exp().numpy(),
                "m0": described[:, -1].exp().numpy(),
            }
        return Events(
            geometry, offsets, cell.astype(np.uint16)[order], code[order], value[order], columns
        )


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator)


def _first_in_cell(index: Tensor, energy: Tensor, keep: Tensor) -> Tensor:
    """``(B, P)`` true for the hardest kept point of every cell."""
    score = torch.where(keep, energy, -math.inf)
    order = score.argsort(dim=1, descending=True, stable=True)
    ordered = index.gather(1, order)
    by_cell = ordered.argsort(dim=1, stable=True)
    cells = ordered.gather(1, by_cell)
    new = torch.ones_like(keep)
    new[:, 1:] = cells[:, 1:] != cells[:, :-1]
    first = torch.empty_like(keep)
    return first.scatter_(1, order.gather(1, by_cell), new)


def _hardest(energy: Tensor, kind: Tensor, keep: Tensor, counts: Tensor) -> Tensor:
    """``(B, P)`` true for the hardest ``counts`` ``(B, C)`` kept points of every channel."""
    chosen = torch.zeros_like(keep)
    for c in range(counts.shape[1]):
        mine = keep & (kind == c)
        order = torch.where(mine, energy, -math.inf).argsort(dim=1, descending=True, stable=True)
        rank = order.argsort(dim=1)
        chosen |= mine & (rank < counts[:, c : c + 1])
    return chosen


def _draw(logits: Tensor, taken: Tensor, number: Tensor, generator: torch.Generator) -> Tensor:
    """Draw ``number`` ``(B,)`` free cells without replacement in proportion to their odds.

    The Gumbel top-k trick (arXiv:1903.06059).
    """
    uniform = torch.rand(logits.shape, generator=generator).clamp(min=1e-20)
    score = torch.where(taken, -math.inf, logits - torch.log(-torch.log(uniform)))
    most = int(number.max().clamp(min=0))
    top = score.topk(most, 1).indices
    chosen = torch.arange(most) < number[:, None]
    return torch.zeros_like(taken).scatter_(1, top, chosen) & ~taken
