"""U-Net of the published diffusion model for jet images.

The small network that introductions to diffusion models (arXiv:2006.11239) are written around: no
attention, no residual blocks, no dropout, every skip connection a concatenation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

SLOWEST_PERIOD = 10_000.0  #: ratio of the slowest to the fastest sine of the time embedding


class UNet(nn.Module):
    """Noise in an image, predicted from the image and the diffusion time.

    3 x 3 convolution to ``widths[0]`` channels; one block for every further width, each halving
    the image; the same widths back, each block taking its input together with the output of the
    block opposite and doubling the image; 1 x 1 convolution.

    Args:
        channels: of an image.
        widths: channels on the way down.
        time: numbers of the time embedding, an even number.
    """

    def __init__(
        self,
        *,
        channels: int = 3,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        time: int = 32,
    ) -> None:
        super().__init__()
        self.time = nn.Sequential(TimeEmbedding(time), nn.Linear(time, time), nn.ReLU())
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(
            Block(narrow, wide, time, nn.Conv2d(wide, wide, 4, 2, 1)) for narrow, wide in steps
        )
        self.up = nn.ModuleList(
            Block(2 * wide, narrow, time, nn.ConvTranspose2d(narrow, narrow, 4, 2, 1))
            for narrow, wide in reversed(steps)
        )
        self.out = nn.Conv2d(widths[0], channels, 1)

    def forward(self, images: Tensor, t: Tensor) -> Tensor:
        """Noise of noisy images, in units of its standard deviation.

        Args:
            images: ``(n, channels, side, side)``, ``side`` a multiple of
                ``2 ** (len(widths) - 1)``.
            t: ``(n,)`` int64, diffusion times.

        Returns:
            ``(n, channels, side, side)``.
        """
        time = self.time(t)
        x = self.stem(images)
        skipped = []
        for block in self.down:
            x = block(x, time)
            skipped.append(x)
        for block in self.up:
            x = block(torch.cat([x, skipped.pop()], 1), time)
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = self.out(x.float())
        return out


class TimeEmbedding(nn.Module):
    """Sines and cosines of a time (arXiv:1706.03762).

    Args:
        numbers: half of them sines, half cosines, periods in geometric progression.
    """

    frequency: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        half = numbers // 2
        exponent = torch.arange(half) / max(half - 1, 1)
        frequency = torch.exp(-math.log(SLOWEST_PERIOD) * exponent)
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """``(n, numbers)`` of times ``(n,)``."""
        angle = t[:, None] * self.frequency
        return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation and ReLU, the time added between them.

    Args:
        inputs: channels in.
        outputs: channels out.
        time: numbers of the time embedding.
        resize: last layer, ``outputs`` channels to as many.
    """

    def __init__(self, inputs: int, outputs: int, time: int, resize: nn.Module) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs)
        self.time = nn.Sequential(nn.Linear(time, outputs), nn.ReLU())
        self.second = _convolution(outputs, outputs)
        self.resize = resize

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """``(n, inputs, r, c)`` and ``(n, time)`` to ``(n, outputs, ...)``, resized."""
        x = self.first(x) + self.time(time)[:, :, None, None]
        out: Tensor = self.resize(self.second(x))
        return out


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
    )
