"""The decoder of the point VAE: from codes to detector hits."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.models.autoencoders.point_batches import Scaling
from calovision.networks.point_vae import CHANNEL_SPACING, Decoder, hit_images


class HitDecoder:
    """Makes events of codes: hit counts and energy sums per channel are exactly the decoded ones.

    Args:
        decoder: trained decoder.
        geometry: of the images.
        scaling: energy and summary statistics of the training set.
        no_hit: third number of a latent point that stands for no hit.
    """

    def __init__(
        self, decoder: Decoder, geometry: Geometry, scaling: Scaling, no_hit: float
    ) -> None:
        self.decoder, self.geometry, self.scaling, self.no_hit = decoder, geometry, scaling, no_hit
        self.grid = decoder.grid
        self.channels = len(geometry.channels)
        device = scaling.energy_mean.device
        self.pitch = torch.tensor([float(c.block) for c in geometry.channels], device=device)

    def __call__(
        self, code: Tensor, point: Tensor, spread: Tensor, generator: torch.Generator
    ) -> Events:
        """Events of codes ``(B, G)`` and latent points ``(B, P, 3)``.

        Args:
            code: global codes.
            point: latent points.
            spread: ``(C,)`` standard deviation of the log energy of hits without a point.
            generator: draws those hits.
        """
        described = self.decoder.describe(code) * self.scaling.summary_std
        described = described + self.scaling.summary_mean
        counts = (described[:, : self.channels].exp() - 0.5).round().clamp(min=0).long()
        index, energy, keep = self.placed(code, point, counts)
        logits, mean = self.decoder.remainder(code, hit_images(self.grid, index, energy, keep))
        owner, place = keep.nonzero(as_tuple=True)
        owners, indices, energies = [owner], [index[owner, place]], [energy[owner, place]]
        taken = torch.zeros_like(logits.flatten(1), dtype=torch.bool)
        taken[owner, indices[0]] = True
        start = 0
        for c, layers in enumerate(self.grid.sizes):
            mine = slice(start, start + layers * self.grid.rows**2)
            missing = counts[:, c] - taken[:, mine].sum(1)
            owner, drawn = draw(logits.flatten(1)[:, mine], taken[:, mine], missing, generator)
            noise = torch.randn(len(owner), generator=generator, device=owner.device) * spread[c]
            owners.append(owner)
            indices.append(drawn + start)
            energies.append(mean.flatten(1)[owner, drawn + start] + noise)
            start = mine.stop
        flat = torch.cat(owners), torch.cat(indices), torch.cat(energies)
        return self._events(*flat, described)

    def placed(self, code: Tensor, point: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cell index, energy and validity ``(B, P)`` of the hits that have a latent point.

        Args:
            code: ``(B, G)``.
            point: ``(B, P, 3)``.
            counts: ``(B, C)`` hits of every channel.
        """
        p = self.decoder.points(code, point)
        kind = p.channel.argmax(-1)
        pitch = self.pitch[kind][..., None]
        index = self.grid.index((p.position / pitch).round() * pitch, kind)
        keep = point[..., 2] < self.no_hit - CHANNEL_SPACING / 2
        # Two points may decode to one cell: the harder one stays.
        keep = keep & first_in_cell(index, p.energy, keep)
        return index, p.energy, keep & hardest(p.energy, kind, keep, counts)

    def _events(self, owner: Tensor, index: Tensor, energy: Tensor, described: Tensor) -> Events:
        geometry, n = self.geometry, len(described)
        position, channel = self.grid.place(index)
        floor = self.scaling.energy_floor[channel]
        gev = self.scaling.restore(energy, channel).maximum(floor).exp()
        sums = (described[:, self.channels : 2 * self.channels].exp() - 1e-3).clamp(min=0)
        group = owner * self.channels + channel
        have = sums.new_zeros(sums.numel()).index_add(0, group, gev)
        gev = gev * (sums.flatten() / have.clamp(min=1e-9))[group]
        half = (geometry.rows - 1) // 2
        cell = ((position[:, 0] + half) * geometry.cols + position[:, 1] + half).cpu().numpy()
        code, owners = channel.cpu().numpy().astype(np.uint8), owner.cpu().numpy()
        scale = np.array([c.block**2 * c.gev_per_unit for c in geometry.channels])
        value = (gev.cpu().numpy() / scale[code]).astype(np.float32)
        order = np.lexsort((cell, code, owners))
        counts = np.bincount(owners, minlength=n)
        offsets = offsets_of(counts)
        columns = {}
        if described.shape[1] > 7 * self.channels:
            columns = {
                "pt": described[:, -2].exp().cpu().numpy(),
                "m0": described[:, -1].exp().cpu().numpy(),
            }
        return Events(
            geometry, offsets, cell.astype(np.uint16)[order], code[order], value[order], columns
        )


def first_in_cell(index: Tensor, energy: Tensor, keep: Tensor) -> Tensor:
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


def hardest(energy: Tensor, kind: Tensor, keep: Tensor, counts: Tensor) -> Tensor:
    """``(B, P)`` true for the hardest ``counts`` ``(B, C)`` kept points of every channel."""
    chosen = torch.zeros_like(keep)
    for c in range(counts.shape[1]):
        mine = keep & (kind == c)
        order = torch.where(mine, energy, -math.inf).argsort(dim=1, descending=True, stable=True)
        rank = order.argsort(dim=1)
        chosen |= mine & (rank < counts[:, c : c + 1])
    return chosen


def draw(
    logits: Tensor, taken: Tensor, number: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw ``number`` ``(B,)`` free cells without replacement in proportion to their odds.

    The Gumbel top-k trick (arXiv:1903.06059).

    Returns:
        owner and cell of every drawn cell, flat.
    """
    uniform = torch.rand(logits.shape, generator=generator, device=logits.device)
    uniform = uniform.clamp(min=1e-20)
    score = torch.where(taken, -math.inf, logits - torch.log(-torch.log(uniform)))
    most = min(int(number.max().clamp(min=0)), logits.shape[1])
    top = score.topk(most, 1)
    chosen = (torch.arange(most, device=number.device) < number[:, None]) & top.values.isfinite()
    owner, rank = chosen.nonzero(as_tuple=True)
    return owner, top.indices[owner, rank]
