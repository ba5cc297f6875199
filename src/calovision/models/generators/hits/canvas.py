"""Jets and their objects as networks need them, and images of the objects so far."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from calovision.models.generators.hits.tokens import TOWERS, TRACKS, Grid

_WAVES = (1.0, 2.0, 4.0, 8.0)  #: half waves over the image, by which places enter
SCALE = 4.0  #: strengths are divided by it
_FAINTEST = 0.3  #: what an image shows of an object of no strength


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
    """

    numbers: Tensor
    shown: Tensor
    places: Tensor

    def of(self, jets: int) -> Jet:
        """The first jets."""
        return Jet(self.numbers[:jets], self.shown[:jets], self.places)


class Canvas(NamedTuple):
    """Images of what has been drawn so far, with a margin of a tower; 0 where nothing is.

    Attributes:
        grid: of towers.
        towers: ``(n, rows + 2, cols + 2)``.
        pixels: ``(n, 2, rows, cols)`` tracks and seeds.
    """

    grid: Grid
    towers: Tensor
    pixels: Tensor

    @classmethod
    def empty(cls, grid: Grid, jets: int, device: torch.device) -> Canvas:
        """Nothing drawn."""
        rows, cols = grid.rows + 2, grid.cols + 2
        towers = torch.zeros(jets, rows, cols, device=device)
        sides = rows * grid.block, cols * grid.block
        return cls(grid, towers, torch.zeros(jets, 2, *sides, device=device))

    def of(self, jets: int) -> Canvas:
        """Those of the first jets."""
        return Canvas(self.grid, self.towers[:jets], self.pixels[:jets])

    def at(self, jets: Tensor) -> Canvas:
        """Copies of some."""
        return Canvas(self.grid, self.towers[jets], self.pixels[jets])

    def spots(self, found: Object) -> tuple[Tensor, Tensor, Tensor]:
        """Where objects ``(m,)`` are: flat places in pixels and in towers, and what is there.

        What lies in the other image is said to be in its first corner, and nothing: ``(m, 2)``.
        """
        grid, (rows, cols) = self.grid, self.pixels.shape[2:]
        row, col = found.tower // grid.cols + 1, found.tower % grid.cols + 1
        towers = row * (grid.cols + 2) + col
        row = row * grid.block + found.pixel // grid.block
        col = col * grid.block + found.pixel % grid.block
        pixels = ((found.kind - TRACKS) * rows + row) * cols + col
        fine = found.kind != TOWERS
        content = _FAINTEST + found.strength / SCALE
        content = torch.stack([content * fine, content * ~fine], 1)
        return pixels * fine, towers * ~fine, content

    def with_one(self, found: Object) -> Canvas:
        """New ones with one object ``(n,)`` more on each."""
        pixels, towers, content = self.spots(found)
        parts = ((self.towers, towers, 1), (self.pixels, pixels, 0))
        drawn = (
            image.flatten(1).scatter(1, at[:, None], content[:, part, None]).view(image.shape)
            for image, at, part in parts
        )
        return Canvas(self.grid, *drawn)

    def draw(self, owner: Tensor, found: Object) -> Tensor:
        """Put objects ``(m,)`` on the canvases of their owners; flat places of their pixels."""
        pixels, towers, content = self.spots(found)
        pixels = owner * self.pixels[0].numel() + pixels
        towers = owner * self.towers[0].numel() + towers
        self.pixels.view(-1)[pixels] = content[:, 0]
        self.towers.view(-1)[towers] = content[:, 1]
        return pixels

    def around(
        self, owner: Tensor, tower: Tensor, when: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """``(m, windows)`` contents of 3 x 3 towers around towers: tracks, seeds, then towers.

        Args:
            owner: ``(m,)`` number of the canvas.
            tower: ``(m,)`` in the middle.
            when: order numbers of pixels ``(n, 2, rows, cols)`` and of windows ``(m,)``, which do
                not see pixels that come later.
        """
        b, rows, cols = self.grid.block, self.grid.rows + 2, self.grid.cols + 2
        row, col = tower // self.grid.cols, tower % self.grid.cols
        of = torch.arange(3 * b, device=tower.device)
        window = (of[:, None] * cols * b + of).flatten()
        window = torch.cat([window, window + rows * cols * b * b])
        start = owner * 2 * rows * cols * b * b + row * b * cols * b + col * b
        pixels = start[:, None] + window
        towers = (owner * rows + row) * cols + col
        of = (of[:3, None] * cols + of[:3]).flatten()
        seen = self.pixels.take(pixels)
        if when is not None:
            seen = seen * (when[0].take(pixels) < when[1][:, None])
        return torch.cat([seen, self.towers.take(towers[:, None] + of)], 1)


def windows(grid: Grid) -> int:
    """Numbers that :meth:`Canvas.around` gives of a window."""
    return 2 * (3 * grid.block) ** 2 + 9


def waves(grid: Grid) -> Tensor:
    """``(towers, k)`` places of towers, smooth."""
    number = torch.arange(grid.towers, device="cpu")
    row, col = number // grid.cols, number % grid.cols
    parts = [(row + 0.5) / grid.rows - 0.5, (col + 0.5) / grid.cols - 0.5]
    found = [f(math.pi * k * p) for k in _WAVES for p in parts for f in (torch.sin, torch.cos)]
    away = (parts[0] ** 2 + parts[1] ** 2).sqrt()
    return torch.stack([*parts, away, (away + 0.02).log(), *found], -1)
