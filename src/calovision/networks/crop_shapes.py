"""Shower shapes as a layer, from shares of the energy.

Definitions follow CMS (JINST 10 P08010, arXiv:1502.02702); see also
:mod:`calovision.features.shower_shapes`, which computes them for tables.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: (half rows, half columns) of windows around the hottest crystal
WINDOWS = ((0, 0), (1, 1), (2, 2), (3, 3), (1, 2), (2, 1))
#: crystals from the hottest one along phi between which the strip is summed, on either side
STRIPS = ((3, 5), (5, 8), (8, 12), (12, 16))
STRIP = 2  #: rows to each side of the hottest crystal that make the strip along phi
LOG_WEIGHT = 4.7  #: crystals below exp(-4.7) of the 5 x 5 energy do not count in its moments
MIN_SHARE = 1e-6  #: what stands for no energy in denominators and logarithms
#: windows, four neighbours, moments of the 5 x 5 crystals, of rows and of the strip, its parts
SHAPES = len(WINDOWS) + 4 + 5 + 2 + 3 + 2 * len(STRIPS)


def shapes(share: Tensor) -> Tensor:
    """``(n, SHAPES)`` of ``share`` ``(n, rows, cols)``, energies over their sum in the crop.

    The hottest crystal is at ``[rows // 2, cols // 2]``; there are at least 8 rows and 32 columns.
    """
    i, j = share.shape[1] // 2, share.shape[2] // 2

    def window(rows: int, cols: int) -> Tensor:
        return share[:, i - rows : i + rows + 1, j - cols : j + cols + 1]

    sums = [window(*half).sum((1, 2)) for half in WINDOWS]
    e9, e25 = (e.clamp(min=MIN_SHARE) for e in sums[1:3])
    beside = [share[:, i, j - 1], share[:, i, j + 1], share[:, i - 1, j], share[:, i + 1, j]]
    strip = share[:, i - STRIP : i + STRIP + 1].sum(1)
    parts = []
    for low, high in STRIPS:
        parts += [strip[:, j + low : j + high], strip[:, j - high + 1 : j - low + 1]]
    found = [
        *(e / e25 for e in sums),
        *(e / e9 for e in beside),
        *_log_moments(window(2, 2) / e25[:, None, None]),
        *_moments(share.sum(2)),
        *_moments(strip),
        strip.sum(1),
        *(part.sum(1).sqrt() for part in parts),
    ]
    return torch.stack(found, 1)


def _moments(profile: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and r.m.s. width, crystals, of a profile ``(n, k)`` around its middle."""
    size = profile.shape[1]
    place = torch.arange(size, dtype=profile.dtype, device=profile.device) - size // 2
    total = profile.sum(1).clamp(min=MIN_SHARE)
    mean = (profile * place).sum(1) / total
    variance = (profile * (place - mean[:, None]) ** 2).sum(1) / total
    return mean, variance.clamp(min=0).sqrt()


def _log_moments(share: Tensor) -> tuple[Tensor, ...]:
    """Means, widths and covariance, crystals, weighted with the logarithm of the 5 x 5 shares."""
    weight = (share.clamp(min=MIN_SHARE).log() + LOG_WEIGHT).clamp(min=0)
    weight = weight / weight.sum((1, 2), keepdim=True).clamp(min=MIN_SHARE)
    place = torch.arange(5, dtype=share.dtype, device=share.device) - 2
    row, col = place[:, None], place[None, :]
    mean = [(weight * x).sum((1, 2)) for x in (row, col)]
    dr, dc = row - mean[0][:, None, None], col - mean[1][:, None, None]
    width = [(weight * d**2).sum((1, 2)).clamp(min=0).sqrt() for d in (dr, dc)]
    return *mean, *width, (weight * dr * dc).sum((1, 2))
