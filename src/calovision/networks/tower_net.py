"""A small convolutional network on images of HCAL towers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BINS = 25  #: rows and columns of the image
OUT = 64  #: numbers that describe an image
#: channels and stride of every convolution
_LAYERS = ((32, 1), (48, 2), (64, 2))
_LEFT = 7  #: rows and columns after them


class TowerNet(nn.Module):
    """Images ``(n, planes, BINS, BINS)`` to ``(n, OUT)``.

    Args:
        planes: of an image.
        dropout: share of what the convolutions find that is left out in training.
    """

    def __init__(self, planes: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for width, stride in _LAYERS:
            self.layers.append(nn.Conv2d(planes, width, 3, stride=stride, padding=1))
            planes = width
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(planes * _LEFT**2, OUT)

    def forward(self, images: Tensor) -> Tensor:
        """``(n, OUT)``."""
        x = images
        for layer in self.layers:
            x = F.gelu(layer(x))
        return F.gelu(self.out(self.dropout(torch.flatten(x, 1))))
