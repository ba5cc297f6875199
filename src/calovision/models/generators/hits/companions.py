"""The network of companions: hits of the fine calorimeter that have a seed nearby.

Pixels within reach of a seed are drawn in four turns, every other one in either direction. Each
sees seeds, tracks and towers around it, and the companions of the turns before.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.models.generators.hits.tokens import Grid
from calovision.networks.mixtures import LINE, line_log_prob, line_sample
from calovision.networks.perceptron import perceptron

TURNS = 4
_FAR = 3  #: pixels that a window of the fine calorimeter reaches to each side
_SIDE = 2 * _FAR + 1
_OF_TRACKS = slice(1, -1)  #: rows and columns of it in which tracks are shown
_AT_ONCE = 16_384  #: pixels that are drawn together
_SCALE = 4.0  #: strengths are divided by it
EMPTY = -1.0  #: strength that stands for no hit


class Surroundings(NamedTuple):
    """Images of jets, strengths with :data:`EMPTY` where nothing is.

    Attributes:
        seeds, companions, tracks: ``(n, rows, cols)`` pixels.
        towers: ``(n, rows, cols)`` towers.
    """

    seeds: Tensor
    companions: Tensor
    tracks: Tensor
    towers: Tensor


class CompanionLaw(nn.Module):
    """Law of the strength of a pixel, or of its being empty.

    Args:
        grid: of towers.
        shown: numbers of a jet, as networks see them.
        width: of the hidden layers.
        components: of the mixtures of strengths.

    Attributes:
        seed: strength that companions do not reach.
    """

    seed: Tensor
    reach: Tensor
    rings: Tensor
    seen: Tensor

    def __init__(self, grid: Grid, shown: int, width: int, components: int) -> None:
        super().__init__()
        self.grid = grid
        tracks = (_SIDE - 2) ** 2
        inputs = 2 * _SIDE**2 + tracks + 9 + _FAR + 1 + 2 * TURNS + 1 + shown
        self.net = perceptron([inputs, width, width, 1 + LINE * components])
        self.register_buffer("seed", torch.tensor(1.0))
        self.register_buffer("reach", torch.tensor(1))
        rows = torch.arange(_SIDE) - _FAR
        ring = torch.maximum(rows.abs()[:, None], rows.abs()).flatten()
        rings = torch.stack([ring <= k for k in range(_FAR + 1)], 1).float()
        self.register_buffer("rings", rings, persistent=False)
        # a pixel of turn t sees those around it of turns before
        turn = (rows[:, None] % 2) * 2 + rows % 2
        own = torch.arange(TURNS)[:, None, None]
        seen = ((own // 2 + turn // 2) % 2 * 2 + (own + turn) % 2) < own
        self.register_buffer("seen", seen.flatten(1), persistent=False)

    def candidates(self, seeds: Tensor) -> Tensor:
        """``(n, rows, cols)`` pixels in which companions can be."""
        k, (n, rows, cols) = int(self.reach), seeds.shape
        wide, lit = cols + 2 * k, seeds > EMPTY
        owner, row, col = lit.nonzero(as_tuple=True)
        of = torch.arange(2 * k + 1, device=seeds.device)
        square = (of[:, None] * wide + of).flatten()
        near = torch.zeros(n, rows + 2 * k, wide, dtype=torch.bool, device=seeds.device)
        near.view(-1)[((owner * (rows + 2 * k) + row) * wide + col)[:, None] + square] = True
        return near[:, k : k + rows, k : k + cols] & ~lit

    def laws(self, around: Surroundings, shown: Tensor, eta: Tensor, at: Tensor) -> Tensor:
        """``(m, 1 + LINE components)`` logit of a hit, and the law of its strength.

        Args:
            around: images with margins, of :func:`with_margin`.
            shown: ``(n, shown)`` jets as networks see them.
            eta: ``(n, rows)`` distance of rows of pixels from eta 0.
            at: ``(m, 3)`` jet, row and column of the pixels, margin not counted.
        """
        owner, row, col = at.unbind(1)
        of = torch.arange(_SIDE, device=at.device)
        rows, cols = around.seeds.shape[1:]
        start = (owner * rows + row) * cols + col
        window = start[:, None] + (of[:, None] * cols + of).flatten()
        fewer = start[:, None] + (of[_OF_TRACKS, None] * cols + of[_OF_TRACKS]).flatten()
        turn = row % 2 * 2 + col % 2
        seeds = around.seeds.take(window)
        companions = around.companions.take(window)
        companions = torch.where(self.seen[turn], companions, EMPTY)
        ecal = torch.maximum(seeds, companions)
        lit = ecal > EMPTY
        energy = torch.where(lit, ecal.exp(), 0.0) @ self.rings
        b, three = self.grid.block, of[:3]
        rows, cols = around.towers.shape[1:]
        start = (owner * rows + row // b) * cols + col // b
        towers = start[:, None] + (three[:, None] * cols + three).flatten()
        inside = torch.stack([row % b / b - 0.4, col % b / b - 0.4], 1)
        parts = [
            *(lit.float(), ecal.clamp(min=0) / _SCALE, energy.log1p() / 3),
            around.tracks.take(fewer) / _SCALE,
            around.towers.take(towers) / _SCALE,
            *(F.one_hot(turn, TURNS), inside, inside**2, eta[owner, row][:, None]),
            shown[owner],
        ]
        law: Tensor = self.net(torch.cat(parts, 1))
        return law

    def log_prob(
        self, around: Surroundings, shown: Tensor, eta: Tensor, at: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-probability of hits ``(m,)``, and log-density of their strengths ``(h,)``."""
        strength = around.companions[at.unbind(1)]
        law = self.laws(with_margin(around), shown, eta, at).float()
        hit = strength > EMPTY
        lit = -F.binary_cross_entropy_with_logits(law[:, 0], hit.float(), reduction="none")
        strength = strength[hit]
        low, high = torch.zeros_like(strength), self.seed.expand_as(strength)
        return lit, line_log_prob(law[hit][:, 1:], strength.clamp(min=1e-4), low, high)

    def drawn(
        self, around: Surroundings, shown: Tensor, eta: Tensor, at: Tensor, uniform: Tensor
    ) -> Tensor:
        """``(m,)`` strengths of pixels from ``(m, 3)`` uniform numbers; :data:`EMPTY` if no hit."""
        law = self.laws(around, shown, eta, at).float()
        high = torch.zeros_like(uniform[:, 0]) + self.seed
        strength = line_sample(law[:, 1:], torch.zeros_like(high), high, uniform[:, 1:])
        strength = torch.minimum(strength.clamp(min=0), high - 1e-5)
        return torch.where(uniform[:, 0] < law[:, 0].sigmoid(), strength, EMPTY)


def with_margin(around: Surroundings) -> Surroundings:
    """Images with empty margins, as :meth:`CompanionLaw.laws` wants them."""
    fine = (around.seeds, around.companions, around.tracks)
    seeds, companions, tracks = (F.pad(x, [_FAR] * 4, value=EMPTY) for x in fine)
    towers = F.pad(around.towers, [1] * 4, value=EMPTY)
    return Surroundings(seeds, companions, tracks, towers)


@torch.no_grad()
def sample_companions(
    law: CompanionLaw,
    around: Surroundings,
    shown: Tensor,
    eta: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Companions of jets without them: ``(k, 3)`` jet, row and column, and ``(k,)`` strengths."""
    at = law.candidates(around.seeds).nonzero()
    turn = at[:, 1] % 2 * 2 + at[:, 2] % 2
    wide = with_margin(around)
    places, strengths = [], []
    for number in range(TURNS):
        for part in torch.split(at[turn == number], _AT_ONCE):
            uniform = torch.rand(len(part), 3, generator=generator, device=at.device)
            drawn = law.drawn(wide, shown, eta, part, uniform)
            wide.companions[part[:, 0], part[:, 1] + _FAR, part[:, 2] + _FAR] = drawn
            hit = drawn > EMPTY
            places.append(part[hit])
            strengths.append(drawn[hit])
    return torch.cat(places), torch.cat(strengths)
