"""Modules of our generator's graphs: global features, the window, and the hits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.models.generators.flow_matching import follow
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.global_features import GRID
from calovision.models.generators.splitting.model import SplittingModel
from calovision.models.generators.splitting.rejection import DensityRatioRejection


class TotalsGraph(nn.Module):
    """The flow, and the chance with which its totals should be used."""

    def __init__(self, task: SplittingModel) -> None:
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
    """The chance with which a ``DensityRatioRejection`` keeps a row."""

    knots: Tensor
    grid: Tensor

    def __init__(self, selection: DensityRatioRejection) -> None:
        super().__init__()
        self.selection = selection
        self.register_buffer("knots", selection.knots)
        self.register_buffer("grid", torch.from_numpy(GRID))

    def forward(self, table: Tensor) -> Tensor:
        """``(n, inputs)`` rows, a label first, to ``(n,)``."""
        value = table.double()
        # The interval of every number, among the knots of its column.
        below = (value[:, :, None] >= self.knots[None, :, 1:-1]).sum(2)
        column = torch.arange(table.shape[1], device=table.device)
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

    def __init__(self, task: SplittingModel) -> None:
        super().__init__()
        self.columns, self.channels = len(task.columns), len(task.geometry.channels)
        self.register_buffer("knots", task.knots)
        geometry = task.layout.inner
        room = [geometry.cells // c.block**2 for c in geometry.channels]
        self.register_buffer("room", torch.tensor(room, dtype=torch.float64))

    def forward(self, totals: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """``(n, k)``, ``(n,)`` to level 0, conditions of all cuts, and columns (GeV)."""
        step = GRID[1] - GRID[0]
        place = (totals.double() - GRID[0]) / step
        below = place.floor().clamp(0, len(GRID) - 2).long()
        column = torch.arange(totals.shape[1], device=totals.device)
        low, high = self.knots[column, below], self.knots[column, below + 1]
        table = low + (place - below).clamp(0, 1) * (high - low)
        wanted = table[:, -2 * self.channels : -self.channels].floor().clamp(min=0)
        excess = table[:, -self.channels :].clamp(min=0) * wanted
        root = torch.stack([torch.minimum(wanted, self.room), excess], 2).flatten(1).float()
        middle = 2 * PAD * (PAD + 1)  # places before that of the only node, and behind it
        level = nn.functional.pad(root[:, None], (0, 0, middle, middle))
        conditions = torch.cat([totals, label[:, None]], 1)
        return level, conditions, table[:, : self.columns].float()


class EndGraph(nn.Module):
    """The finest level of every channel to the energy of its readout cells."""

    threshold: Tensor

    def __init__(self, task: SplittingModel) -> None:
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
