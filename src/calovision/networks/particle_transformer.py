"""A small transformer on the hits of an event, with attention that knows where hits lie.

Beside it a convolutional network sees all hits in coarser grain; attention is for the hardest.

After the Particle Transformer (arXiv:2202.03772), made to train on a processor in minutes: in
place of a network on every pair of particles, queries and keys are turned by angles proportional
to eta and phi (rotary embedding, arXiv:2104.09864), so that their product depends on the
differences in eta and phi of the pair, at no cost.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.networks.tower_net import OUT, TowerNet

#: shortest and longest distance (eta, or phi in rad) over which an angle turns by a full circle
WAVELENGTHS = (0.15, 3.0)
FAR = -1e4  #: added to the logits of padding


class ParticleTransformer(nn.Module):
    """Hits, a summary and a coarse image of the event to one logit.

    Args:
        features: numbers a hit.
        context: numbers an event.
        planes: of the image of towers.
        extra: further outputs, for targets that help training.
        width: of the hidden layers; a multiple of four times ``heads``.
        layers: attention blocks.
        heads: attention heads.
        dropout: share of hidden numbers left out in training.
    """

    def __init__(
        self,
        features: int,
        context: int,
        planes: int,
        *,
        extra: int = 0,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if width % (4 * heads):
            raise ValueError(f"width {width} is not a multiple of four times {heads} heads")
        self.embed = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.context = nn.Linear(context, width)
        self.blocks = nn.ModuleList(AttentionBlock(width, heads, dropout) for _ in range(layers))
        self.weight = nn.Linear(width, 1, bias=False)
        self.towers = TowerNet(planes)
        known = 2 * width + context + OUT
        self.head = nn.Sequential(
            nn.LayerNorm(known),
            nn.Linear(known, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, 1 + extra),
        )
        number = width // heads // 4
        first, last = (2 * math.pi / w for w in WAVELENGTHS)
        frequencies = torch.logspace(math.log10(first), math.log10(last), number)
        self.register_buffer("frequencies", frequencies, persistent=False)

    frequencies: Tensor

    def outputs(
        self, features: Tensor, position: Tensor, mask: Tensor, context: Tensor, towers: Tensor
    ) -> Tensor:
        """All outputs.

        Args:
            features: ``(n, h, features)``.
            position: ``(n, h, 2)`` eta and phi (rad) of the hits.
            mask: ``(n, h)`` bool, true for hits.
            context: ``(n, context)``.
            towers: ``(n, planes, BINS, BINS)``.

        Returns:
            ``(n, 1 + extra)``.
        """
        hits = self.embed(features) + self.context(context)[:, None]
        angle = (position[..., None] * self.frequencies).flatten(2)[:, None]
        turn = torch.polar(torch.ones_like(angle), angle)
        away = torch.where(mask, 0.0, FAR)
        for block in self.blocks:
            hits = block(hits, turn, away[:, None, None])
        keep = mask[..., None].to(hits.dtype)
        share = torch.softmax(self.weight(hits) + away[..., None], dim=1) * keep
        mean = (hits * keep).sum(1) / keep.sum(1).clamp(min=1)
        chosen, seen = (hits * share).sum(1), self.towers(towers)
        found: Tensor = self.head(torch.cat([mean, chosen, context, seen], dim=1))
        return found

    def forward(
        self, features: Tensor, position: Tensor, mask: Tensor, context: Tensor, towers: Tensor
    ) -> Tensor:
        """``(n,)`` logits; see :meth:`outputs`."""
        return self.outputs(features, position, mask, context, towers)[:, 0]


class AttentionBlock(nn.Module):
    """Attention between the hits, then a network on each; both with a residual connection."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.rise, self.fall = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def _thinned(self, x: Tensor) -> Tensor:
        """Dropout of the same numbers in all hits of an event: one draw serves them all."""
        thinned: Tensor = x * self.dropout(x.new_ones(x.shape[0], 1, x.shape[2]))
        return thinned

    def forward(self, hits: Tensor, turn: Tensor, away: Tensor) -> Tensor:
        """``(n, h, width)`` to the same; ``turn`` are unit complex numbers at the hits' angles."""
        n, h, width = hits.shape
        split = self.project(self.before(hits)).view(n, h, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(
            _turned(query, turn), _turned(key, turn), value, attn_mask=away
        )
        hits = hits + self._thinned(self.out(mixed.transpose(1, 2).reshape(n, h, width)))
        return hits + self._thinned(self.fall(F.gelu(self.rise(self.between(hits)))))


def _turned(x: Tensor, turn: Tensor) -> Tensor:
    """Pairs of numbers ``(n, heads, h, 2 m)`` turned by the complex ``(n, 1, h, m)``."""
    if torch.compiler.is_exporting():
        # Other formats hardly know complex numbers; written out, the product takes longer here.
        first, second = x[..., 0::2], x[..., 1::2]
        return torch.stack(
            [first * turn.real - second * turn.imag, first * turn.imag + second * turn.real], -1
        ).flatten(-2)
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * turn).flatten(-2)
