"""A convolutional network for images that are nearly empty.

The first convolutions are computed where there are hits and nowhere else, as submanifold sparse
convolutions are (arXiv:1706.01307); what they find is gathered in coarse cells, on which ordinary
residual blocks (arXiv:1512.03385) follow. Means tell of all hits, largest values of single ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.networks.resnet15 import Residual

COARSE = 5  #: pixels along each side of a coarse cell
HALF = 2  #: pixels that the first convolution reaches to each side


class CellNet(nn.Module):
    """Logit of an image.

    Args:
        planes: of an image.
        width: numbers that stand for a hit.
        coarse: for a coarse cell.
        dropout: before the last layers.
    """

    def __init__(
        self, planes: int, *, width: int = 32, coarse: int = 32, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.Linear(planes * (2 * HALF + 1) ** 2, 2 * width),
            nn.LayerNorm(2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
            nn.GELU(),
        )
        self.far = nn.Sequential(
            Residual(2 * width, coarse, stride=2),
            Residual(coarse, coarse),
        )
        known = 2 * width + 2 * coarse
        self.head = nn.Sequential(
            nn.LayerNorm(known),
            nn.Dropout(dropout),
            nn.Linear(known, coarse),
            nn.GELU(),
            nn.Linear(coarse, 1),
        )

    def forward(self, images: Tensor, event: Tensor, row: Tensor, col: Tensor) -> Tensor:
        """Logits ``(n,)``.

        Args:
            images: ``(n, planes, rows, cols)``, of the size of one.
            event: ``(m,)`` int64, image of each place where there is something.
            row: ``(m,)`` int64, its row.
            col: ``(m,)`` int64, its column.
        """
        n = len(images)
        hits = self.near(patches(images, event, row, col))
        rows, cols = (-(-side // COARSE) for side in images.shape[2:])
        place = (event * rows + row // COARSE) * cols + col // COARSE
        coarse = pooled(hits, place, n * rows * cols).view(n, rows, cols, -1)
        seen = self.far(coarse.permute(0, 3, 1, 2))
        number = torch.bincount(event, minlength=n).clamp(min=1)[:, None]
        of_hits = pooled(hits, event, n)
        mean = of_hits[:, : hits.shape[1]] / number
        known = [mean, of_hits[:, hits.shape[1] :], seen.mean((2, 3)), seen.amax((2, 3))]
        logits: Tensor = self.head(torch.cat(known, 1))[:, 0]
        return logits


def patches(images: Tensor, event: Tensor, row: Tensor, col: Tensor) -> Tensor:
    """``(m, (2 HALF + 1)^2 planes)``: what lies around some places of images."""
    full = F.pad(images, (HALF,) * 4).permute(0, 2, 3, 1).contiguous()
    side = torch.arange(2 * HALF + 1, device=images.device)
    rows, cols = full.shape[1:3]
    first = (event * rows + row) * cols + col
    around = (side[:, None] * cols + side).flatten()
    return full.view(-1, images.shape[1])[first[:, None] + around].flatten(1)


def pooled(values: Tensor, place: Tensor, places: int) -> Tensor:
    """``(places, 2 w)``: sums, scaled by a tenth, and largest of values ``(m, w)``; 0 of none."""
    total = values.new_zeros(places, values.shape[1]).index_add(0, place, values)
    index = place[:, None].expand_as(values)
    zero = torch.zeros_like(total)
    largest = zero.scatter_reduce(0, index, values, "amax", include_self=False)
    return torch.cat([total / 10, largest], 1)
