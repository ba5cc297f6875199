"""The cascade at work: from noise to totals, and from totals to hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.networks.splitter import OUTCOME, count_sample, energy_sample
from calovision.tasks.cuts import Cut, Nodes
from calovision.tasks.flow import follow
from calovision.tasks.pyramid import Level, look, write
from calovision.tasks.pyramid_fill import PAD
from calovision.tasks.pyramid_hits import Floats
from calovision.tasks.request import Request
from calovision.tasks.selection import SPARE
from calovision.tasks.totals import GRID, hits_and_excess

if TYPE_CHECKING:
    from calovision.tasks.cascade import CascadeTask

#: nodes ``(m, 3)`` and channels ``C`` to random numbers ``(m, C, 4)`` float32 in [0, 1): two that
#: share out the hits of a channel, and two for its energy
Numbers = Callable[[Nodes, int], Floats]

TRIES = 400  #: pools of totals drawn before a request is given up


@torch.no_grad()
def drawn_totals(
    task: CascadeTask, request: Request, n: int, rng: np.random.Generator, steps: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """``(n, k)`` normal totals that meet a request, and labels ``(n,)``.

    Conditions on columns are met by drawing until they are: what comes out is the model's own
    conditional distribution. So is the selection among totals, where the model has learned one.

    Raises:
        InputError: hardly any event is like that.
    """
    selection = task.totals_selection
    # What is not asked for need not be drawn more often than it is used.
    pool = 4 * n if request.ranges else n
    if selection is not None:
        pool = int(SPARE * pool / float(selection.efficiency)) + 1
    kept: list[NDArray[np.float64]] = []
    labels: list[NDArray[np.float32]] = []
    found = 0
    for _ in range(TRIES):
        if request.label is None:
            label = (rng.random(pool) < float(task.share)).astype(np.float32)
        else:
            label = np.full(pool, request.label, np.float32)
        noise = rng.standard_normal((pool, task.knots.shape[0])).astype(np.float32)
        condition = torch.from_numpy(label)[:, None]
        made = follow(
            lambda x, t, c=condition: task.flow(x, t, c),  # type: ignore[misc]
            torch.from_numpy(noise),
            steps or task.config.steps,
        )
        normal = np.clip(made.double().numpy(), GRID[0], GRID[-1])
        good = np.ones(pool, np.bool_)
        columns = task.quantiles.values(normal) if request.ranges else normal
        for name, (low, high) in request.ranges.items():
            value = columns[:, task.columns.index(name)]
            good &= (value >= low) & (value <= high)
        if selection is not None:
            good &= selection.keep(np.column_stack([label, normal]), rng)
        kept.append(normal[good])
        labels.append(label[good])
        found += int(good.sum())
        if found >= n:
            return np.concatenate(kept)[:n], np.concatenate(labels)[:n]
    raise InputError(
        f"fewer than one event in {pool * TRIES // max(found, 1)} is as asked for",
        "widen the range",
    )


def fresh_numbers(rng: np.random.Generator) -> Numbers:
    """Numbers drawn one after another, whatever node they are for."""
    return lambda nodes, channels: rng.random((len(nodes), channels, 4), np.float32)


@torch.no_grad()
def grown(
    task: CascadeTask,
    normal: NDArray[np.float64],
    label: NDArray[np.float32],
    numbers: Numbers,
) -> Events:
    """Events with the given totals.

    Args:
        task: a trained cascade.
        normal: ``(n, k)`` totals as normal numbers.
        label: ``(n,)``.
        numbers: random in [0, 1), see :data:`Numbers`.
    """
    partition, n = task.partition, len(normal)
    root, conditions, table = begin(task, normal, label)
    nodes = np.zeros((n, 3), np.int32)
    nodes[:, 0] = np.arange(n)
    look(root, nodes, task.unit.numpy())
    levels = [root]
    ends: dict[int, tuple[Level, Nodes]] = {}
    for stage in range(partition.stages):
        if partition.channels(stage) != partition.channels(stage + 1):
            ends[stage] = levels[stage], nodes
        following = Level.empty(partition, stage + 1, n)
        nodes = cut_all(task, stage, levels, following, nodes, conditions, numbers)
        levels.append(following)
    ends[partition.stages] = levels[-1], nodes
    columns: dict[str, NDArray[Any]] = {"label": label.astype(np.int8)}
    for i, name in enumerate(task.columns):
        columns[name] = table[:, i].astype(np.float32)
    return _events(task, ends, n, columns)


def begin(
    task: CascadeTask, normal: NDArray[np.float64], label: NDArray[np.float32]
) -> tuple[Level, Tensor, NDArray[np.float64]]:
    """Level 0 of events, without logarithms; what all cuts know of them; and their totals."""
    table, n = task.quantiles.values(normal), len(normal)
    hits, excess = hits_and_excess(table, len(task.geometry.channels))
    room = [c.block**2 for c in task.geometry.channels]
    hits = np.minimum(hits, task.geometry.cells // np.array(room))
    root = Level.empty(task.partition, 0, n)
    root.content[:, PAD, PAD] = np.stack([hits, excess], -1).reshape(n, -1)
    conditions = torch.from_numpy(np.column_stack([normal, label]).astype(np.float32))
    return root, conditions, table


def cut_all(
    task: CascadeTask,
    stage: int,
    levels: Sequence[Level] | Mapping[int, Level],
    following: Level,
    nodes: Nodes,
    conditions: Tensor,
    numbers: Numbers,
) -> Nodes:
    """Cut all nodes of a level in two rounds; returns the nodes of the next level."""
    cut = Cut.of(task.partition, stage)
    unit = task.unit.numpy()
    here, around = levels[stage], levels[task.partition.coarse(stage)]
    nodes = nodes[cut.contents(nodes, here)[:, :, 0].sum(1) > 0]
    there = cut.divides(nodes)
    whole = nodes[~there]  # they pass on as they are
    made = [write(following, cut.firsts(whole), cut.contents(whole, here), unit)]
    for chosen in cut.rounds(nodes[there]):
        if not len(chosen):
            continue
        content = cut.contents(chosen, here)
        context = cut.contexts(chosen, here, following, around)
        first = _drawn(task, stage, cut, chosen, content, context, conditions, numbers)
        made.append(write(following, cut.firsts(chosen), first, unit))
        made.append(write(following, cut.seconds(chosen), content - first, unit))
    return np.concatenate(made)


def _drawn(
    task: CascadeTask,
    stage: int,
    cut: Cut,
    nodes: Nodes,
    whole: Floats,
    context: Floats,
    conditions: Tensor,
    numbers: Numbers,
) -> Floats:
    """``(m, C, 2)`` hits and excess of the first halves of nodes."""
    network: Any = task.cuts[stage]
    low, high = (torch.from_numpy(x) for x in cut.limits(nodes, whole[:, :, 0]))
    total, unit = torch.from_numpy(whole), task.unit
    uniform = torch.from_numpy(numbers(nodes, cut.channels))
    first = torch.zeros_like(total)
    known = torch.zeros(len(nodes), OUTCOME * cut.channels)
    owner = torch.from_numpy(nodes[:, 0].astype(np.int64))
    hidden = network(torch.from_numpy(context), conditions, owner)
    for c in range(cut.channels):
        hits, part = total[:, c, 0], first[:, c, 0]
        part.copy_(low[:, c])
        free = (low[:, c] < high[:, c]).nonzero()[:, 0]
        if len(free):
            law = network.count_law(c, hidden[free], known[free, : OUTCOME * c])
            part[free] = count_sample(law, uniform[free, c, :2], low[free, c], high[free, c])
        known[:, OUTCOME * c] = torch.log1p(part)
        known[:, OUTCOME * c + 1] = torch.log1p(hits - part)
        energy = first[:, c, 1]
        energy.copy_(torch.where(part == hits, total[:, c, 1], torch.zeros(())))
        shared = ((part > 0) & (part < hits)).nonzero()[:, 0]
        if len(shared):
            law = network.energy_law(c, hidden[shared], known[shared, : OUTCOME * c + 2])
            energy[shared] = total[shared, c, 1] * energy_sample(law, uniform[shared, c, 2:])
        known[:, OUTCOME * c + 2] = torch.log1p(energy / unit[c])
        known[:, OUTCOME * c + 3] = torch.log1p((total[:, c, 1] - energy) / unit[c])
    return first.numpy()


def _events(
    task: CascadeTask,
    ends: dict[int, tuple[Level, Nodes]],
    n: int,
    columns: dict[str, NDArray[Any]],
) -> Events:
    """The hits at the finest level of every channel, sorted."""
    geometry, partition = task.geometry, task.partition
    threshold = task.threshold.numpy()
    owners, cells, codes, values = [], [], [], []
    for level, (state, nodes) in ends.items():
        for c, channel in enumerate(geometry.channels):
            if partition.finest[c] != level:
                continue
            content = state.content[nodes[:, 0], nodes[:, 1] + PAD, nodes[:, 2] + PAD]
            lit = content[:, 2 * c] > 0
            mine = nodes[lit].astype(np.int64)
            middle = channel.block // 2
            row, col = (mine[:, 1 + a] * channel.block + middle for a in (0, 1))
            owners.append(mine[:, 0])
            cells.append(row * geometry.cols + col)
            codes.append(np.full(len(mine), c, np.uint8))
            gev = threshold[c] + content[lit, 2 * c + 1]
            values.append(gev / (channel.gev_per_unit * channel.block**2))
    owner, cell, code, value = (np.concatenate(x) for x in (owners, cells, codes, values))
    order = np.lexsort((cell, code, owner))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))]).astype(np.int64)
    return Events(
        geometry,
        offsets,
        cell[order].astype(np.uint16),
        code[order],
        value[order].astype(np.float32),
        columns,
    )
