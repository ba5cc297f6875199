"""Sampling of our generator: from noise to global features, and from those to hits."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.generators.base import Request, check_request
from calovision.models.generators.flow_matching import follow
from calovision.models.generators.splitting.compiled_network import NodeNetwork
from calovision.models.generators.splitting.global_features import (
    BY_ENERGY,
    GRID,
    hits_and_excess,
    moment_targets,
)
from calovision.models.generators.splitting.hits import Floats
from calovision.models.generators.splitting.level import Cut, Nodes
from calovision.models.generators.splitting.level_sampling import Numbers, split_all
from calovision.models.generators.splitting.model import SplittingModel
from calovision.models.generators.splitting.moment_matching import MomentTargets, adjust
from calovision.models.generators.splitting.rejection import SPARE
from calovision.models.generators.splitting.sparse_pyramid import ActiveNodes, SparsePyramid
from calovision.networks.splitter import Splitter

TRIES = 400  #: pools of totals drawn before a request is given up
GROUP = 64  #: events whose fine levels, which are large, are made together: they stay in the cache


@torch.no_grad()
def sample_global_features(
    task: SplittingModel, request: Request, n: int, rng: np.random.Generator, steps: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """``(n, k)`` normal totals that meet a request, and labels ``(n,)``.

    Conditions on columns are met by drawing until they are: what comes out is the model's own
    conditional distribution. So is the selection among totals, where the model has learned one.

    Raises:
        InputError: the model has not learned what is asked for, or hardly any event is like that.
    """
    check_request(task, request)
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


def random_numbers(rng: np.random.Generator) -> Numbers:
    """Numbers drawn one after another, whatever node they are for."""
    return lambda nodes, channels: rng.random((len(nodes), channels, 4), np.float32)


@torch.no_grad()
def sample_hits(
    task: SplittingModel,
    normal: NDArray[np.float64],
    label: NDArray[np.float32],
    numbers: Numbers,
    *,
    adjusted: bool = True,
) -> Events:
    """Events with the given totals.

    Args:
        task: a trained cascade.
        normal: ``(n, k)`` totals as normal numbers.
        label: ``(n,)``.
        numbers: random in [0, 1), see ``Numbers``.
        adjusted: energies, in the end, to the shapes among the totals; otherwise they are as the
            networks make them.
    """
    partition, n = task.partition, len(normal)
    content, conditions, table = begin(task, normal, label)
    wanted = shapes_of(task, table).ahead(task.leads.numpy()) if adjusted else None
    networks = [node_network(task, stage, conditions) for stage in range(partition.stages)]
    columns: dict[str, NDArray[Any]] = {"label": label.astype(np.int8)}
    for i, name in enumerate(task.columns):
        columns[name] = table[:, i].astype(np.float32)
    nodes = np.zeros((n, 3), np.int32)
    nodes[:, 0] = np.arange(n)
    unit = task.unit.numpy()
    canvas, front = SparsePyramid(partition, n, unit), ActiveNodes(nodes, content)
    canvas.put(0, front)
    # Coarse levels are small, and have few nodes: they are cut for all events at a time.
    for stage in range(partition.towers):
        front = split_all(stage, canvas, front, networks[stage], numbers)
    ends, fine = [(partition.towers, front)], SparsePyramid(partition, GROUP, unit)
    for start in range(0, n, GROUP):
        some = slice(start, min(start + GROUP, n))
        for level in (partition.towers, partition.coarse(partition.towers)):
            fine.take(level, canvas, some)
        told = [network.some(some) for network in networks]
        ends += _refined(task, fine, front.between(some), told, numbers, start)
    return _events(task, ends, n, columns, wanted)


def node_network(task: SplittingModel, stage: int, conditions: Tensor) -> NodeNetwork:
    """The network of a stage, told the ``conditions`` ``(n, k)`` of events."""
    network = task.cuts[stage]
    assert isinstance(network, Splitter)
    return NodeNetwork.of(network, Cut.of(task.partition, stage), conditions)


def _refined(
    task: SplittingModel,
    canvas: SparsePyramid,
    front: ActiveNodes,
    networks: list[NodeNetwork],
    numbers: Numbers,
    start: int,
) -> list[tuple[int, ActiveNodes]]:
    """Fronts of the levels below the towers; images are counted from ``start`` in them."""
    first = np.array([start, 0, 0], np.int32)

    def absolute(nodes: Nodes, channels: int) -> Floats:
        return numbers(nodes + first, channels)

    fronts = []
    for stage in range(task.partition.towers, task.partition.stages):
        front = split_all(stage, canvas, front, networks[stage], absolute)
        fronts.append((stage + 1, front))
    for level, made in fronts:
        canvas.wipe(level, made)
    return [(level, made.moved(start)) for level, made in fronts]


def begin(
    task: SplittingModel, normal: NDArray[np.float64], label: NDArray[np.float32]
) -> tuple[Floats, Tensor, NDArray[np.float64]]:
    """Contents ``(n, C, 2)`` of whole windows, what networks are told of them, and their totals."""
    table, n = task.quantiles.values(normal), len(normal)
    geometry = task.layout.inner
    hits, excess = hits_and_excess(table, len(geometry.channels))
    room = [c.block**2 for c in geometry.channels]
    hits = np.minimum(hits, geometry.cells // np.array(room))
    content = np.stack([hits, excess], -1).reshape(n, -1, 2).astype(np.float32)
    conditions = torch.from_numpy(np.column_stack([normal, label]).astype(np.float32))
    return content, conditions, table


def shapes_of(task: SplittingModel, table: NDArray[np.float64]) -> MomentTargets:
    """Shapes and axes of events with these totals ``(n, k)``."""
    found = moment_targets(table, len(task.columns), task.threshold.numpy(), task.layout.inner)
    return MomentTargets(found[:, :-2].reshape(len(table), -1, BY_ENERGY), found[:, -2:])


def _events(
    task: SplittingModel,
    ends: list[tuple[int, ActiveNodes]],
    n: int,
    columns: dict[str, NDArray[Any]],
    wanted: MomentTargets | None,
) -> Events:
    """Hits of the finest level of every channel, sorted; energies are adjusted to the wanted."""
    geometry, partition = task.layout.inner, task.partition
    threshold = task.threshold.numpy().astype(np.float64)
    owners, cells, codes, values = [], [], [], []
    for level, front in ends:
        for c, channel in enumerate(geometry.channels):
            if partition.finest[c] != level:
                continue
            lit = front.content[:, c, 0] > 0
            mine = front.nodes[lit].astype(np.int64)
            middle = channel.block // 2
            row, col = (mine[:, 1 + a] * channel.block + middle for a in (0, 1))
            owners.append(mine[:, 0])
            cells.append(row * geometry.cols + col)
            codes.append(np.full(len(mine), c, np.uint8))
            values.append(front.content[lit, c, 1].astype(np.float64))
    owner, cell, code, excess = (np.concatenate(x) for x in (owners, cells, codes, values))
    channels = len(geometry.channels)
    # One number to sort by: three keys take several times as long.
    index = owner * channels + code
    order = np.argsort(index * geometry.cells + cell)
    cell, code, excess = cell[order].astype(np.uint16), code[order], excess[order]
    after = np.cumsum(np.bincount(index, minlength=n * channels)).reshape(n, channels)
    if wanted is not None:
        eta, phi = (x.astype(np.float64) for x in (geometry.eta(cell), geometry.phi(cell)))
        adjust(excess, after, eta, phi, threshold, wanted)
    units = np.array([c.gev_per_unit * c.block**2 for c in geometry.channels])
    offsets = np.concatenate([[0], after[:, -1]]).astype(np.int64)
    value = ((threshold[code] + excess) / units[code]).astype(np.float32)
    return task.layout.restored(Events(geometry, offsets, cell, code, value, columns))
