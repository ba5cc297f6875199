"""Classifiers of the Fast Calorimeter Simulation Challenge (arXiv:2410.21611), for our images.

The challenge tells generated from true showers by a dense network, on the energies of all cells or
on numbers made of them, and by a residual network on the cells' grid. The latter has three
dimensions; of images that are no cylinder, the layers are its channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from calovision.networks.resnet15 import LAYERS, Residual

HIDDEN = 512  #: nodes of each layer of the dense network
WIDTHS = (32, 64, 64, 128)  #: channels of the residual network's four levels, two blocks each


class DenseJudge(nn.Module):
    """Scores of events by a dense network: an input layer and two hidden ones, leaky ReLU.

    Args:
        inputs: numbers an event has.
        outputs: scores of an event.

    Example:
        >>> import torch
        >>> DenseJudge(3, 1)(torch.zeros(2, 3)).shape
        torch.Size([2, 1])
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, HIDDEN)
        self.rest = _rest(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """``(n, outputs)`` of ``(n, inputs)``."""
        found: Tensor = self.rest(self.first(features))
        return found


class SparseJudge(nn.Module):
    """The same network on the energies of all cells, of which only those of lit ones are given.

    It equals :class:`DenseJudge` on ``(total, cells)``, in a hundredth of the time.

    Args:
        cells: of an event.
        outputs: scores of an event.
    """

    def __init__(self, cells: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(cells + 1)
        self.cells = nn.EmbeddingBag(cells, HIDDEN, mode="sum")
        self.total = nn.Linear(1, HIDDEN)
        for weight in (self.cells.weight, self.total.weight, self.total.bias):
            nn.init.uniform_(weight, -bound, bound)
        self.rest = _rest(outputs)

    def forward(self, total: Tensor, cell: Tensor, value: Tensor, first: Tensor) -> Tensor:
        """``(n, outputs)``.

        Args:
            total: ``(n, 1)`` a number of each event.
            cell: ``(hits,)`` numbers of the lit cells of all events.
            value: ``(hits,)`` their contents.
            first: ``(n,)`` first hit of every event.
        """
        sums = self.cells(cell, first, per_sample_weights=value) + self.total(total)
        found: Tensor = self.rest(sums)
        return found


class ImageJudge(nn.Module):
    """Scores of images by a residual network of 18 layers (arXiv:1512.03385).

    A 7 x 7 (x 7) convolution and a maximum, both of stride 2; four levels of two blocks of
    :data:`WIDTHS` channels, the last three of stride 2; a mean over the image, to which the
    event's total is added, normalised over the batch; one linear layer.

    Args:
        channels: of an image.
        outputs: scores of an event.
        dimensions: of an image, 2 or 3.
    """

    def __init__(self, channels: int, outputs: int, *, dimensions: int = 2) -> None:
        super().__init__()
        width = WIDTHS[0]
        convolution, normal = LAYERS[dimensions]
        pool = nn.MaxPool2d if dimensions == 2 else nn.MaxPool3d
        self.stem = nn.Sequential(
            convolution(channels, width, 7, 2, padding=3, bias=False),
            normal(width),
            nn.ReLU(inplace=True),
            pool(3, 2, padding=1),
        )
        blocks = []
        for level, wider in enumerate(WIDTHS):
            blocks += [
                Residual(width, wider, 1 if level == 0 else 2, dimensions),
                Residual(wider, wider, dimensions=dimensions),
            ]
            width = wider
        self.blocks = nn.Sequential(*blocks)
        self.normal = nn.BatchNorm1d(1)
        self.out = nn.Linear(width + 1, outputs)

    def forward(self, images: Tensor, total: Tensor) -> Tensor:
        """``(n, outputs)`` of ``(n, channels, rows, cols)`` and ``(n, 1)``.

        In three dimensions images are ``(n, channels, layers, rows, cols)``.
        """
        seen = self.blocks(self.stem(images)).mean(dim=tuple(range(2, images.ndim)))
        found: Tensor = self.out(torch.cat([seen, self.normal(total)], dim=1))
        return found


def _rest(outputs: int) -> nn.Sequential:
    """What follows the input layer of a dense network."""
    return nn.Sequential(
        nn.LeakyReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(),
        nn.Linear(HIDDEN, outputs),
    )
