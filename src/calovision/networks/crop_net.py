"""A network on crops of the calorimeter with shower shapes as a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.networks.crop_shapes import MIN_SHARE, SHAPES, STRIP, shapes

NEAR = 3  #: crystals to each side of the hottest one whose energies are seen one by one
TIMED = 2  #: crystals to each side of it whose times are seen
FAINT = 1e-5  #: share of the energy; crystals below it count as this


class CropNet(nn.Module):
    """Logit of a crop from the shapes of its shower, its core and its profile along phi.

    Shapes are ratios and moments that convolutions learn only slowly, and not to a percent in half
    precision; here a layer computes them (:mod:`calovision.networks.crop_shapes`). With them go
    the logarithms of the 7 x 7 crystals' shares of the energy, the times of the 5 x 5 crystals,
    the profile along phi, and numbers of the event, all normalised, through three hidden layers.

    Args:
        cols: crystals of a crop along phi.
        numbers: of an event.
        hidden: width of the first two hidden layers.
        dropout: after these.
    """

    def __init__(self, *, cols: int, numbers: int, hidden: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        inputs = SHAPES + (2 * NEAR + 1) ** 2 + (2 * TIMED + 1) ** 2 + cols + numbers
        self.layers = nn.Sequential(
            nn.BatchNorm1d(inputs),
            nn.Linear(inputs, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 64),
            nn.SiLU(),
            nn.Linear(64, 1),
        )

    def forward(self, share: Tensor, time: Tensor, numbers: Tensor) -> Tensor:
        """Logits ``(n,)``.

        Args:
            share: ``(n, rows, cols)`` energies over their sum in the crop, the hottest crystal at
                ``[rows // 2, cols // 2]``.
            time: ``(n, 5, 5)`` around the hottest crystal, of order one, 0 where there is no
                energy.
            numbers: ``(n, numbers)`` of the events.
        """
        i, j = share.shape[1] // 2, share.shape[2] // 2
        core = share[:, i - NEAR : i + NEAR + 1, j - NEAR : j + NEAR + 1]
        strip = share[:, i - STRIP : i + STRIP + 1].sum(1)
        seen = [
            shapes(share),
            core.flatten(1).clamp(min=FAINT).log(),
            time.flatten(1),
            strip.clamp(min=MIN_SHARE).sqrt(),
            numbers,
        ]
        out: Tensor = self.layers(torch.cat(seen, 1))[:, 0]
        return out
