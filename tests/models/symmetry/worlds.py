"""Latent spaces with symmetries that are known, and one without."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.models.symmetry.space import LatentSpace

SIDE = 14
GRID = torch.linspace(-1, 1, SIDE)
ROWS, COLUMNS = torch.meshgrid(GRID, GRID, indexing="ij")


@dataclass(frozen=True)
class World:
    """A latent space, its data, and the generator that is right."""

    space: LatentSpace
    draw: Callable[[int, torch.Generator], Tensor]
    truth: Callable[[Tensor], Tensor]

    def stream(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Codes are data: encoding leaves them alone."""
        return self.draw(n, random), torch.zeros(n, dtype=torch.long)


def world(
    decode: Callable[[Tensor], Tensor],
    evidence: Callable[[Tensor], Tensor],
    draw: Callable[[int, torch.Generator], Tensor],
    truth: Callable[[Tensor], Tensor],
) -> World:
    def oracle(z: Tensor) -> Tensor:
        return torch.stack([evidence(z), -evidence(z)], 1)

    return World(LatentSpace(lambda z: z, decode, oracle, torch.zeros_like, 2), draw, truth)


def blob(x: Tensor, y: Tensor, width: Tensor, height: Tensor) -> Tensor:
    """Images ``(n, SIDE^2)`` of a Gaussian spot, all of one norm."""
    x, y, width, height = (v[:, None, None] for v in (x, y, width, height))
    spot = torch.exp(-(((COLUMNS - x) / width) ** 2 + ((ROWS - y) / height) ** 2) / 2)
    return (0.2 * spot / (width * height).sqrt()).flatten(1)


def at(z: Tensor) -> Tensor:
    width = torch.full_like(z[:, 0], 0.22)
    return blob(z[:, 0], z[:, 1], width, width)


def square(n: int, random: torch.Generator, half: float = 1.0) -> Tensor:
    return half * (2 * torch.rand(n, 2, generator=random) - 1)


def disc(n: int, random: torch.Generator) -> Tensor:
    u = torch.rand(n, 2, generator=random)
    angle, radius = 2 * math.pi * u[:, 0], 0.55 * (0.1 + 0.9 * u[:, 1]).sqrt()
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def turning(z: Tensor) -> Tensor:
    return torch.stack([-z[:, 1], z[:, 0]], 1)


def first(z: Tensor) -> Tensor:
    return torch.tensor([[1.0, 0.0]]).expand_as(z)


def circles() -> World:
    return world(lambda z: z, lambda z: 4 * (z.norm(dim=1) - 0.4), disc, turning)


def rotated() -> World:
    return world(at, lambda z: 4 * (z.norm(dim=1) - 0.4), disc, turning)


def translated() -> World:
    return world(at, lambda z: 4 * z[:, 1], lambda n, r: square(n, r, 0.45), first)


def scaled() -> World:
    """The first latent number is the log of the size, the second the shape."""

    def decode(z: Tensor) -> Tensor:
        zero = torch.zeros_like(z[:, 0])
        size, shape = 0.3 * torch.exp(0.3 * z[:, 0]), torch.exp(0.3 * z[:, 1])
        return blob(zero, zero, size * shape, size / shape)

    return world(decode, lambda z: 4 * z[:, 1], square, first)


def lawless() -> World:
    """A curved surface without any symmetry."""
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 30, generator=random), torch.randn(30, generator=random)
    c = torch.randn(30, 100, generator=random)
    return world(lambda z: torch.sin(1.5 * z @ a + b) @ c, lambda z: 4 * z[:, 1], square, turning)


def watched() -> World:
    """Spots in a disc as in ``rotated``, but the labels depend on the angle."""
    return world(at, lambda z: 4 * torch.sin(3 * torch.atan2(z[:, 1], z[:, 0])), disc, turning)
