"""A network on crops of the calorimeter that is told the shapes of the shower."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.networks.crop_shapes import SHAPES, shapes

NEAR = 8  #: columns to each side of the hottest crystal that the convolutions see


class CropNet(nn.Module):
    """Logit of a crop from its picture and from the shapes of its shower.

    Shapes are ratios and moments that convolutions learn only slowly, and not to a percent in half
    precision: they are computed (:mod:`calovision.networks.crop_shapes`) and go through two
    hidden layers. The picture near the hottest crystal goes through a 3 x 3 convolution at full
    resolution and pre-activation residual blocks (arXiv:1603.05027) that halve it twice.

    Args:
        channels: of an image; the second is the root of each crystal's share of the energy.
        numbers: of an event.
        width: channels of the first stage; the others have twice and four times as many.
        depth: blocks of the second stage.
        dropout: before the last layer.
    """

    def __init__(
        self,
        *,
        channels: int,
        numbers: int,
        width: int = 16,
        depth: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        stages = [Block(width, 2 * width, stride=2)]
        stages += [Block(2 * width, 2 * width) for _ in range(depth - 1)]
        stages += [Block(2 * width, 4 * width, stride=2)]
        self.stages = nn.Sequential(*stages, nn.BatchNorm2d(4 * width), nn.SiLU())
        self.shapes = nn.Sequential(
            nn.BatchNorm1d(SHAPES + numbers),
            nn.Linear(SHAPES + numbers, 128),
            nn.SiLU(),
            nn.Linear(128, 64),
            nn.SiLU(),
        )
        self.out = nn.Sequential(
            nn.Linear(4 * width + 64, 96), nn.SiLU(), nn.Dropout(dropout), nn.Linear(96, 1)
        )

    def forward(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Logits ``(n,)`` of ``(n, channels, rows, cols)`` images and ``(n, numbers)``.

        Rows are divisible by four; the hottest crystal is at ``[rows // 2, cols // 2]``.
        """
        middle = images.shape[3] // 2
        near = images[:, :, :, middle - NEAR : middle + NEAR]
        with torch.autocast(images.device.type, enabled=False):
            told = self.shapes(torch.cat([shapes(images[:, 1] ** 2), numbers], 1))
            # Half precision would round logarithms of energies to five per cent.
            first = self.stem(near.contiguous(memory_format=torch.channels_last))
        seen = self.stages(first)
        with torch.autocast(images.device.type, enabled=False):
            out: Tensor = self.out(torch.cat([seen.float().mean(dim=(2, 3)), told], 1))[:, 0]
        return out


class Block(nn.Module):
    """Two 3 x 3 convolutions, each after batch normalisation and SiLU, added to their input.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: of the first convolution; other than 1, the input is averaged over as many pixels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.SiLU(),
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(inputs, outputs, 1, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(n, inputs, r, c)`` to ``(n, outputs, r / stride, c / stride)``."""
        out: Tensor = self.shortcut(x) + self.branch(x)
        return out
