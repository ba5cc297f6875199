"""What towers offer to tracks, and to seeds: the kinds that were drawn before them, as images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.models.generators.hits.canvas import Canvas
from calovision.models.generators.hits.tokens import SEEDS, TOWERS

SIZE = 16  #: numbers of a tower
_MAPS, _WIDTH = 5, 24


class TowerContext(nn.Module):
    """Numbers of every tower, from the kinds before: a convolution (arXiv:1603.05027).

    The transformer sees objects one by one. Here a jet's towers and tracks are seen at their places
    at once, which is what tells where tracks and seeds go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(_MAPS, _WIDTH, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(_WIDTH, SIZE, 3, padding=1),
        )

    def forward(self, canvas: Canvas, kind: Tensor) -> Tensor:
        """``(n, SIZE, towers)`` for objects of kinds ``(n,)``; zeros for towers."""
        b = canvas.grid.block
        towers = canvas.towers[:, None, 1:-1, 1:-1]
        tracks = canvas.pixels[:, :1, b:-b, b:-b] * (kind == SEEDS)[:, None, None, None]
        count = F.avg_pool2d((tracks > 0).to(tracks), b) * b**2
        maps = [towers, (towers > 0).to(towers), F.max_pool2d(tracks, b), count, count.log1p()]
        found = self.net(torch.cat(maps, 1)).flatten(2)
        out: Tensor = found * (kind != TOWERS)[:, None, None]
        return out
