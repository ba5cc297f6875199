"""One split of our generator as ONNX: all nodes of a level, in two rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.models.generators.splitting.binary_tree import Ints
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.level import COARSE, SIDES, Cut
from calovision.models.generators.splitting.model import SplittingModel
from calovision.networks.splitter import Splitter, count_sample, energy_sample


class CutGraph(nn.Module):
    """One cut of all nodes, in its two rounds; what depends on where a node is stands in tables."""

    near: Tensor
    far: Tensor
    sides: Tensor
    halves: Tensor
    inner: Tensor
    source: Tensor
    room: Tensor
    place: Tensor
    turns: Tensor
    unit: Tensor
    scale: Tensor

    def __init__(self, task: SplittingModel, stage: int) -> None:
        super().__init__()
        cut, network = Cut.of(task.partition, stage), task.cuts[stage]
        assert isinstance(network, Splitter)
        self.network, self.channels = network, cut.channels
        here, following, around = (
            _Places(task.partition.shape(level))
            for level in (stage, stage + 1, task.partition.coarse(stage))
        )
        self.size = following.size
        row, col = (x.ravel() for x in np.indices(here.shape))
        late = (row + col) % 2 == 1
        divides = (cut.second >= 0)[row if cut.axis == 0 else col]

        def child(table: Ints, row: Ints, col: Ints) -> Ints:
            """Places of children, 0 for those that there are not."""
            mine = table[row if cut.axis == 0 else col]
            to = (mine, col) if cut.axis == 0 else (row, mine)
            return np.where(mine >= 0, following.at(*to), 0)

        sides = np.zeros((len(row), 2 * SIDES), np.int64)
        for side, (down, right) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
            i, j = row + down, col + right
            inside = late & here.holds(i, j)
            for half, table in enumerate((cut.first, cut.second)):
                sides[inside, 2 * side + half] = child(table, i[inside], j[inside])
        source: Ints = np.zeros(following.size, np.int64)  # of what passes on as it is
        source[child(cut.first, row, col)[~divides]] = here.at(row, col)[~divides]
        corner = PAD - COARSE
        tables: dict[str, NDArray[Any]] = {
            "near": here.square(row, col, 2 * PAD + 1),
            "far": around.square(
                cut.coarse[0][row] + corner, cut.coarse[1][col] + corner, 2 * COARSE + 1
            ),
            "sides": sides,
            "halves": np.stack([child(t, row, col) for t in (cut.first, cut.second)]),
            "inner": here.at(row, col),
            "source": source,
            "room": np.moveaxis(cut.cells, 0, 2).reshape(len(row), -1),
            "place": np.column_stack([late, cut.place.reshape(len(row), -1)]).astype(np.float32),
            "turns": np.stack([divides & ~late, divides & late]),
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(table)))
        self.register_buffer("unit", task.unit)
        pairs = torch.stack([torch.ones_like(task.unit), task.unit], 1)
        self.register_buffer("scale", pairs.flatten())

    def forward(
        self, here: Tensor, around: Tensor, conditions: Tensor, uniform: Tensor, used: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next level, and how many rows of ``uniform`` every event has used."""
        size = 2 * self.channels
        following = here[:, self.source, :size]
        hits = here[:, self.inner, 0:size:2].sum(2)
        for turn in (self.turns[0], self.turns[1]):
            there = (hits > 0) & turn
            owner, node = there.nonzero().unbind(1)
            context = torch.cat(
                [
                    self._seen(here, owner, self.near[node]),
                    self._seen(around, owner, self.far[node]),
                    self._seen(following, owner, self.sides[node]),
                    self.place[node],
                ],
                1,
            )
            content = _taken(here, owner, self.inner[node])[:, :size]
            numbers, used = self._numbers(owner, there.sum(1), uniform, used)
            first = self._first(context, conditions, owner, content, self.room[node], numbers)
            flat = following.reshape(-1, size)
            for table, value in ((self.halves[0], first), (self.halves[1], content - first)):
                flat = flat.index_put((owner * self.size + table[node],), value)
            following = flat.reshape(-1, self.size, size)
        return following, used

    def _seen(self, level: Tensor, owner: Tensor, places: Tensor) -> Tensor:
        """Contents as networks see them: logarithms of hits, and of energies in units."""
        content = _taken(level, owner[:, None], places)
        width = places.shape[1] * content.shape[2]
        return torch.log1p(content / self.scale[: content.shape[2]]).reshape(-1, width)

    def _numbers(
        self, owner: Tensor, count: Tensor, uniform: Tensor, used: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(m, C, 4)`` random numbers of nodes sorted by event, and rows used after that."""
        rank = torch.ones_like(owner).cumsum(0) - 1 - (count.cumsum(0) - count)[owner]
        row = (used[owner] + rank * self.channels)[:, None] + torch.arange(
            self.channels, device=used.device
        )
        rows = uniform.shape[1]
        place = (owner * rows)[:, None] + row - row // rows * rows
        return uniform.reshape(-1, 4)[place], used + count * self.channels

    def _first(
        self,
        context: Tensor,
        conditions: Tensor,
        owner: Tensor,
        whole: Tensor,
        room: Tensor,
        uniform: Tensor,
    ) -> Tensor:
        """``(m, 2 C)`` hits and energy of the first halves."""
        hidden = self.network(context, conditions, owner)
        known = hidden[:, :0]
        out = []
        for c in range(self.channels):
            hits, total = whole[:, 2 * c], whole[:, 2 * c + 1]
            low = (hits - room[:, self.channels + c]).clamp(min=0)
            high = torch.minimum(hits, room[:, c])
            law = self.network.count_law(c, hidden, known)
            drawn = count_sample(law, uniform[:, c, :2], low, high)
            part = torch.where(low < high, drawn, low)
            known = torch.cat([known, torch.log1p(torch.stack([part, hits - part], 1))], 1)
            law = self.network.energy_law(c, hidden, known)
            shared = (part > 0) & (part < hits)
            some = total * energy_sample(law, uniform[:, c, 2:])
            energy = torch.where(shared, some, torch.where(part == hits, total, 0.0))
            logs = torch.log1p(torch.stack([energy, total - energy], 1) / self.unit[c])
            known = torch.cat([known, logs], 1)
            out += [part, energy]
        return torch.stack(out, 1)


@dataclass(frozen=True)
class _Places:
    """Places of a padded level."""

    shape: tuple[int, int]

    @property
    def size(self) -> int:
        return (self.shape[0] + 2 * PAD) * (self.shape[1] + 2 * PAD)

    def at(self, row: Ints, col: Ints) -> Ints:
        """Where nodes lie."""
        return (row + PAD) * (self.shape[1] + 2 * PAD) + col + PAD

    def holds(self, row: Ints, col: Ints) -> NDArray[np.bool_]:
        """Which nodes there are."""
        return (row >= 0) & (row < self.shape[0]) & (col >= 0) & (col < self.shape[1])

    def square(self, row: Ints, col: Ints, size: int) -> Ints:
        """``(m, size * size)`` places of squares, from corners that count the padding."""
        steps = np.arange(size)
        apart = (steps[:, None] * (self.shape[1] + 2 * PAD) + steps).ravel()
        return (row * (self.shape[1] + 2 * PAD) + col)[:, None] + apart


def _taken(level: Tensor, owner: Tensor, place: Tensor) -> Tensor:
    """What a level ``(n, places, k)`` holds of nodes."""
    return level.reshape(-1, level.shape[2])[owner * level.shape[1] + place]
