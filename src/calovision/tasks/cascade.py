"""Our generator: totals of a jet by a flow, then a cascade that shares them among ever finer cells.

The window is halved again and again (:mod:`calovision.tasks.partition`). Every cut decides how
many of a node's hits, and how much of its energy, lie in either half, given what surrounds the
node. Counts and energies are conserved by each cut, no cell gets two hits, and the cost grows with
the number of hits, not of cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision import streams
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.networks.splitter import Splitter
from calovision.networks.velocity import Velocity
from calovision.tasks.cut_loss import cut_loss
from calovision.tasks.cuts import Cut
from calovision.tasks.flow import matching_loss
from calovision.tasks.generator import GeneratorTask
from calovision.tasks.growth import drawn_totals, fresh_numbers, grown
from calovision.tasks.known_cuts import known_cuts
from calovision.tasks.layout import Layout
from calovision.tasks.likeness_features import features, width
from calovision.tasks.partition import Partition
from calovision.tasks.pyramid_hits import Hits
from calovision.tasks.request import Request
from calovision.tasks.selection import Selection, selected
from calovision.tasks.settings import CascadeConfig
from calovision.tasks.settling import TOTALS, learn_to_select
from calovision.tasks.task import Batch, as_tensor
from calovision.tasks.totals import BY_ENERGY, COLUMNS, GRID, Quantiles, learned, totals, turned
from calovision.tasks.weights import fill, tensor_of

FLOW_ROWS = 1024  #: events whose totals are learned in a step
TURNS = 5  #: of so many training steps one is for all, the others, much cheaper, for the flow
NODES = 2048  #: nodes of each stage learned in a step, about; half of it inside towers
MERGED = 6  #: level whose nodes stand for hits at earlier stages, which look at many events
MOST_NODES = 128  #: nodes with hits that a jet has at late stages, about


@dataclass(frozen=True)
class View:
    """Events, their channels sorted as in the task's layout, and their totals as normal numbers."""

    events: Events
    normal: NDArray[np.float32]
    label: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.events)


class CascadeTask(GeneratorTask):
    """The flow of totals and the networks of all cuts.

    They can be trained on a GPU. Events are made by code compiled for the CPU, so what is trained
    works there.

    Args:
        geometry: of the images: square windows, any number of channels in any order.
        config: widths.
        columns: per-event columns that are learned.

    Raises:
        InputError: images that it cannot make, see :meth:`~calovision.tasks.layout.Layout.of`.
    """

    partial: ClassVar[bool] = True
    doubles: ClassVar[bool] = True
    on_gpu: ClassVar[bool] = False

    threshold: Tensor
    unit: Tensor
    knots: Tensor
    has: Tensor
    share: Tensor
    leads: Tensor

    def __init__(self, geometry: Geometry, config: CascadeConfig, columns: tuple[str, ...]) -> None:
        super().__init__(geometry)
        self.config, self.columns = config, columns
        self.layout = Layout.of(geometry)
        self.partition = Partition(self.layout.inner)
        channels = len(geometry.channels)
        self.turned = turned(len(columns), channels)
        size = self.turned.shape[1]
        self.flow = Velocity(size=size, conditions=1, width=config.flow)
        self.cuts = nn.ModuleList()
        for stage in range(self.partition.stages):
            cut = Cut.of(self.partition, stage)
            self.cuts.append(
                Splitter(
                    inputs=cut.inputs,
                    conditions=size + 1,
                    channels=cut.channels,
                    width=config.width,
                    head=config.head,
                )
            )
        self.totals_selection: Selection | None = Selection(size + 1)
        self.selection = Selection(width(len(columns), channels)) if config.select else None
        self.register_buffer("threshold", torch.zeros(channels))
        self.register_buffer("unit", torch.ones(channels))
        self.register_buffer("knots", torch.zeros(size, len(GRID), dtype=torch.float64))
        self.register_buffer("has", torch.tensor([c in columns for c in COLUMNS]))
        self.register_buffer("share", torch.tensor(0.5))
        self.register_buffer("leads", torch.zeros(channels, BY_ENERGY, dtype=torch.float64))

    @classmethod
    def suits(cls, geometry: Geometry) -> None:
        """Refuse images that cannot be halved, see :meth:`~calovision.tasks.layout.Layout.of`."""
        Layout.of(geometry)

    @classmethod
    def fresh(cls, config: CascadeConfig, geometry: Geometry, train: Events) -> Self:
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
        odd = np.asarray((task.turned < 0).any(0))
        task.knots.copy_(torch.from_numpy(Quantiles.of(table, odd).knots))
        if "label" in train.columns:
            class_labels(train)
        task.share.fill_(float(np.average(_labels(train), weights=weighting.of(train))))
        return task

    @classmethod
    def restored(
        cls, config: CascadeConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        known = zip(COLUMNS, tensor_of(state, "has", 1), strict=False)
        columns = tuple(c for c, has in known if has)
        task = cls(geometry, config, columns)
        fill(task, state)
        return task

    @property
    def quantiles(self) -> Quantiles:
        """Between totals and normal numbers."""
        return Quantiles(self.on_host("knots").numpy())

    def known(self) -> dict[str, tuple[float, float]]:
        """Range of every learned column in the training events, GeV."""
        rows = self.knots[: len(self.columns), [0, -1]].tolist()
        return {name: (low, high) for name, (low, high) in zip(self.columns, rows, strict=True)}

    def labels(self) -> tuple[int, ...]:
        """Labels of the training events; those without labels count as 0."""
        share = float(self.share)
        return tuple(label for label, there in ((0, share < 1), (1, share > 0)) if there)

    def view(self, events: Events) -> View:
        """Events with their totals."""
        events = self.layout.sorted(events)
        rng = streams.rng(streams.Stream.VIEW, self.config.seed)
        normal = self.quantiles.normal(totals(events, self.on_host("threshold").numpy(), rng))
        return View(events, normal.astype(np.float32), _labels(events), self.weights(events))

    def training_batch(self, view: View, chosen: NDArray[np.int64], step: int) -> Batch:
        """Everything now and then; in between the totals alone, which take many small steps."""
        rng = _drawing(np.append(chosen, step))
        return self._batch(view, chosen, rng) if step % TURNS == 0 else self._totals(view, rng)

    def batch(self, view: View, chosen: NDArray[np.int64]) -> Batch:
        """Totals of some events, and of every stage some nodes: contexts, conditions, outcomes."""
        return self._batch(view, chosen, _drawing(chosen))

    def _totals(self, view: View, rng: np.random.Generator) -> Batch:
        """Normal totals, labels and weights of events drawn from all, and no stages."""
        drawn = rng.integers(len(view), size=min(FLOW_ROWS, 4 * len(view)))
        label = torch.from_numpy(view.label[drawn, None])
        weight = as_tensor(None if view.weight is None else view.weight[drawn])
        return torch.from_numpy(self._mirrored(view.normal[drawn], rng)[0]), label, [], weight

    def _batch(self, view: View, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        """Totals, and of every stage some nodes of the ``chosen`` events.

        Images are turned over along eta and phi at random: neither the beams nor the solenoid
        tell left from right.
        """
        flow, label, _, weight = self._totals(view, rng)
        normal, flips = self._mirrored(view.normal[chosen], rng)
        hits = Hits.of(view.events, self.on_host("threshold").numpy(), chosen).mirrored(*flips)
        conditions = np.column_stack([normal, view.label[chosen]])
        unit, stages = self.on_host("unit").numpy(), []
        level = min(MERGED, self.partition.towers)
        merged = hits.merged(self.partition, level)
        for stage in range(self.partition.stages):
            rows = NODES if stage < self.partition.towers else NODES // 2
            needed = -(-rows // min(2**stage, MOST_NODES))
            stride = max(len(chosen) // needed, 1)
            some = np.arange(stage % stride, len(chosen), stride)
            mine = merged if stage < level else hits
            arrays = conditions[some], *known_cuts(self.partition, stage, mine.some(some), unit)
            of_nodes = None if view.weight is None else view.weight[chosen[some]][arrays[1]]
            stages.append((*(torch.from_numpy(x) for x in arrays), as_tensor(of_nodes)))
        return flow, label, stages, weight

    def _mirrored(
        self, normal: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Normal totals of images mirrored at random, and ``(2, n)`` which are, in eta and phi."""
        flips = rng.random((2, len(normal))) < 0.5
        for flip, factors in zip(flips, self.turned, strict=True):
            normal = np.where(flip[:, None], normal * factors, normal)
        return normal, flips

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Flow-matching loss; of a whole batch also a node's mean -log p, averaged over stages."""
        normal, label, stages, weight = batch
        flow = matching_loss(lambda x, t: self.flow(x, t, label), normal, generator, weight=weight)
        if not stages:
            return {"loss": flow, "flow": flow.detach()}
        losses = {
            f"stage_{i}": cut_loss(network, self.unit, *rows)
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
        normal, label = drawn_totals(self, request, n, rng, steps)
        return grown(self, normal, label, fresh_numbers(rng))

    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th group of events, selected where the model has learned to."""
        rng, selection = streams.rng(streams.Stream.SAMPLE, seed, chunk), self.selection
        if selection is None:
            return self.proposed(request, self.chunk, rng, steps)
        return selected(
            lambda n: self.proposed(request, n, rng, steps),
            lambda events: selection.keep(features(events), rng),
            self.chunk,
            float(selection.efficiency),
        )

    def keep_all(self) -> None:
        """From now on, do not select among the events that are made."""
        self.selection = None

    @property
    def settling(self) -> int:
        """Twice as many training events as generated ones, from which it learns to select."""
        return max(2 * self.config.select, TOTALS)

    def settle(self, train: Events, *, quiet: bool) -> None:
        """Learn which totals to use, what to ask for, and which of the made events to keep."""
        learn_to_select(self, weighting.unweighted(train), quiet=quiet)


def _labels(events: Events) -> NDArray[np.float32]:
    """Labels as numbers, 0 for all events of a set without them."""
    label = events.columns.get("label", np.zeros(len(events)))
    return np.asarray(label, np.float32)


def _drawing(numbers: NDArray[np.int64]) -> np.random.Generator:
    """Random numbers of a batch; NumPy reads its seed much faster in 32 bits, and the same."""
    return streams.rng(streams.Stream.CUTS, numbers.astype(np.uint32))
