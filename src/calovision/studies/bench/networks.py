"""Rows on networks: training steps, scores, batches for both, and half precision."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from torch_geometric.data import Batch as GraphBatch
from torch_geometric.nn import SAGEConv, Sequential, global_mean_pool

from calovision.deploy.export import written
from calovision.deploy.graphs import graphs
from calovision.events.events import Events
from calovision.events.graphs import GraphView
from calovision.models.classify import CHUNK_EVENTS, score
from calovision.models.config import load_config
from calovision.models.load import build, load_tagger
from calovision.studies.bench.clock import (
    NO_SLOWER,
    Goal,
    Row,
    Side,
    UnavailableError,
    Work,
    compared,
)
from calovision.studies.bench.material import Material
from calovision.training.devices import to_device
from calovision.training.task import Batch
from calovision.utils import streams

WAIT = Goal("at most", 0.05)  #: of the time of a step


class Steps:
    """Training steps of a model without the trainer around them.

    Args:
        events: to train on.
        task, model: what is trained.
        seed: of weights, order and noise.
        bfloat16: compute in half precision.
        device: where.
        settings: that differ from the preset.
    """

    def __init__(
        self,
        events: Events,
        task: str,
        model: str | None,
        seed: int,
        *,
        bfloat16: bool = False,
        device: torch.device | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        config = load_config(task, model, overrides={"seed": seed, **(settings or {})})
        self.size, self.bfloat16 = min(config.batch, len(events)), bfloat16
        torch.manual_seed(streams.torch_seed(streams.Stream.WEIGHTS, seed))
        self.device = device or torch.device("cpu")
        self.task = build(config, events.geometry, events).place(self.device).train()
        self.view = self.task.dataset(events)
        self.optimiser = torch.optim.AdamW(self.task.parameters(), 1e-4, fused=True)
        self.noise = streams.torch_rng(streams.Stream.BENCH_NOISE, seed, device=self.device)
        self.random = streams.rng(streams.Stream.BENCH_BATCHES, seed)

    def chosen(self) -> NDArray[np.int64]:
        """Events of another batch."""
        return np.sort(self.random.permutation(len(self.view))[: self.size])

    def batch(self, step: int) -> Batch:
        """What a step learns from."""
        return self.task.training_batch(self.view, self.chosen(), step)

    def learn(self, batch: Batch) -> None:
        """One step on a batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss = self.task.loss(to_device(batch, self.device), self.noise)["loss"]
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def side(self, title: str, steps: int, *, learn: bool = True) -> Side:
        """Steps with the building of their batches, or this alone."""

        def work() -> None:
            for step in range(steps):
                batch = self.batch(step)
                if learn:
                    self.learn(batch)

        return Side.of(title, steps, work)


def batches_for_training(material: Material, task: str) -> Row:
    """Building batches against whole steps."""
    events = material.crops if task == "egamma" else material.jets
    training, steps = Steps(events, task, None, material.seed), material.size.steps
    built = training.side(f"batch of {task} built", steps, learn=False)
    whole = training.side(f"a whole step ({training.size} events)", steps)
    return compared(built, whole, material.size.pairs, "s a step", WAIT)


def steps_against_peer(material: Material, model: str | None, name: str) -> Row:
    """Training steps with the building of batches, against torch-geometric at equal batch."""
    steps, jets = material.size.steps, material.jets[: max(material.size.jets // 4, 32)]
    ours = Steps(jets, "jet-tagger", model, material.seed)
    title = f"torch-geometric's GraphSAGE ({ours.size} jets)"
    peer = Side.of(title, steps, _peer(jets, steps, ours))
    first = ours.side(f"training step of {name}", steps)
    return compared(first, peer, material.size.few, "s a step", NO_SLOWER)


def _peer(jets: Events, steps: int, ours: Steps) -> Work:
    """Training steps of the published GraphSAGE tagger as users of torch-geometric write it.

    Graphs are made before, batches collated at every step; Adam with a learning rate of 1e-3.
    """
    view = GraphView.of(jets, 10, "value")
    graphs = [view.pyg(i) for i in range(len(view))]
    layers: list[Any] = []
    for sizes in ((3, 32), (32, 64), (64, 128)):
        layers += [(SAGEConv(*sizes), "x, edges -> x"), nn.ReLU()]
    layers += [(global_mean_pool, "x, batch -> x"), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3)]
    layers += [nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 2)]
    network = Sequential("x, edges, batch", layers)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def work() -> None:
        for _ in range(steps):
            batch = GraphBatch.from_data_list([graphs[i] for i in ours.chosen().tolist()])
            loss = F.cross_entropy(network(batch.x, batch.edge_index, batch.batch), batch.y.long())
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return work


def steps_in_half_precision(material: Material, model: str, name: str) -> Row:
    """Steps in bfloat16 against steps in float32."""

    def side(title: str, bfloat16: bool) -> Side:
        jets = material.jets[:512]
        own = Steps(jets, "jet-tagger", model, material.seed, bfloat16=bfloat16)
        batches = [own.batch(step) for step in range(material.size.steps)]

        def work() -> None:
            for batch in batches:
                own.learn(batch)

        return Side.of(title, len(batches), work)

    first, second = side(f"training step of {name} in bfloat16", True), side("in float32", False)
    return compared(first, second, material.size.pairs, "s a step")


SCORED = "jet scored, batches built"


def scores_against_onnx(material: Material) -> Row:
    """Scores of our tagger with their preparation, against ONNX Runtime with its own."""
    if missing := [n for n in ("onnx", "onnxscript", "onnxruntime") if find_spec(n) is None]:
        raise UnavailableError(f"needs {', '.join(missing)}: pip install 'calovision[deploy]'")
    import onnxruntime

    task, jets = load_tagger(material.tagger, "cpu"), material.jets
    (graph,) = graphs(task)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        written(graph, jets, {}), options, providers=["CPUExecutionProvider"]
    )

    def exported() -> None:
        for start in range(0, len(jets), CHUNK_EVENTS):
            session.run(None, graph.prepared(jets[start : start + CHUNK_EVENTS]))

    ours = Side.of(SCORED, len(jets), lambda: score(task, jets, quiet=True))
    theirs = Side.of("ONNX Runtime, the same batches", len(jets), exported)
    return compared(ours, theirs, material.size.pairs, goal=NO_SLOWER)


def batches_for_scores(material: Material) -> Row:
    """Building batches for scores against scores."""
    task, jets = load_tagger(material.tagger, "cpu"), material.jets

    def build() -> None:
        for start in range(0, len(jets), CHUNK_EVENTS):
            view = task.dataset(jets[start : start + CHUNK_EVENTS])
            for first in range(0, len(view), task.scored):
                task.inputs(view.data, np.arange(first, min(first + task.scored, len(view))))

    built = Side.of("batches for scores built", len(jets), build)
    scored = Side.of(SCORED, len(jets), lambda: score(task, jets, quiet=True))
    return compared(built, scored, material.size.pairs)


def scores_in_half_precision(material: Material) -> Row:
    """The network in bfloat16 against float32, batches at hand."""
    task = load_tagger(material.tagger, "cpu")
    jets = material.jets[: task.scored]
    inputs = task.inputs(task.dataset(jets).data, np.arange(len(jets)))

    def side(title: str, bfloat16: bool) -> Side:
        def work() -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                for _ in range(material.size.steps):
                    task.network(*inputs)

        return Side.of(title, len(jets) * material.size.steps, work)

    first, second = side("tagger's network in bfloat16", True), side("in float32", False)
    return compared(first, second, material.size.pairs)
