"""The modules of our generator's graphs, which :mod:`~calovision.tasks.deployed.cascade` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.networks.splitter import Splitter, count_sample, energy_sample
from calovision.tasks.cuts import COARSE, SIDES, Cut
from calovision.tasks.flow import follow
from calovision.tasks.partition import Ints
from calovision.tasks.pyramid_fill import PAD
from calovision.tasks.selection import Selection
from calovision.tasks.steering import place_means
from calovision.tasks.totals import GRID, SHAPES

if TYPE_CHECKING:
    from calovision.tasks.cascade import CascadeTask


class TotalsGraph(nn.Module):
    """The flow, and the chance with which its totals should be used."""

    def __init__(self, task: CascadeTask) -> None:
        super().__init__()
        self.flow, self.steps = task.flow, task.config.steps
        self.chance = None if task.totals_selection is None else Chance(task.totals_selection)

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """``(n, k)`` noise and ``(n,)`` labels to normal totals and chances ``(n,)``."""
        made = follow(lambda x, t: self.flow(x, t, label[:, None]), noise, self.steps)
        normal = made.clamp(GRID[0], GRID[-1])
        if self.chance is None:
            return normal, torch.ones_like(label)
        chance: Tensor = self.chance(torch.cat([label[:, None], normal], 1))
        return normal, chance


class Chance(nn.Module):
    """The chance with which a :class:`~calovision.tasks.selection.Selection` keeps a row."""

    knots: Tensor
    grid: Tensor

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self.selection = selection
        self.register_buffer("knots", selection.knots)
        self.register_buffer("grid", torch.from_numpy(GRID))

    def forward(self, table: Tensor) -> Tensor:
        """``(n, inputs)`` rows, a label first, to ``(n,)``."""
        value = table.double()
        # The interval of every number, among the knots of its column.
        below = (value[:, :, None] >= self.knots[None, :, 1:-1]).sum(2)
        column = torch.arange(table.shape[1])
        low, high = self.knots[column, below], self.knots[column, below + 1]
        part = ((value - low) / (high - low)).clamp(0, 1)
        normal = self.grid[below] + part * (self.grid[below + 1] - self.grid[below])
        normal = normal.float()
        edges = self.selection.edges
        label = (table[:, :1] > 0.5).long()
        cell = (normal.double()[:, :, None] > edges).sum(2) + label * (len(edges) + 1)
        factors = self.selection.factors[column, cell].sum(1)
        ratio = self.selection.network(normal)[:, 0].double() + factors
        chance: Tensor = (ratio - self.selection.limit).clamp(max=0).exp().float()
        return chance


class StartGraph(nn.Module):
    """Normal totals to the content of the whole window."""

    knots: Tensor
    room: Tensor

    def __init__(self, task: CascadeTask) -> None:
        super().__init__()
        self.columns, self.channels = len(task.columns), len(task.geometry.channels)
        self.register_buffer("knots", task.knots)
        room = [task.geometry.cells // c.block**2 for c in task.geometry.channels]
        self.register_buffer("room", torch.tensor(room, dtype=torch.float64))

    def forward(self, totals: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """``(n, k)``, ``(n,)`` to level 0, what is asked of all cuts, and columns (GeV)."""
        step = GRID[1] - GRID[0]
        place = (totals.double() - GRID[0]) / step
        below = place.floor().clamp(0, len(GRID) - 2).long()
        column = torch.arange(totals.shape[1])
        low, high = self.knots[column, below], self.knots[column, below + 1]
        table = low + (place - below).clamp(0, 1) * (high - low)
        wanted = table[:, -2 * self.channels : -self.channels].floor().clamp(min=0)
        excess = table[:, -self.channels :].clamp(min=0) * wanted
        root = torch.stack([torch.minimum(wanted, self.room), excess], 2).flatten(1).float()
        middle = 2 * PAD * (PAD + 1)  # places before that of the only node, and behind it
        level = nn.functional.pad(root[:, None], (0, 0, middle, middle))
        wanted = table[:, self.columns : self.columns + SHAPES * self.channels].float()
        asked = torch.cat([totals, label[:, None], wanted], 1)
        return level, asked, table[:, : self.columns].float()


class EndGraph(nn.Module):
    """The finest level of every channel to the energy of its readout cells."""

    threshold: Tensor

    def __init__(self, task: CascadeTask) -> None:
        super().__init__()
        self.shapes = [task.partition.shape(level) for level in task.partition.finest]
        self.register_buffer("threshold", task.threshold)

    def forward(self, *levels: Tensor) -> tuple[Tensor, ...]:
        """``(n, places, 2 C)`` of every channel to ``(n, rows / block, cols / block)`` GeV."""
        images = []
        for c, (level, (rows, cols)) in enumerate(zip(levels, self.shapes, strict=True)):
            content = level[:, :, 2 * c : 2 * c + 2]
            energy = torch.where(content[..., 0] > 0, self.threshold[c] + content[..., 1], 0.0)
            square = energy.reshape(-1, rows + 2 * PAD, cols + 2 * PAD)
            images.append(square[:, PAD:-PAD, PAD:-PAD])
        return tuple(images)


class CutGraph(nn.Module):
    """One cut of all nodes, in its two rounds; what depends on where a node is stands in tables."""

    near: Tensor
    far: Tensor
    means: Tensor
    following_means: Tensor
    threshold: Tensor
    sides: Tensor
    halves: Tensor
    inner: Tensor
    source: Tensor
    room: Tensor
    place: Tensor
    turns: Tensor
    unit: Tensor
    scale: Tensor

    def __init__(self, task: CascadeTask, stage: int) -> None:
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
        self.steering, self.stage = task.steering, stage
        self.register_buffer("threshold", task.threshold[: cut.channels].double())
        mine, next_ones = (
            place_means(task.partition, level)[:, :, : cut.channels].astype(np.float64)
            for level in (stage, stage + 1)
        )
        padded = np.pad(next_ones, [(PAD, PAD), (PAD, PAD), (0, 0), (0, 0)])
        self.register_buffer("means", torch.from_numpy(mine.reshape(-1, *mine.shape[2:])))
        flat = padded.reshape(-1, *padded.shape[2:])
        self.register_buffer("following_means", torch.from_numpy(flat))

    def forward(
        self, here: Tensor, around: Tensor, asked: Tensor, uniform: Tensor, used: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next level, and how many rows of ``uniform`` every event has used."""
        size = 2 * self.channels
        following = here[:, self.source, :size]
        mine = here[:, self.inner, :size]
        hits = mine[:, :, 0::2].sum(2)
        sums = self._sums(mine, self.means)
        for turn in range(2):
            there = (hits > 0) & self.turns[turn]
            if turn == 1:  # what has been cut, and what is about to be
                left = mine * self.turns[1][:, None]
                sums = self._sums(following, self.following_means) + self._sums(left, self.means)
            told = self.steering(asked, sums, self.stage, turn)
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
            first = self._first(context, told, owner, content, self.room[node], numbers)
            flat = following.reshape(-1, size)
            for table, value in ((self.halves[0], first), (self.halves[1], content - first)):
                flat = flat.index_put((owner * self.size + table[node],), value)
            following = flat.reshape(-1, self.size, size)
        return following, used

    def _sums(self, level: Tensor, means: Tensor) -> Tensor:
        """``(n, C, SUMS)`` of a level, see :func:`~calovision.tasks.steering.add_sums`."""
        content = level.double()
        energy = content[:, :, 0::2] * self.threshold + content[:, :, 1::2]
        found = []
        for c in range(self.channels):
            own = energy[:, :, c]
            total, square = own.sum(1, keepdim=True), (own * own).sum(1, keepdim=True)
            found.append(torch.cat([own @ means[:, c], total, square], 1))
        return torch.stack(found, 1)

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
        row = (used[owner] + rank * self.channels)[:, None] + torch.arange(self.channels)
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
