"""Our generator for any set of jet images: its hits, one after another.

A jet's numbers come first, then towers, tracks and seeds of the fine calorimeter by a causal
transformer, then what is read out around seeds. Rules of the read-out are found from the set and
kept by construction; nothing of a detector is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.models.generators.base import Request
from calovision.models.generators.hits.companions import EMPTY, CompanionLaw, Surroundings
from calovision.models.generators.hits.export import hit_graphs
from calovision.models.generators.hits.network import ObjectLaw
from calovision.models.generators.hits.numbers import WINDOW, JetNumbers, numbers_of
from calovision.models.generators.hits.object_images import Object
from calovision.models.generators.hits.read_out import ReadOut, read_out_of
from calovision.models.generators.hits.sampling import generated_jets
from calovision.models.generators.hits.tokens import (
    KINDS,
    SEEDS,
    TOWERS,
    TRACKS,
    HitsDataset,
    grouped,
    layers_of,
    objects_of,
)
from calovision.models.generators.sequences import COLUMNS, PRESET, SequenceConfig, SequenceTask
from calovision.models.preset import Preset
from calovision.networks.sequence_transformer import half_precision
from calovision.training.onnx_graph import Graph
from calovision.training.settings import WIDEST
from calovision.training.task import Batch
from calovision.training.weights import fill, tensor_of
from calovision.utils import streams


class HitsConfig(SequenceConfig):
    """Settings of the generator of hits.

    Attributes:
        companion_width: of the hidden layers of the network of companions.
        pixels: of a jet, in which it learns companions, in a step.
    """

    companion_width: Annotated[int, Field(ge=8, le=WIDEST)] = 96
    pixels: int = Field(64, ge=1)


class HitsTask(SequenceTask):
    """Training and use of the generator of hits."""

    chunk: ClassVar[int] = 1000

    thresholds: Tensor
    learned: Tensor

    def __init__(self, geometry: Geometry, config: HitsConfig, columns: tuple[str, ...]) -> None:
        super().__init__(geometry, columns)
        self.config = config
        self.layers, self.grid = layers_of(geometry)
        self.jets = JetNumbers(columns, config.jet_width, config.jet_components)
        shown = self.jets.size + 1
        self.objects = ObjectLaw(
            self.grid,
            shown,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            components=config.components,
        )
        self.companions = CompanionLaw(self.grid, shown, config.companion_width, config.components)
        self.register_buffer("thresholds", torch.zeros(KINDS, 2))
        self.register_buffer("learned", torch.tensor([name in columns for name in COLUMNS]))

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Refuse images of other channels than a tracker and two calorimeters."""
        layers_of(geometry)

    @classmethod
    def from_events(cls, config: HitsConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task that knows the read-out and the numbers of the training jets."""
        columns = tuple(name for name in COLUMNS if name in train.columns)
        task = cls(geometry, config, columns)
        law = read_out_of(train, task.layers.seeds)
        task.thresholds.copy_(torch.from_numpy(law.thresholds))
        task.companions.seed.fill_(law.seed)
        task.companions.reach.fill_(law.reach)
        data = task.dataset(train[:_FITTED].load())
        task.jets.fit(torch.from_numpy(data.numbers))
        kind = np.repeat(np.tile(np.arange(KINDS), len(data)), data.objects.counts.ravel())
        seeds = data.objects.strength[kind == SEEDS]
        task.objects.lowest[SEEDS] = float(seeds.min(initial=law.seed))
        often = np.ones((KINDS, task.grid.towers), np.float32)
        np.add.at(often, (kind, data.objects.tower), 1)
        task.objects.often.data.copy_(torch.from_numpy(np.log(often)))
        task.look_at(train)
        return task

    @classmethod
    def from_state(
        cls, config: HitsConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        learned = tensor_of(state, "learned", 1).tolist()
        columns = tuple(n for n, there in zip(COLUMNS, learned, strict=True) if there)
        task = cls(geometry, config, columns)
        fill(task, state)
        return task

    @property
    def read_out(self) -> ReadOut:
        """The rules of the read-out."""
        seed, reach = float(self.companions.seed), int(self.companions.reach)
        thresholds = np.asarray(self.on_host("thresholds").numpy(), np.float64)
        return ReadOut(self.geometry, thresholds, seed, reach)

    def dataset(self, events: Events) -> HitsDataset:
        """Objects and numbers of jets."""
        found = objects_of(events, self.read_out)
        label = class_labels(events).astype(np.float32)
        starts = offsets_of(found.companions)
        numbers = numbers_of(events, found, self.jets.columns)
        return HitsDataset(found, starts, label, numbers, self.event_weights(events))

    def batch(self, dataset: HitsDataset, chosen: NDArray[np.int64]) -> Batch:
        """Jets as they are; see :meth:`training_batch`."""
        spread = np.full((len(chosen), 1 + KINDS), 0.5)
        turned = np.zeros(len(chosen), np.bool_)
        return grouped(dataset, self.grid, self.config.groups, chosen, turned, spread)

    def training_batch(self, dataset: HitsDataset, chosen: NDArray[np.int64], step: int) -> Batch:
        """Jets, turned over in phi at random."""
        drawn = np.append(chosen, step).astype(np.uint32)
        rng = streams.rng(streams.Stream.HITS, drawn)
        turned = rng.random(len(chosen)) < 0.5
        spread = rng.random((len(chosen), 1 + KINDS))
        return grouped(dataset, self.grid, self.config.groups, chosen, turned, spread)

    def eta(self, numbers: Tensor) -> Tensor:
        """``(n, rows)`` distance of rows of pixels from eta 0."""
        row = torch.arange(self.grid.sides[0], device=numbers.device)
        middle = (numbers[:, WINDOW, None] + 0.5) * self.grid.block
        return (row - (self.grid.sides[0] - 1) / 2 + middle).abs() * self.geometry.pitch[0]

    def surroundings(self, found: Object, mask: Tensor) -> Surroundings:
        """Images of the objects of jets, companions to come."""
        n, device = len(mask), mask.device
        owner = mask.nonzero()[:, 0]
        found = Object(*(v[mask] for v in found))
        rows, cols = self.grid.sides
        b = self.grid.block
        row = found.tower // self.grid.cols * b + found.pixel // b
        col = found.tower % self.grid.cols * b + found.pixel % b
        images = torch.full((3, n, rows, cols), EMPTY, device=device)
        towers = torch.full((n, self.grid.towers), EMPTY, device=device)
        for number, kind in ((0, SEEDS), (2, TRACKS)):
            mine = (found.kind == kind).nonzero()[:, 0]
            images[number, owner[mine], row[mine], col[mine]] = found.strength[mine]
        mine = (found.kind == TOWERS).nonzero()[:, 0]
        towers[owner[mine], found.tower[mine]] = found.strength[mine]
        towers = towers.view(n, self.grid.rows, self.grid.cols)
        return Surroundings(images[0], images[1], images[2], towers)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """-log p in nats: of a jet's numbers, of an object, and of a pixel near a seed."""
        (groups,) = batch
        sums: dict[str, list[Tensor]] = {name: [] for name in _PARTS}
        sizes = dict.fromkeys(_PARTS, 0)
        for label, numbers, spread, mask, *rest, weight in groups:
            kind, tower, pixel, strength, owner, cell, weak = rest
            found = Object(kind, tower, pixel, strength)
            shown = self.jets.shown(label, numbers)
            with half_precision(mask.device, self.config.bfloat16):
                of_objects = self.objects.log_prob(shown, numbers, found, mask)
            around = self.surroundings(found, mask)
            cols = self.grid.sides[1]
            around.companions[owner, cell // cols, cell % cols] = weak
            at = self._some(around.seeds, generator)
            with half_precision(mask.device, self.config.bfloat16):
                of_pixels = self.companions.log_prob(around, shown, self.eta(numbers), at)
            of_jets = self.jets.log_prob(label, numbers, spread)
            mine = mask.nonzero()[:, 0]
            fine, lit = (kind != TOWERS)[mask], around.companions[at.unbind(1)] > EMPTY
            owners = (slice(None), mine, mine, mine[fine], at[:, 0], at[lit, 0])
            weight = torch.ones_like(label) if weight is None else weight
            counted = (len(label), *[len(mine)] * 3, *[len(at)] * 2)
            values = (of_jets, *of_objects, *of_pixels)
            for name, value, of, number in zip(_PARTS, values, owners, counted, strict=True):
                sums[name].append((value * weight[of]).sum())
                sizes[name] += number
        parts = {k: -torch.stack(v).sum() / max(sizes[k], 1) for k, v in sums.items()}
        loss = torch.stack(list(parts.values())).sum()
        return {"loss": loss, **{k: v.detach() for k, v in parts.items()}}

    def _some(self, seeds: Tensor, generator: torch.Generator) -> Tensor:
        """``(m, 3)`` jet, row and column of some pixels in which companions can be."""
        at = self.companions.candidates(seeds).nonzero()
        drawn = torch.rand(len(at), generator=generator, device=generator.device).to(at.device)
        return at[drawn * len(at) < self.config.pixels * len(seeds)]

    def jets_of(self, request: Request, chunk: int, seed: int) -> Events:
        """The ``chunk``-th group of jets that meet a request."""
        return generated_jets(self, request, seed, chunk)

    def graphs(self) -> list[Graph]:
        """Uniform numbers to a jet, a jet and its objects so far to the next one, and pixels."""
        return hit_graphs(self)


_FITTED = 20_000  #: jets that the numbers of jets are scaled by
_PARTS = ("jets", "strength", "tower", "pixel", "companions", "energies")

_ABOUT = (
    "Ours, for any set of jet images: a causal transformer draws towers, tracks and seeds of the "
    "fine calorimeter one after another, a local network what is read out around seeds; rules of "
    "the read-out are found from the set and kept by construction."
)
_SETTINGS = {**PRESET, "epochs": 20}
PRESETS = {
    ("jet-generator", "hits"): Preset(HitsTask, HitsConfig, _ABOUT, _SETTINGS),
    ("jet-generator", "hits-small"): Preset(
        HitsTask,
        HitsConfig,
        "The same, with smaller networks and faster: a causal transformer of hits of any images.",
        _SETTINGS | {"width": 48, "layers": 2, "companion_width": 48, "jet_width": 64},
    ),
}
