"""Our generator as ONNX: flow, window, one graph a split, and the hits.

A cut leads from one level of the partition to the next. Networks are called for the nodes with hits
alone, whose number the graph finds out. Random numbers come in with the events: node by node, in
the order of rows and columns, every event takes those of its own.

Levels are ``(n, places, 2 C)``, their places counted row by row with the padding around them; place
0, in a corner of it, is always empty.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import Channel
from calovision.models.generators.flow_matching import follow
from calovision.models.generators.splitting.export_level import CutGraph
from calovision.models.generators.splitting.export_modules import EndGraph, StartGraph, TotalsGraph
from calovision.models.generators.splitting.fill import PAD
from calovision.models.generators.splitting.global_features import GRID
from calovision.models.generators.splitting.hits import Floats, Hits
from calovision.models.generators.splitting.level import Nodes
from calovision.models.generators.splitting.level_sampling import split_all
from calovision.models.generators.splitting.model import SplittingModel
from calovision.models.generators.splitting.pyramid import Level, filled
from calovision.models.generators.splitting.sampling import begin, node_network
from calovision.models.generators.splitting.sparse_pyramid import ActiveNodes, SparsePyramid
from calovision.training.onnx_graph import Arrays, Graph
from calovision.utils import streams

ROWS = 16_384  #: rows of random numbers that are enough for an event
TRIED = 512  #: of those with which a cut is tried
LABEL = "float32 (events): 1 for quark jets, 0 for gluon jets"
LEVEL = "float32 (events, places, 2 C): hits and energy above threshold (GeV) of a level"


def splitting_graphs(task: SplittingModel) -> list[Graph]:
    """All graphs, in the order in which they are run."""
    return [
        _totals(task),
        _start(task),
        *(_cut(task, s) for s in range(task.partition.stages)),
        _end(task),
    ]


def _totals(task: SplittingModel) -> Graph:
    size = task.knots.shape[0]

    def noise(events: Events) -> Arrays:
        normal, label = _drawn(task, events)
        return {"noise": normal, "label": label}

    def drawn(events: Events) -> Arrays:
        given = noise(events)
        point, label = (torch.from_numpy(x) for x in given.values())
        with torch.no_grad():
            made = follow(lambda x, t: task.flow(x, t, label[:, None]), point, task.config.steps)
        normal = np.clip(made.double().numpy(), GRID[0], GRID[-1])
        chance = np.ones(len(events))
        if (selection := task.totals_selection) is not None:
            over = selection.log_ratio(np.column_stack([given["label"], normal]))
            chance = np.exp(np.minimum(over - float(selection.limit), 0))
        return {"totals": normal.astype(np.float32), "chance": chance.astype(np.float32)}

    return Graph(
        "totals",
        TotalsGraph(task),
        {"noise": f"float32 (events, {size}): standard normal numbers", "label": LABEL},
        {
            "totals": _told(task),
            "chance": "float32 (events): use these totals with this probability, or draw anew",
        },
        {"noise": ("events",), "label": ("events",)},
        noise,
        drawn,
    )


def _start(task: SplittingModel) -> Graph:
    def asked(events: Events) -> Arrays:
        normal, label = _drawn(task, events)
        return {"totals": normal, "label": label}

    def begun(events: Events) -> Arrays:
        given = asked(events)
        normal = given["totals"].astype(np.float64)
        content, wanted, table = begin(task, normal, given["label"])
        columns = table[:, : len(task.columns)].astype(np.float32)
        nodes = np.zeros((len(events), 3), np.int32)
        nodes[:, 0] = np.arange(len(events))
        level = _dense(task, 0, ActiveNodes(nodes, content), len(events))
        return {"level": level, "conditions": wanted.numpy(), "columns": columns}

    return Graph(
        "start",
        StartGraph(task),
        {"totals": _told(task), "label": LABEL},
        {
            "level": f"{LEVEL}, of the whole window",
            "conditions": "float32 (events, k): what all cuts want to know of an event",
            "columns": f"float32 (events, {len(task.columns)}): {', '.join(task.columns)}, GeV",
        },
        {"totals": ("events",), "label": ("events",)},
        asked,
        begun,
    )


def _cut(task: SplittingModel, stage: int) -> Graph:
    partition = task.partition
    around = partition.coarse(stage)

    def levels(events: Events) -> dict[int, tuple[Level, Nodes]]:
        inner, unit = task.layout.sorted(events), task.unit.numpy()
        hits = Hits.of(inner, task.threshold.numpy())
        return {level: filled(partition, level, hits, unit) for level in (stage, around)}

    def asked(events: Events) -> Arrays:
        rng = streams.rng(streams.Stream.TRIAL_CUTS, len(events))
        known = {level: _flat(content) for level, (content, _) in levels(events).items()}
        return {
            "here": known[stage],
            "around": known[around],
            "conditions": np.column_stack(_drawn(task, events)),
            "uniform": rng.random((len(events), TRIED, 4), np.float32),
            "used": np.arange(len(events), dtype=np.int64),
        }

    def done(events: Events) -> Arrays:
        given, known, n = asked(events), levels(events), len(events)
        numbers = Rows(given["uniform"], given["used"].copy())
        canvas = SparsePyramid(partition, n, task.unit.numpy())
        for at, (content, nodes) in known.items():
            canvas.put(at, _front(content, nodes))
        network = node_network(task, stage, torch.from_numpy(given["conditions"]))
        made = split_all(stage, canvas, _front(*known[stage]), network, numbers)
        return {"following": _dense(task, stage + 1, made, n), "total": numbers.used}

    names = ("here", "around", "conditions", "uniform", "used")
    return Graph(
        f"cut{stage:02d}",
        CutGraph(task, stage),
        {
            "here": f"{LEVEL} {stage}",
            "around": f"{LEVEL} {around}",
            "conditions": "float32 (events, k): what the start says",
            "uniform": f"float32 (events, rows, 4): random in [0, 1); {ROWS} rows are enough for"
            " all cuts, after the last one the first comes again",
            "used": "int64 (events): rows used by the cuts before, 0 for the first",
        },
        {"following": f"{LEVEL} {stage + 1}", "total": "int64 (events): rows used by now"},
        {k: ("events", "rows") if k == "uniform" else ("events",) for k in names},
        asked,
        done,
        traced=True,
    )


def _end(task: SplittingModel) -> Graph:
    geometry, partition = task.layout.inner, task.partition

    def finest(events: Events) -> Arrays:
        inner, unit = task.layout.sorted(events), task.unit.numpy()
        hits = Hits.of(inner, task.threshold.numpy())
        return {
            f"level_{c.name}": _flat(filled(partition, level, hits, unit)[0])
            for c, level in zip(geometry.channels, partition.finest, strict=True)
        }

    def imaged(events: Events) -> Arrays:
        gev, found = task.layout.sorted(events).to_dense("gev"), {}
        for c, channel in enumerate(geometry.channels):
            block = channel.block
            image = gev[:, c, ::block, ::block] * block**2
            # Hits below the threshold of the training are raised to it.
            least = np.where(image > 0, float(task.threshold[c]), 0)
            found[channel.name] = np.maximum(image, least).astype(np.float32)
        return found

    def told(channel: Channel) -> str:
        size = f"{geometry.rows // channel.block}, {geometry.cols // channel.block}"
        return f"float32 (events, {size}): energy of every readout cell, GeV"

    inputs = {
        f"level_{c.name}": f"{LEVEL} {level}, the finest of this channel"
        for c, level in zip(geometry.channels, partition.finest, strict=True)
    }
    return Graph(
        "end",
        EndGraph(task),
        inputs,
        {c.name: told(c) for c in geometry.channels},
        dict.fromkeys(inputs, ("events",)),
        finest,
        imaged,
        "Adjusting energies, and the selection among finished events, are left to the package.",
    )


def _drawn(task: SplittingModel, events: Events) -> tuple[Floats, Floats]:
    """``(n, k)`` standard normal numbers, and labels ``(n,)``, for as many events.

    They need not be those of the events, whose columns may be others than the model has learned.
    """
    rng = streams.rng(streams.Stream.TRIAL_TOTALS, len(events))
    normal = rng.standard_normal((len(events), task.knots.shape[0])).astype(np.float32)
    label = (np.arange(len(events)) % 2).astype(np.float32)
    return normal, label


def _told(task: SplittingModel) -> str:
    return f"float32 (events, {task.knots.shape[0]}): totals as normal numbers"


def _front(level: Level, nodes: Nodes) -> ActiveNodes:
    """The nodes of a level, and what is in them."""
    image, row, col = nodes.T
    return ActiveNodes(nodes, level.content[image, row + PAD, col + PAD].reshape(len(nodes), -1, 2))


def _dense(task: SplittingModel, level: int, front: ActiveNodes, n: int) -> Floats:
    """Contents of a level of ``n`` events, of which these are the nodes with hits."""
    made = Level.empty(task.partition, level, n)
    image, row, col = front.nodes.T
    made.content[image, row + PAD, col + PAD] = front.content.reshape(len(image), -1)
    return _flat(made)


def _flat(level: Level) -> Floats:
    """Contents, their rows and columns one after another."""
    shape = level.content.shape
    return level.content.reshape(shape[0], shape[1] * shape[2], shape[3])


class Rows:
    """Numbers as the graphs take them, for any order of nodes."""

    def __init__(self, uniform: Floats, used: NDArray[np.int64]) -> None:
        self.uniform, self.used = uniform, used

    def __call__(self, nodes: Nodes, channels: int) -> Floats:
        """``(m, C, 4)``, see ``Numbers``."""
        order = np.lexsort(nodes.T[::-1])
        owner = nodes[order, 0]
        count = np.bincount(owner, minlength=len(self.used))
        rank = np.arange(len(nodes)) - (np.cumsum(count) - count)[owner]
        row = (self.used[owner] + rank * channels)[:, None] + np.arange(channels)
        found = np.empty((len(nodes), channels, 4), np.float32)
        found[order] = self.uniform[owner[:, None], row % self.uniform.shape[1]]
        self.used = self.used + count * channels
        return found
