"""Our generator: a flow for global features of a jet, which are split down a tree to single cells.

The window is halved again and again (``binary_tree``). Every cut decides how
many of a node's hits, and how much of its energy, lie in either half, given what surrounds the
node. Counts and energies are conserved by each cut, no cell gets two hits, and the cost grows with
the number of hits, not of cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.models.generators.base import Request
from calovision.models.generators.flow_matching import matching_loss
from calovision.models.generators.splitting.config import CascadeConfig
from calovision.models.generators.splitting.export import splitting_graphs
from calovision.models.generators.splitting.global_features import (
    COLUMNS,
    QuantileTransformer,
    learned,
    totals,
)
from calovision.models.generators.splitting.hits import Hits
from calovision.models.generators.splitting.loss import split_loss
from calovision.models.generators.splitting.model import (
    SplittingDataset,
    SplittingModel,
    labels_of,
)
from calovision.models.generators.splitting.postprocessing import fit_rejection
from calovision.models.generators.splitting.rejection import selected
from calovision.models.generators.splitting.rejection_features import features
from calovision.models.generators.splitting.sampling import (
    random_numbers,
    sample_global_features,
    sample_hits,
)
from calovision.models.generators.splitting.targets import split_targets
from calovision.models.preset import Preset
from calovision.training.onnx_graph import Graph
from calovision.training.task import Batch, as_tensor
from calovision.training.weights import fill, tensor_of
from calovision.utils import streams


class CascadeTask(SplittingModel):
    """The generator in training and at work: batches, loss, sampling.

    It can be trained on a GPU. Events are made by code compiled for the CPU, so what is trained
    works there.
    """

    partial: ClassVar[bool] = True
    doubles: ClassVar[bool] = True
    on_gpu: ClassVar[bool] = False

    @classmethod
    def from_events(cls, config: CascadeConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task that knows the training events' thresholds and totals."""
        task = cls(geometry, config, learned(train))
        train = task.layout.sorted(train)
        for c in range(len(geometry.channels)):
            mine = train.energy[train.channel == c]
            if len(mine):
                task.threshold[c] = float(mine.min()) * (1 - 1e-4)
                task.unit[c] = max(float(np.median(mine)), 1e-6)
        table = totals(
            train, task.threshold.numpy(), streams.rng(streams.Stream.TOTALS, config.seed)
        )
        odd = np.asarray((task.mirror_signs < 0).any(0))
        task.knots.copy_(torch.from_numpy(QuantileTransformer.of(table, odd).knots))
        if "label" in train.columns:
            class_labels(train)
        task.share.fill_(float(np.average(labels_of(train), weights=weighting.of(train))))
        return task

    @classmethod
    def from_state(
        cls, config: CascadeConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        known = zip(COLUMNS, tensor_of(state, "has", 1), strict=False)
        columns = tuple(c for c, has in known if has)
        task = cls(geometry, config, columns)
        fill(task, state)
        return task

    def training_batch(
        self, dataset: SplittingDataset, chosen: NDArray[np.int64], step: int
    ) -> Batch:
        """Everything now and then; in between the totals alone, which take many small steps."""
        rng, whole = _drawing(np.append(chosen, step)), step % self.config.full_step_every == 0
        return self._batch(dataset, chosen, rng) if whole else self._totals(dataset, rng)

    def batch(self, dataset: SplittingDataset, chosen: NDArray[np.int64]) -> Batch:
        """Totals of some events, and of every stage some nodes: contexts, conditions, outcomes."""
        return self._batch(dataset, chosen, _drawing(chosen))

    def _totals(self, dataset: SplittingDataset, rng: np.random.Generator) -> Batch:
        """Normal totals, labels and weights of events drawn from all, and no stages."""
        drawn = rng.integers(
            len(dataset), size=min(self.config.features_per_step, 4 * len(dataset))
        )
        label = torch.from_numpy(dataset.label[drawn, None])
        weight = as_tensor(None if dataset.weight is None else dataset.weight[drawn])
        return torch.from_numpy(self._mirrored(dataset.normal[drawn], rng)[0]), label, [], weight

    def _batch(
        self, dataset: SplittingDataset, chosen: NDArray[np.int64], rng: np.random.Generator
    ) -> Batch:
        """Totals, and of every stage some nodes of the ``chosen`` events.

        Images are turned over along eta and phi at random: neither the beams nor the solenoid
        tell left from right.
        """
        flow, label, _, weight = self._totals(dataset, rng)
        normal, flips = self._mirrored(dataset.normal[chosen], rng)
        hits = Hits.of(dataset.events, self.on_host("threshold").numpy(), chosen).mirrored(*flips)
        conditions = np.column_stack([normal, dataset.label[chosen]])
        unit, stages = self.on_host("unit").numpy(), []
        level = min(self.config.merged_level, self.partition.towers)
        merged = hits.merged(self.partition, level)
        for stage in range(self.partition.stages):
            rows = self.config.nodes if stage < self.partition.towers else self.config.nodes // 2
            needed = -(-rows // min(2**stage, self.config.active_nodes))
            stride = max(len(chosen) // needed, 1)
            some = np.arange(stage % stride, len(chosen), stride)
            mine = merged if stage < level else hits
            arrays = conditions[some], *split_targets(self.partition, stage, mine.some(some), unit)
            of_nodes = None if dataset.weight is None else dataset.weight[chosen[some]][arrays[1]]
            stages.append((*(torch.from_numpy(x) for x in arrays), as_tensor(of_nodes)))
        return flow, label, stages, weight

    def _mirrored(
        self, normal: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Normal totals of images mirrored at random, and ``(2, n)`` which are, in eta and phi."""
        flips = rng.random((2, len(normal))) < 0.5
        for flip, factors in zip(flips, self.mirror_signs, strict=True):
            normal = np.where(flip[:, None], normal * factors, normal)
        return normal, flips

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow-matching loss; of a whole batch also a node's mean -log p, averaged over stages."""
        normal, label, stages, weight = batch
        flow = matching_loss(lambda x, t: self.flow(x, t, label), normal, generator, weight=weight)
        if not stages:
            return {"loss": flow, "flow": flow.detach()}
        losses = {
            f"stage_{i}": split_loss(network, self.unit, *rows)
            for i, (network, rows) in enumerate(zip(self.cuts, stages, strict=True))
            if len(rows[1])
        }
        cascade = torch.stack(list(losses.values())).mean()
        return {
            "loss": flow + cascade,
            "flow": flow.detach(),
            "cascade": cascade.detach(),
            **{name: x.detach() for name, x in losses.items()},
        }

    @torch.no_grad()
    def proposed(
        self, request: Request, n: int, rng: np.random.Generator, steps: int | None = None
    ) -> Events:
        """``n`` events as the networks make them: totals, then the cascade."""
        normal, label = sample_global_features(self, request, n, rng, steps)
        return sample_hits(self, normal, label, random_numbers(rng))

    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th group of events, selected where the model has learned to."""
        rng, selection = streams.rng(streams.Stream.SAMPLE, seed, chunk), self.selection
        if selection is None or not request.reject:
            return self.proposed(request, self.chunk, rng, steps)
        return selected(
            lambda n: self.proposed(request, n, rng, steps),
            lambda events: selection.keep(features(events), rng),
            self.chunk,
            float(selection.efficiency),
        )

    def graphs(self) -> list[Graph]:
        """Noise to totals, totals to the window, one graph a cut, and the hits."""
        return splitting_graphs(self)

    @property
    def postprocessing_events(self) -> int:
        """Twice as many training events as generated ones, from which it learns to select."""
        return max(2 * self.config.select, self.config.feature_rejection.events)

    def fit_postprocessing(self, train: Events, *, quiet: bool) -> None:
        """Learn which totals to use, what to ask for, and which of the made events to keep."""
        fit_rejection(self, weighting.unweighted(train), quiet=quiet)


def _drawing(numbers: NDArray[np.int64]) -> np.random.Generator:
    """Random numbers of a batch; NumPy reads its seed much faster in 32 bits, and the same."""
    return streams.rng(streams.Stream.CUTS, numbers.astype(np.uint32))


#: settings of both generators
_BOTH = {
    "batch": 256,
    "learning_rate": 0.002,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "ema": 0.999,
    "epochs": 200,
    "validate_every": 1000,
    "flow": 256,
}
PRESETS = {
    ("jet-generator", "cascade"): Preset(
        CascadeTask,
        CascadeConfig,
        "Ours: a flow draws global features of a jet (hits and energy of every channel, mass, "
        "pT); then the window is halved again and again, and small networks share hits and "
        "energy between the halves, given what the jet's shape still lacks. In the end a network "
        "that tells generated from true jets rejects jets by the ratio of true to generated "
        "density.",
        {
            **_BOTH,
            "select": 40000,
        },
    ),
    ("jet-generator", "cascade-fast"): Preset(
        CascadeTask,
        CascadeConfig,
        "The same with small networks, a straightened flow, and no jet rejected: several times "
        "faster.",
        {
            **_BOTH,
            "width": 64,
            "head": 32,
            "steps": 2,
            "straight": 6000,
        },
    ),
}
