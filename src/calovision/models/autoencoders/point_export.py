"""The point VAE as ONNX: padded hits to codes, and codes to hits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.features import padded_hits
from calovision.features.jet_shapes import image_summary
from calovision.features.padded_hits import Hits, with_padding
from calovision.models.autoencoders.point_batches import most_points
from calovision.models.autoencoders.point_decoder import HitDecoder
from calovision.networks import point_vae
from calovision.training.devices import to_device
from calovision.training.onnx_graph import Arrays, Graph, numpy_of

if TYPE_CHECKING:
    from calovision.models.autoencoders.point_vae import PointVAETask

TAKEN = -1e4  #: log-odds of a cell that already holds a hit


class PointEncoder(nn.Module):
    """Padded hits, and ``pt`` and ``m0`` where they were learned, to latent means.

    Args:
        task: the trained autoencoder.
    """

    def __init__(self, task: PointVAETask) -> None:
        super().__init__()
        self.task, self.points = task, task.points
        self.channels = len(task.geometry.channels)
        most = [most_points(channel) for channel in task.geometry.channels]
        self.caps = [self.points if m is None else m for m in most]
        self.capped = [m is not None for m in most]

    def _room(self, number: Tensor) -> Tensor:
        """``(n, C)`` latent points open to each channel that has so many hits."""
        left = torch.full_like(number[:, 0], self.points)
        room: dict[int, Tensor] = {}
        for c in (c for c in range(self.channels) if self.capped[c]):
            room[c] = left.clamp(max=self.caps[c])
            left = left - torch.minimum(number[:, c], room[c])
        return torch.stack([room.get(c, left) for c in range(self.channels)], 1)

    def _ordered(self, hits: Hits) -> tuple[Hits, Tensor]:
        """Hits with a latent point first, hardest first in each channel, and their number."""
        spare = (0, self.points)  # so that there are enough columns for all latent points
        channel = F.pad(hits.channel, spare, value=-1)
        eta, phi, energy = (F.pad(x, spare) for x in hits[:3])
        number = hits.sums(self.channels).counts()
        room = self._room(number)
        strength = torch.where(channel >= 0, energy, -1.0)
        order = strength.sort(dim=1, descending=True, stable=True)[1]
        group = torch.where(channel >= 0, channel, self.channels).gather(1, order)
        by_group = group.sort(dim=1, stable=True)
        order, group = order.gather(1, by_group[1]), by_group[0]
        known = group < self.channels
        at = group.clamp(max=self.channels - 1)
        rank = torch.arange(channel.shape[1], device=channel.device) - (
            number.cumsum(1) - number
        ).gather(1, at)
        extra = torch.where(known, (rank >= room.gather(1, at)).long(), 2)
        order = order.gather(1, extra.sort(dim=1, stable=True)[1])
        chosen = Hits(*(x.gather(1, order) for x in (eta, phi, energy, channel)))
        return chosen, torch.minimum(number, room).sum(1).long()

    def forward(
        self,
        eta: Tensor,
        phi: Tensor,
        energy: Tensor,
        channel: Tensor,
        pt: Tensor | None = None,
        m0: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Global codes ``(n, G)`` and latent points ``(n, P, 3)``."""
        hits = with_padding(Hits(eta, phi, energy, channel))
        chosen, points = self._ordered(hits)
        scaling, mask = self.task.scaling, chosen.channel >= 0
        code = chosen.channel.clamp(min=0)
        strength = scaling.standardise(chosen.energy.clamp(min=1e-6).log(), code) * mask
        eta_pitch, phi_pitch = self.task.geometry.pitch
        place = torch.stack([chosen.eta / eta_pitch, chosen.phi / phi_pitch], -1).round()
        logs = [c.clamp(min=1e-3).log()[:, None] for c in (pt, m0) if c is not None]
        summary = torch.cat([image_summary(hits.sums(self.channels)), *logs], 1)
        summary = (summary - scaling.summary_mean) / scaling.summary_std
        found: point_vae.Posterior = self.task.network.encoder(
            point_vae.Hits(place * mask[..., None], strength, code, mask, points), summary
        )
        lead = (torch.arange(self.points, device=points.device) < points[:, None])[..., None]
        unused = torch.tensor([0.0, 0.0, self.task.no_hit], device=points.device)
        return found.code, torch.where(lead, found.point, unused)


class PointDecoder(nn.Module):
    """Codes to hits: those with a latent point, and the density that the others are drawn from.

    Args:
        task: the trained autoencoder.
    """

    def __init__(self, task: PointVAETask) -> None:
        super().__init__()
        self.task, self.channels = task, len(task.geometry.channels)
        self.columns = task.summary_mean.shape[0] > 7 * self.channels
        decoder = self.task.network.decoder
        self.decode = HitDecoder(decoder, task.geometry, task.scaling, task.no_hit)
        cells = torch.arange(decoder.grid.layers * decoder.grid.rows**2, device=task.device)
        position, channel = decoder.grid.place(cells)
        self.channel_of = channel
        pitch = torch.tensor(self.task.geometry.pitch, device=position.device)
        self.position_of = position * pitch

    def _gev(self, energy: Tensor, channel: Tensor) -> Tensor:
        scaling = self.task.scaling
        return scaling.restore(energy, channel).maximum(scaling.energy_floor[channel]).exp()

    def forward(self, code: Tensor, points: Tensor) -> tuple[Tensor, ...]:
        """See :data:`POINT_DECODED`."""
        scaling, grid = self.task.scaling, self.decode.grid
        described = self.task.network.decoder.describe(code)
        described = described * scaling.summary_std + scaling.summary_mean
        number = (described[:, : self.channels].exp() - 0.5).round().clamp(min=0).long()
        total = (described[:, self.channels : 2 * self.channels].exp() - 1e-3).clamp(min=0)
        index, strength, keep = self.decode.placed(code, points, number)
        image = point_vae.hit_images(grid, index, strength, keep)
        logits, mean = self.task.network.decoder.remainder(code, image)
        position, channel = grid.place(index)
        place = position * torch.tensor(self.task.geometry.pitch, device=position.device)
        free = image[:, : grid.layers].flatten(1) == 0
        columns = (described[:, -2].exp(), described[:, -1].exp()) if self.columns else ()
        return (
            place[..., 0],
            place[..., 1],
            torch.where(keep, self._gev(strength, channel), 0.0),
            torch.where(keep, channel, -1),
            number,
            total,
            torch.where(free, logits.flatten(1), TAKEN),
            self._gev(mean.flatten(1), self.channel_of.expand_as(free)),
            self.position_of[:, 0] + 0.0,
            self.position_of[:, 1] + 0.0,
            self.channel_of + 0,
            *columns,
        )


POINT_ENCODED = {
    "code": "float32 (events, G): mean of the global code",
    "points": "float32 (events, P, 3): means of the latent points; row, column, energy/channel",
}
POINT_DECODED = {
    "eta": "float32 (events, P): of the hits with a latent point, from the window's centre",
    "phi": "float32 (events, P): the same, rad",
    "energy": "float32 (events, P): GeV, 0 where there is no hit; before scaling to 'sums'",
    "channel": "int64 (events, P): number of the channel; -1 where there is no hit",
    "counts": "int64 (events, C): hits of the whole image in every channel",
    "sums": "float32 (events, C): summed energy of the whole image in every channel, GeV",
    "cell_logit": "float32 (events, cells): log-odds by which the missing hits are drawn without"
    " replacement; -1e4 where a hit is already",
    "cell_energy": "float32 (events, cells): expected energy of a hit there, GeV",
    "cell_eta": "float32 (cells)",
    "cell_phi": "float32 (cells), rad",
    "cell_channel": "int64 (cells)",
}
COLUMNS = {
    "pt": "float32 (events): of the jet, GeV",
    "m0": "float32 (events): mass of the jet, GeV",
}


def point_graphs(task: PointVAETask) -> list[Graph]:
    """Encoder and decoder."""
    decoder = PointDecoder(task)
    columns = COLUMNS if decoder.columns else {}

    def prepared(events: Events) -> Arrays:
        known = {k: events.columns[k].astype(np.float32) for k in columns}
        return padded_hits.prepared(events) | known

    def encoded(events: Events) -> Arrays:
        given = task.batch(task.dataset(events), np.arange(len(events)))[:2]
        means, _ = task.encode(*to_device(given, task.device))
        size = means.shape[1] - 3 * task.points
        parts = (means[:, :size], means[:, size:].reshape(len(events), task.points, 3))
        return numpy_of(POINT_ENCODED, parts)

    def decoded(events: Events) -> Arrays:
        codes = (torch.from_numpy(x).to(task.device) for x in encoded(events).values())
        return numpy_of(POINT_DECODED | columns, decoder(*codes))

    decoder_inputs = {
        k: v.replace("mean of", "").replace("means of", "") for k, v in POINT_ENCODED.items()
    }
    return [
        Graph(
            "encoder",
            PointEncoder(task),
            padded_hits.INPUTS | columns,
            POINT_ENCODED,
            padded_hits.FREE | dict.fromkeys(columns, ("events",)),
            prepared,
            encoded,
            "Any order.",
        ),
        Graph(
            "decoder",
            decoder,
            decoder_inputs,
            POINT_DECODED | columns,
            {"code": ("events",), "points": ("events",)},
            encoded,
            decoded,
            "The hits without a latent point are drawn by the caller: counts - (hits given) cells"
            " of every channel, by cell_logit; then energies are scaled to sums.",
        ),
    ]
