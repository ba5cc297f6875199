"""What a cut of our generator is told, as a graph; see :mod:`~calovision.tasks.steering`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from calovision.tasks.cuts import Cut
from calovision.tasks.pyramid_fill import PAD
from calovision.tasks.steering import LATER, LEAST, MANY_HITS, MOMENTS, MOST, ONE_HIT, RIDGE, places
from calovision.tasks.totals import CONE, CORE, SHAPES

if TYPE_CHECKING:
    from calovision.tasks.cascade import CascadeTask


class SteeringGraph(nn.Module):
    """Sums, and what is missing in them, of dense levels."""

    mine: Tensor
    following: Tensor
    first: Tensor
    second: Tensor
    threshold: Tensor

    def __init__(self, task: CascadeTask, stage: int) -> None:
        super().__init__()
        self.steering, self.stage = task.steering, stage
        cut = Cut.of(task.partition, stage)
        self.channels = cut.channels
        here, fine = (places(task.partition, level) for level in (stage, stage + 1))
        row, col = (x.ravel() for x in np.indices(here.shape[:2]))
        children = []
        for table in (cut.first, cut.second):
            child = np.maximum(table, 0)[row if cut.axis == 0 else col]
            children.append(fine[child, col] if cut.axis == 0 else fine[row, child])
        padded = np.pad(fine, [(PAD, PAD), (PAD, PAD), (0, 0)])
        padded[padded[..., -1] == 0, -1] = 1  # some size, where there is nothing
        tables = {
            "mine": here.reshape(-1, here.shape[2]),
            "following": padded.reshape(-1, fine.shape[2]),
            "first": children[0],
            "second": children[1],
        }
        for name, array in tables.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(array)).double())
        self.register_buffer("threshold", task.threshold[: cut.channels].double())

    def lacking(self, asked: Tensor, sums: Tensor, turn: int) -> Tensor:
        """``(n, SHAPES C)`` what is missing, in units of what usually is."""
        return self.steering.lacking(asked, sums, self.stage, turn)

    def told(self, asked: Tensor, sums: Tensor, turn: int) -> Tensor:
        """See :meth:`~calovision.tasks.steering.Steering.forward`."""
        told: Tensor = self.steering(asked, sums, self.stage, turn)
        return told

    def sums(self, content: Tensor, axes: Tensor) -> Tensor:
        """``(n, C, SUMS)`` of the level that is cut, ``(n, nodes, 2 C)``."""
        return self._sums(content, *_moments(self.mine, axes))

    def following_sums(self, content: Tensor, axes: Tensor) -> Tensor:
        """The same of the next level, with its padding."""
        return self._sums(content, *_moments(self.following, axes))

    def leads(self, content: Tensor, sums: Tensor, told: Tensor, axes: Tensor, turn: int) -> Tensor:
        """``(n, nodes, LEADS C)`` see :func:`~calovision.tasks.steering.lead`.

        ``content`` ``(n, nodes, 2 C)`` is 0 for nodes that are not cut in this round; ``told`` is
        what is missing, in its usual units but not cut off.
        """
        levers = _moments(self.first, axes)[0] - _moments(self.second, axes)[0]
        energy, found = self._energy(content), []
        deviation = self.steering.scale[self.stage, turn, 1].double()
        for c in range(self.channels):
            start = SHAPES * c
            total = sums[:, c, SHAPES].clamp(min=LEAST)
            own = (energy[:, :, c] / total[:, None])[:, :, None] * levers
            own = own / deviation[start : start + MOMENTS]
            spread = MANY_HITS + (ONE_HIT - MANY_HITS) / content[:, :, 2 * c].double().clamp(min=1)
            squares = own.transpose(1, 2) @ (spread[:, :, None] * own)
            one = torch.eye(MOMENTS, dtype=own.dtype)
            squares = squares * (1 + LATER * one) + RIDGE * one
            force = _solved(squares, told[:, start : start + MOMENTS])
            tilt = (own * force[:, None]).sum(2).clamp(-MOST, MOST)
            root = sums[:, c, MOMENTS].clamp(min=LEAST).sqrt()
            share = (energy[:, :, c] / root[:, None]).clamp(max=MOST)
            ptd = (share * told[:, start + MOMENTS][:, None]).clamp(-MOST, MOST)
            found += [tilt, share, ptd]
        return torch.stack(found, 2).float()

    def _energy(self, content: Tensor) -> Tensor:
        """``(n, nodes, C)`` GeV."""
        wide = content.double()
        return wide[:, :, 0::2] * self.threshold + wide[:, :, 1::2]

    def _sums(self, content: Tensor, moments: Tensor, near: Tensor) -> Tensor:
        energy, found = self._energy(content), []
        for c in range(self.channels):
            own = energy[:, :, c]
            weighed = (own[:, :, None] * moments).sum(1)
            square = (own * own * near).sum(1, keepdim=True)
            found.append(torch.cat([weighed, square, own.sum(1, keepdim=True)], 1))
        return torch.stack(found, 1)


def _moments(place: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """``(n, nodes, MOMENTS)`` and ``(n, nodes)`` see :func:`~calovision.tasks.steering.moments`."""
    away = place[:, 3:5] - axes[:, None]
    distance = (away * away).sum(2).sqrt()
    near = ((CONE - distance) / place[:, 5] + 0.5).clamp(0, 1)
    core = ((CORE - distance) / place[:, 5] + 0.5).clamp(0, 1)
    fixed = [place[:, x].expand_as(distance) for x in range(3)]
    return torch.stack([*fixed, near * distance, core], 2), near


def _solved(matrix: Tensor, vector: Tensor) -> Tensor:
    """``(n, k)`` solution of positive definite equations, written out for any runtime."""
    size = vector.shape[1]
    lower: list[list[Tensor]] = []
    for x in range(size):
        lower.append([])
        for y in range(x + 1):
            left = matrix[:, x, y]
            for z in range(y):
                left = left - lower[x][z] * lower[y][z]
            lower[x].append(left.sqrt() if x == y else left / lower[y][y])
    found: list[Tensor] = []
    for x in range(size):
        left = vector[:, x]
        for z in range(x):
            left = left - lower[x][z] * found[z]
        found.append(left / lower[x][x])
    for x in range(size - 1, -1, -1):
        left = found[x]
        for z in range(x + 1, size):
            left = left - lower[z][x] * found[z]
        found[x] = left / lower[x][x]
    return torch.stack(found, 1)
