"""Objects of jet images, and images of the objects that have been drawn so far."""

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

    def draw(self, owner: Tensor, found: Object, real: Tensor) -> None:
        """Put objects ``(m,)`` on the canvases of their owners, those that are ``real``."""
        for pixels in (False, True):
            mine = (real & ((found.kind != TOWERS) == pixels)).nonzero()[:, 0]
            of, one = owner[mine], Object(*(v[mine] for v in found))
            content = _FAINTEST + one.strength / SCALE
            row, col = spot(self.grid, one)
            if pixels:
                self.pixels[of, one.kind - TRACKS, row, col] = content
            else:
                self.towers[of, row // self.grid.block, col // self.grid.block] = content

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


def spot(grid: Grid, found: Object) -> tuple[Tensor, Tensor]:
    """Rows and columns of pixels of canvases, margin counted."""
    row = (found.tower // grid.cols + 1) * grid.block + found.pixel // grid.block
    return row, (found.tower % grid.cols + 1) * grid.block + found.pixel % grid.block


def windows(grid: Grid) -> int:
    """Numbers that :meth:`Canvas.around` gives of a window."""
    return 2 * (3 * grid.block) ** 2 + 9


def waves(grid: Grid) -> Tensor:
    """``(towers, k)`` places of towers, smooth."""
    row, col = torch.meshgrid(torch.arange(grid.rows), torch.arange(grid.cols), indexing="ij")
    parts = [(row + 0.5) / grid.rows - 0.5, (col + 0.5) / grid.cols - 0.5]
    parts = [p.flatten() for p in parts]
    found = [f(math.pi * k * p) for k in _WAVES for p in parts for f in (torch.sin, torch.cos)]
    away = (parts[0] ** 2 + parts[1] ** 2).sqrt()
    return torch.stack([*parts, away, (away + 0.02).log(), *found], -1)
