"""Rows on training: waiting for batches, torch-geometric, and half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.graphs import GraphView
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.studies.bench.clock import Work, always, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.peers import PeerTraining
from calovision.studies.bench.row import Goal, Row
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
        self.dataset = self.task.dataset(events)
        self.optimiser = torch.optim.AdamW(self.task.parameters(), 1e-4, fused=True)
        self.noise = streams.torch_rng(streams.Stream.BENCH_NOISE, seed, device=self.device)
        self.random = streams.rng(streams.Stream.BENCH_BATCHES, seed)

    def chosen(self) -> NDArray[np.int64]:
        """Events of another batch."""
        return np.sort(self.random.permutation(len(self.dataset))[: self.size])

    def batch(self, step: int) -> Batch:
        """What a step learns from."""
        return self.task.training_batch(self.dataset, self.chosen(), step)

    def learn(self, batch: Batch) -> None:
        """One step on a batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            loss = self.task.loss(to_device(batch, self.device), self.noise)["loss"]
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def whole(self, steps: int) -> Work:
        """Steps with the building of their batches."""

        def work() -> None:
            for step in range(steps):
                self.learn(self.batch(step))

        return work


def loader(material: Material, task: str) -> Row:
    """Building batches against whole steps."""
    steps = material.size.steps
    events = material.crops if task == "egamma" else material.jets
    training = Steps(events, task, None, material.seed)

    def build_only() -> None:
        for step in range(steps):
            training.batch(step)

    pairs = in_turns(
        always("batches", steps, build_only),
        always("steps", steps, training.whole(steps)),
        material.size.pairs,
    )
    title = f"a whole step ({training.size} events)"
    return Row(f"batch of {task} built", title, pairs, "s a step", goal=WAIT)


def against_peer(material: Material, model: str | None, name: str) -> Row:
    """Training steps with the building of batches, against torch-geometric at equal batch."""
    steps, jets = material.size.steps, material.jets[: max(material.size.jets // 4, 32)]
    ours = Steps(jets, "jet-tagger", model, material.seed)
    view = GraphView.of(jets, 10, "value")
    peer = PeerTraining([view.pyg(i) for i in range(len(view))])

    def peer_steps() -> None:
        for _ in range(steps):
            peer.step(ours.chosen().tolist())

    pairs = in_turns(
        always("ours", steps, ours.whole(steps)),
        always("peer", steps, peer_steps),
        material.size.few,
    )
    title = f"torch-geometric's GraphSAGE ({ours.size} jets)"
    return Row(f"training step of {name}", title, pairs, "s a step", goal=Goal("at most", 1.0))


def half_precision(material: Material, model: str, name: str) -> Row:
    """Steps in bfloat16 against steps in float32."""
    steps = material.size.steps
    jets = material.jets[:512]
    sides: list[Any] = []
    for bfloat16 in (True, False):
        own = Steps(jets, "jet-tagger", model, material.seed, bfloat16=bfloat16)
        batches = [own.batch(step) for step in range(steps)]

        def work(own: Steps = own, batches: list[Batch] = batches) -> None:
            for batch in batches:
                own.learn(batch)

        sides.append(always("steps", steps, work))
    pairs = in_turns(sides[0], sides[1], material.size.pairs)
    return Row(f"training step of {name} in bfloat16", "in float32", pairs, "s a step")
