"""Jets and their objects as networks need them, and images of the objects so far."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from calovision.models.generators.hits.tokens import SEEDS, TOWERS, TRACKS, Grid

_WAVES = (1.0, 2.0, 4.0, 8.0)  #: half waves over the image, by which places enter
SCALE = 4.0  #: strengths are divided by it
_FAINTEST = 0.3  #: what an image shows of an object of no strength
SIZE = 16  #: numbers of a tower that :class:`TowerContext` finds
_MAPS, _WIDTH = 5, 24


class Object(NamedTuple):
    """An object of each jet, or all of them: ``(n,)`` or ``(n, objects)`` each.

    Attributes:
        kind: towers, tracks and seeds as in :mod:`~calovision.models.generators.hits.tokens`;
            ``KINDS`` before the first.
        tower: its number, or that of the object's tower.
        pixel: in the tower; 0 of a whole tower.
        strength: logarithm of the energy over the threshold.
    """

    kind: Tensor
    tower: Tensor
    pixel: Tensor
    strength: Tensor

    def of(self, jets: int) -> Object:
        """Those of the first jets."""
        return Object(*(v[:jets] for v in self))


class Jet(NamedTuple):
    """Jets as the network of objects needs them.

    Attributes:
        numbers: ``(n, size)``.
        shown: ``(n, width)`` class and numbers as the transformer sees them.
        places: ``(towers, width)`` what stands for the towers.
        near: ``(width, k)`` weights of what lies around, as :meth:`ObjectImages.around` orders it.
    """

    numbers: Tensor
    shown: Tensor
    places: Tensor
    near: Tensor

    def of(self, jets: int) -> Jet:
        """The first jets."""
        return Jet(self.numbers[:jets], self.shown[:jets], self.places, self.near)


class ObjectImages(NamedTuple):
    """Images of what has been drawn so far; 0 where nothing is.

    Attributes:
        grid: of towers.
        content: ``(n, rows + 2, cols + 2, 2 pixels + 1)`` towers, with a margin of one: of each
            the tracks in its pixels, the seeds in them, and the tower itself. So what lies around
            is a few whole rows of memory.
    """

    grid: Grid
    content: Tensor

    @classmethod
    def empty(cls, grid: Grid, jets: int, device: torch.device) -> ObjectImages:
        """Nothing drawn."""
        shape = jets, grid.rows + 2, grid.cols + 2, 2 * grid.pixels + 1
        return cls(grid, torch.zeros(shape, device=device))

    def spots(self, found: Object) -> tuple[Tensor, Tensor]:
        """Where objects ``(m,)`` are, flat, and what is there."""
        grid, size = self.grid, self.content.shape[3]
        place = found.tower + found.tower // grid.cols * 2 + grid.cols + 3
        part = torch.where(
            found.kind == TOWERS, size - 1, (found.kind - TRACKS) * grid.pixels + found.pixel
        )
        return place * size + part, _FAINTEST + found.strength / SCALE

    def with_one(self, found: Object) -> ObjectImages:
        """New ones with one object ``(n,)`` more on each."""
        spots, content = self.spots(found)
        drawn = self.content.flatten(1).scatter(1, spots[:, None], content[:, None])
        return ObjectImages(self.grid, drawn.view(self.content.shape))

    def draw(self, owner: Tensor, found: Object) -> Tensor:
        """Put objects ``(m,)`` on the images of their owners; the flat places of all."""
        spots, content = self.spots(found)
        spots = owner * self.content[0].numel() + spots
        self.content.view(-1)[spots] = content
        return spots

    def taken(self, begun: Tensor) -> Tensor:
        """``(n, towers)`` bool, towers drawn before; with the middle one if any object was."""
        number = torch.arange(self.grid.towers, device=self.content.device)
        middle = (number == self.grid.middle) & begun
        return (self.content[:, 1:-1, 1:-1, -1].flatten(1) > 0) | middle

    def around(
        self, owner: Tensor, tower: Tensor, when: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """``(m, 9, 2 pixels + 1)`` contents of 3 x 3 towers around towers ``(m,)``.

        ``when`` are order numbers of contents, and of windows, which do not see what comes later.
        """
        rows, cols, size = self.content.shape[1:]
        of = torch.arange(3, device=tower.device)
        start = owner * (rows * cols) + tower + tower // self.grid.cols * 2
        row = (start[:, None] + (of[:, None] * cols + of).flatten()).flatten()
        seen = self.content.view(-1, size).index_select(0, row).view(-1, 9, size)
        if when is not None:
            order = when[0].view(-1, size).index_select(0, row).view(-1, 9, size)
            seen = seen * (order < when[1][:, None, None])
        return seen


def window_order(grid: Grid) -> Tensor:
    """Place of the numbers of :meth:`ObjectImages.around`, flat, in windows of whole images.

    Those are tracks and seeds ``(2, 3 block, 3 block)``, then towers ``(9,)``.
    """
    b = grid.block
    fine = torch.arange(2 * (3 * b) ** 2, device="cpu").view(2, 3, b, 3, b)
    fine = fine.permute(1, 3, 0, 2, 4).flatten(2).flatten(0, 1)
    towers = torch.arange(9, device="cpu")[:, None] + fine.numel()
    return torch.cat([fine, towers], 1).flatten()


def waves(grid: Grid) -> Tensor:
    """``(towers, k)`` places of towers, smooth."""
    number = torch.arange(grid.towers, device="cpu")
    row, col = number // grid.cols, number % grid.cols
    parts = [(row + 0.5) / grid.rows - 0.5, (col + 0.5) / grid.cols - 0.5]
    found = [f(math.pi * k * p) for k in _WAVES for p in parts for f in (torch.sin, torch.cos)]
    away = (parts[0] ** 2 + parts[1] ** 2).sqrt()
    return torch.stack([*parts, away, (away + 0.02).log(), *found], -1)


class TowerContext(nn.Module):
    """Numbers of every tower, from the kinds before: a convolution (arXiv:1603.05027).

    The transformer sees objects one by one. Here a jet's towers and tracks are seen at their places
    at once, which is what tells where tracks and seeds go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(_MAPS, _WIDTH, 3, padding=1),
            nn.SiLU(),
            # What is the same for all towers tells none from another.
            nn.Conv2d(_WIDTH, SIZE, 3, padding=1, bias=False),
        )

    def forward(self, content: Tensor, kind: Tensor) -> Tensor:
        """``(n, SIZE, towers)`` from images, for objects of kinds ``(n,)``; zeros for towers."""
        content = content[:, 1:-1, 1:-1]
        towers, size = content[..., -1], content.shape[3] // 2
        tracks = content[..., :size] * (kind == SEEDS)[:, None, None, None]
        count = (tracks > 0).to(tracks).sum(-1)
        maps = [towers, (towers > 0).to(towers), tracks.amax(-1), count, count.log1p()]
        found = self.net(torch.stack(maps, 1)).flatten(2)
        out: Tensor = found * (kind != TOWERS)[:, None, None]
        return out
