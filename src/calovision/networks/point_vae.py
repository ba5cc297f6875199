"""A hierarchical variational autoencoder for sparse detector images.

After the latent-point hierarchy of LION (arXiv:2210.06978): a *global* code for what the whole
image is like, and *latent points*, one noisy (eta, phi, energy) each, for its hardest hits. Hits
that find no latent point are redrawn from a density that the decoder learns given both codes.

Coordinates: rows and columns in pixels divided by :data:`PIXELS_PER_UNIT` from the window centre;
energies as standardised logarithms ``e`` (dimensionless). Shapes: ``B`` images, ``N`` hits
(padded), ``P <= N`` latent points, ``C`` channels, ``G`` global numbers, ``S`` summary numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIXELS_PER_UNIT = 31.0  #: pixels in one unit of a latent point's coordinates
ENERGY_SCALE = 0.15  #: units of a latent point's third number per standard deviation of log energy
CHANNEL_SPACING = 10 * ENERGY_SCALE  #: distance between channels along the third number

ENERGY_SHIFT = 3.0  #: added to log energies in the decoder's images, where zero means no hit


def channel_centre(channel: Tensor, channels: int) -> Tensor:
    """Where along a latent point's third number the energies of ``channel`` lie.

    Channel ``channels``, one past the last, is that of a point without a hit.
    """
    return CHANNEL_SPACING * (channel - (channels - 1) / 2)


class Hits(NamedTuple):
    """Padded hits of a batch, those with a latent point first.

    Attributes:
        position: ``(B, N, 2)`` row and column relative to the window centre, pixels.
        energy: ``(B, N)`` standardised log energy.
        channel: ``(B, N)`` int64 channel index.
        mask: ``(B, N)`` true for hits, false for padding.
        points: ``(B,)`` int64 number of leading hits that have a latent point.
    """

    position: Tensor
    energy: Tensor
    channel: Tensor
    mask: Tensor
    points: Tensor


class Posterior(NamedTuple):
    """Means and log standard deviations of the codes: ``(B, G)`` and ``(B, P, 3)``."""

    code: Tensor
    code_log_std: Tensor
    point: Tensor
    point_log_std: Tensor


class PointDecoding(NamedTuple):
    """What the decoder says of each latent point.

    Attributes:
        position: ``(B, P, 2)`` pixels from the window centre.
        log_width: ``(B, P, 2)`` log of the logistic width of the position, pixels.
        energy: ``(B, P)`` standardised log energy.
        log_std: ``(B, P)`` log standard deviation of ``energy``.
        channel: ``(B, P, C)`` logits.
    """

    position: Tensor
    log_width: Tensor
    energy: Tensor
    log_std: Tensor
    channel: Tensor


@dataclass(frozen=True)
class Grid:
    """Towers of ``block x block`` pixels tiling the image; coarse channels have one cell a tower.

    Attributes:
        rows: towers along eta; the image must be square.
        block: pixels along each side of a tower.
        coarse: for each channel, whether its readout cell is a whole tower.
    """

    rows: int
    block: int
    coarse: tuple[bool, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells of each channel in one tower."""
        return tuple(1 if c else self.block**2 for c in self.coarse)

    @property
    def layers(self) -> int:
        """Cells of all channels in one tower."""
        return sum(self.sizes)

    def index(self, position: Tensor, channel: Tensor) -> Tensor:
        """Flat index ``(B, N)`` into ``(layers, rows, rows)`` of hits at ``position`` (pixels)."""
        half = (self.rows * self.block - 1) // 2
        pixel = (position.round().long() + half).clamp(0, self.rows * self.block - 1)
        tower, inside = pixel // self.block, pixel % self.block
        first = [sum(self.sizes[:c]) for c in range(len(self.sizes))]
        starts = torch.tensor(first, device=channel.device)
        fine = ~torch.tensor(self.coarse, device=channel.device)[channel]
        layer = starts[channel] + fine * (inside[..., 0] * self.block + inside[..., 1])
        return (layer * self.rows + tower[..., 0]) * self.rows + tower[..., 1]

    def place(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inverse of :meth:`index`: positions ``(..., 2)`` (pixels from centre) and channels."""
        layer, tower = index // self.rows**2, index % self.rows**2
        sizes = torch.tensor(self.sizes, device=index.device)
        ends = sizes.cumsum(0)
        channel = torch.bucketize(layer, ends, right=True)
        inside = layer - (ends - sizes)[channel]
        middle = self.block // 2
        coarse = torch.tensor(self.coarse, device=index.device)[channel]
        row = torch.where(coarse, middle, inside // self.block)
        col = torch.where(coarse, middle, inside % self.block)
        half = (self.rows * self.block - 1) // 2
        tower_rc = torch.stack([tower // self.rows, tower % self.rows], -1)
        pixel = tower_rc * self.block + torch.stack([row, col], -1) - half
        return pixel.float(), channel

    def scatter(self, index: Tensor, value: Tensor) -> Tensor:
        """Sum ``value`` ``(B, N)`` into an image ``(B, layers, rows, rows)``."""
        image = value.new_zeros(index.shape[0], self.layers * self.rows**2)
        return image.scatter_add(1, index, value).view(-1, self.layers, self.rows, self.rows)


def hit_images(grid: Grid, index: Tensor, energy: Tensor, keep: Tensor) -> Tensor:
    """Occupancy and shifted log energy of the kept hits, ``(B, 2 layers, rows, rows)``."""
    on = keep.to(energy.dtype)
    occupancy = grid.scatter(index, on).clamp(max=1)
    return torch.cat([occupancy, grid.scatter(index, (energy + ENERGY_SHIFT) * on)], 1)


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers of the given widths with GELU between them."""
    layers: list[nn.Module] = []
    for inward, outward in pairwise(widths):
        layers += [nn.Linear(inward, outward), nn.GELU()]
    return nn.Sequential(*layers[:-1])


class Encoder(nn.Module):
    """Hits and summary to the posterior of both codes."""

    def __init__(self, *, channels: int, summary: int, code: int, points: int, width: int) -> None:
        super().__init__()
        self.channels, self.points = channels, points
        self.embed = mlp(4 + channels, width, width, width)
        self.summarise = mlp(2 * channels * width + summary, 2 * width, 2 * width)
        self.skip = nn.Linear(summary, code)
        nn.init.eye_(self.skip.weight)
        self.code = nn.Linear(2 * width, 2 * code)
        with torch.no_grad():
            self.code.bias[code:] = -3.0
        self.refine = mlp(width + code, width, 6)
        last = self.refine[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0, 0.0, 0.0, -4.0, -4.0, -3.0]))

    def forward(self, hits: Hits, summary: Tensor) -> Posterior:
        """Posterior of a batch; ``summary`` is ``(B, S)``, standardised."""
        xy = hits.position / PIXELS_PER_UNIT
        radius = xy.norm(dim=-1, keepdim=True)
        one_hot = F.one_hot(hits.channel, self.channels).to(xy.dtype)
        features = torch.cat([xy, radius, hits.energy[..., None], one_hot], -1)
        embedded = self.embed(features)
        weight = one_hot * hits.mask[..., None]
        total = torch.einsum("bnc,bnw->bcw", weight, embedded)
        mean = total / weight.sum(1)[..., None].clamp(min=1)
        pooled = torch.cat([mean.flatten(1), total.flatten(1) / 100, summary], -1)
        update, code_log_std = self.code(self.summarise(pooled)).chunk(2, -1)
        code = self.skip(summary) + update
        lead = slice(0, self.points)
        context = code[:, None].expand(-1, embedded[:, lead].shape[1], -1)
        shift, point_log_std = self.refine(torch.cat([embedded[:, lead], context], -1)).chunk(2, -1)
        third = ENERGY_SCALE * hits.energy + channel_centre(hits.channel, self.channels)
        point = torch.cat([xy, third[..., None]], -1)[:, lead] + shift
        return Posterior(code, code_log_std.clamp(-7, 1), point, point_log_std.clamp(-7, 1))


class Decoder(nn.Module):
    """Both codes to hits: summary, latent points, and a density for the hits without a point."""

    def __init__(self, *, grid: Grid, summary: int, code: int, width: int) -> None:
        super().__init__()
        channels = len(grid.sizes)
        self.grid, self.channels = grid, channels
        self.summary = mlp(code, 2 * width, 2 * width, summary)
        self.summary_skip = nn.Linear(code, summary)
        nn.init.eye_(self.summary_skip.weight)
        self.summary_log_std = nn.Parameter(torch.full((summary,), -3.0))
        self.point = mlp(3 + code, width, width, 6 + channels)
        last = self.point[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.lift = nn.Conv2d(2 * grid.layers, width, 1)
        self.film = nn.Linear(code, 2 * width)
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.far = nn.Conv2d(width, width, 3, padding=1)
        self.density = nn.Conv2d(width, 2 * grid.layers, 1)
        with torch.no_grad():
            bias = self.density.bias
            assert bias is not None
            bias[: grid.layers] = -5.0

    def describe(self, code: Tensor) -> Tensor:
        """Standardised summary ``(B, S)`` of the image that ``code`` ``(B, G)`` stands for."""
        out: Tensor = self.summary_skip(code) + self.summary(code)
        return out

    def points(self, code: Tensor, point: Tensor) -> PointDecoding:
        """Decode latent points ``(B, P, 3)`` in the context of ``code``."""
        context = code[:, None].expand(-1, point.shape[1], -1)
        out = self.point(torch.cat([point, context], -1))
        position = (point[..., :2] + out[..., :2]) * PIXELS_PER_UNIT
        channels = torch.arange(self.channels, device=point.device)
        centres = channel_centre(channels, self.channels)
        offset = (point[..., 2:] - centres) / ENERGY_SCALE
        logits = out[..., 6:] - 0.5 * offset**2
        energy = (logits.softmax(-1) * offset).sum(-1) + out[..., 4]
        return PointDecoding(
            position, out[..., 2:4].clamp(-4, 3), energy, (out[..., 5] - 1).clamp(-4, 2), logits
        )

    def remainder(self, code: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Density of the hits that have no latent point.

        Args:
            code: ``(B, G)``.
            image: ``(B, 2 * layers, rows, rows)``: occupancy, then shifted log energy, of the
                hits that have one.

        Returns:
            logits of occupancy and expected standardised log energy, ``(B, layers, rows, rows)``.
        """
        hidden = self.lift(image)
        scale, shift = self.film(code)[..., None, None].chunk(2, 1)
        inner = F.gelu(self.near(F.gelu(hidden))) * (1 + scale) + shift
        hidden = hidden + self.far(inner)
        logits, energy = self.density(F.gelu(hidden)).chunk(2, 1)
        return logits, energy


class PointVAE(nn.Module):
    """The autoencoder, with ``code + 3 * points`` latent numbers.

    Args:
        rows: towers along each side of the image.
        block: pixels along each side of a tower.
        coarse: for each channel, whether one readout cell is a whole tower.
        summary: numbers in the summary.
        code: global latent numbers.
        points: latent points (three numbers each).
        width: hidden width.
    """

    def __init__(
        self,
        *,
        rows: int,
        block: int,
        coarse: tuple[bool, ...],
        summary: int,
        code: int = 64,
        points: int = 320,
        width: int = 64,
    ) -> None:
        super().__init__()
        self.grid = Grid(rows, block, tuple(coarse))
        self.encoder = Encoder(
            channels=len(coarse), summary=summary, code=code, points=points, width=width
        )
        self.decoder = Decoder(grid=self.grid, summary=summary, code=code, width=width)

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.encoder.skip.out_features + 3 * self.encoder.points
