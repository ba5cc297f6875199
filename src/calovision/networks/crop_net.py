"""A small residual network on crops of the calorimeter, told their sums beside."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CropNet(nn.Module):
    """Logit of a crop.

    A 3 x 3 convolution at full resolution, pre-activation residual blocks (arXiv:1603.05027) in
    three stages of ``width``, twice and four times as many channels, halving the image in between;
    the mean over pixels, joined by numbers of the whole event, goes through one hidden layer.

    Args:
        channels: of an image.
        numbers: of an event.
        width: channels of the first stage.
        depth: blocks of the second and third stage each.
        dropout: before the last layer.
    """

    def __init__(
        self, *, channels: int, numbers: int, width: int = 16, depth: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), Block(width, width)]
        for inputs in (width, 2 * width):
            layers.append(Block(inputs, 2 * inputs, stride=2))
            layers += [Block(2 * inputs, 2 * inputs) for _ in range(depth - 1)]
        self.stages = nn.Sequential(*layers, nn.BatchNorm2d(4 * width), nn.SiLU())
        self.hidden = nn.Linear(4 * width + numbers, 64)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(64, 1)

    def forward(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Logits ``(n,)`` of ``(n, channels, rows, cols)`` images and ``(n, numbers)``."""
        found = self.stages(images)
        # Rounded to half precision, many events would have the same logit.
        with torch.autocast(found.device.type, enabled=False):
            joined = torch.cat([found.float().mean(dim=(2, 3)), numbers], 1)
            out: Tensor = self.out(self.dropout(F.silu(self.hidden(joined))))[:, 0]
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
