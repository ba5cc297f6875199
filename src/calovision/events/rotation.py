"""Rotated images, and endless streams of them for training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

KNOTS = 5  #: points along a side at which the bending of an image is drawn


def rotate(images: Tensor, angle: Tensor | float, warp: Tensor | None = None) -> Tensor:
    """Turn square images counter-clockwise about their centre, with bilinear interpolation.

    Args:
        images: ``(n, p)`` flat, ``p`` a square number.
        angle: ``(n,)`` or one, rad.
        warp: ``(n, 2, k, k)`` pixels along columns and rows by which what a pixel shows lies
            elsewhere, at ``k x k`` equally spaced points of the turned image; none by default.

    Returns:
        ``(n, p)``.
    """
    n, side = len(images), math.isqrt(images.shape[1])
    angle = torch.as_tensor(angle, dtype=images.dtype, device=images.device).expand(n)
    cos, sin = angle.cos(), angle.sin()
    zero = torch.zeros_like(cos)
    affine = torch.stack([cos, -sin, zero, sin, cos, zero], 1).reshape(n, 2, 3)
    grid = F.affine_grid(affine, [n, 1, side, side], align_corners=False)
    if warp is not None:
        shift = F.interpolate(warp, (side, side), mode="bicubic", align_corners=True)
        grid = grid + 2 / side * shift.permute(0, 2, 3, 1)
    turned = F.grid_sample(images.reshape(n, 1, side, side), grid, align_corners=False)
    return turned.flatten(1).clamp(0, 1)


@dataclass(frozen=True)
class Rotated:
    """Endless stream of the same images in random orientations.

    Attributes:
        images: ``(n, p)`` upright.
        label: ``(n,)`` class numbers.
        steps: orientations per turn, equally spaced; 0 for any.
        warp: pixels (standard deviation) by which each image is bent, smoothly and at random: few
            images teach as more would.
    """

    images: Tensor
    label: Tensor
    steps: int = 0
    warp: float = 0.0

    def __call__(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` images, drawn with replacement, and their classes; ``random`` is on the device."""
        device = self.images.device
        rows = torch.randint(len(self.images), (n,), generator=random, device=device)
        turn = torch.rand(n, generator=random, device=device)
        if self.steps:
            turn = (turn * self.steps).floor() / self.steps
        bent = None
        if self.warp:
            drawn = torch.randn(n, 2, KNOTS, KNOTS, generator=random, device=device)
            bent = self.warp * drawn
        return rotate(self.images[rows], 2 * math.pi * turn, bent), self.label[rows]
