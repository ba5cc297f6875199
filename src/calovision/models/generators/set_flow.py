"""A generator of hits as a set of points, by flow matching: the peer that one would try first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.errors import InputError
from calovision.events.batching import padded
from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.models.generators.base import GeneratorTask, Request, energies_only
from calovision.models.generators.sequences import PRESET
from calovision.models.preset import Preset
from calovision.networks.sequence_transformer import half_precision
from calovision.networks.set_transformer import PLACE, HitVelocity
from calovision.training.onnx_graph import Arrays, Graph, numpy_of
from calovision.training.settings import WIDEST, Training
from calovision.training.task import Batch
from calovision.training.weights import fill, tensor_of
from calovision.utils import streams

_COUNTED = 20_000  #: training events whose numbers of hits are drawn from


class SetFlowConfig(Training):
    """Settings of the set transformer of hits.

    Attributes:
        width: hidden numbers of a hit.
        layers: of the transformer.
        heads: of its attention.
        induced: learned points of each layer, which gather from all hits and give back to all.
        groups: parts of a batch, in the order of their numbers of hits, each padded by itself.
        steps: of the solver, two evaluations of the network each, if a request asks for none.
        bfloat16: matrix products in half precision where the device is faster at it.
    """

    width: Annotated[int, Field(ge=8, le=WIDEST)] = 128
    layers: int = Field(3, ge=1, le=100)
    heads: int = Field(4, ge=1, le=64)
    induced: int = Field(32, ge=1, le=1024)
    groups: int = Field(4, ge=1)
    steps: int = Field(16, ge=1, le=1000)
    bfloat16: bool = True


class SetFlowTask(GeneratorTask):
    """Hits as points ``(row, column, log energy)``, moved from noise to data (arXiv:2210.02747).

    How many hits a channel has is drawn from training events of the class. A place is made
    continuous by a uniform number in its cell; hits that end in one cell are added up, and an
    energy below the least of its channel in training is raised to it. No other rule of a read-out
    is known, which is what judges then see.
    """

    chunk: ClassVar[int] = 100

    mean: Tensor
    spread: Tensor
    least: Tensor
    counts: Tensor

    def __init__(self, geometry: Geometry, config: SetFlowConfig, counted: int) -> None:
        super().__init__(geometry)
        channels = len(geometry.channels)
        self.config = config
        self.velocity = HitVelocity(
            channels,
            width=config.width,
            layers=config.layers,
            heads=config.heads,
            induced=config.induced,
        )
        self.register_buffer("mean", torch.zeros(channels, PLACE))
        self.register_buffer("spread", torch.ones(channels, PLACE))
        self.register_buffer("least", torch.zeros(channels))
        self.register_buffer("counts", torch.zeros(counted, 1 + channels, dtype=torch.int32))

    @classmethod
    def check_supported(cls, geometry: Geometry) -> None:
        """Refuse cylinders, and channels with negative values."""
        energies_only(geometry)
        if geometry.schema == "showers":
            raise InputError("this generator makes no cylinders", "give images of square pixels")

    @classmethod
    def from_events(cls, config: SetFlowConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task that knows spreads and numbers of hits of the training events."""
        some = train[:_COUNTED].load()
        task = cls(geometry, config, len(some))
        points = np.concatenate([task._cells(some), np.log(some.energy)[:, None]], 1)
        for c in range(len(geometry.channels)):
            if not (mine := some.channel == c).any():
                continue
            task.mean[c] = torch.from_numpy(points[mine].mean(0))
            task.spread[c] = torch.from_numpy(points[mine].std(0).clip(0.01))
            task.least[c] = float(points[mine, 2].min())
        known = np.concatenate([class_labels(some)[:, None], some.counts()], 1)
        task.counts.copy_(torch.from_numpy(known))
        return task

    @classmethod
    def from_state(
        cls, config: SetFlowConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and statistics of ``state``."""
        task = cls(geometry, config, len(tensor_of(state, "counts", 2)))
        fill(task, state)
        return task

    def _cells(self, events: Events) -> NDArray[np.float64]:
        """``(hits, 2)`` rows and columns of the middles of cells, pixels."""
        return np.stack(np.divmod(events.cell.astype(np.float64), self.geometry.cols), 1)

    def dataset(self, events: Events) -> Events:
        """Plain events; batches are made of them."""
        return events

    def batch(self, dataset: Events, chosen: NDArray[np.int64]) -> Batch:
        """Groups of events: points ``(n, h, 3)``, channels, cell sizes, classes and weights."""
        events = dataset[chosen].load()
        order, groups = np.argsort(events.n_hits, kind="stable"), []
        blocks = torch.tensor([channel.block for channel in self.geometry.channels], device="cpu")
        for part in np.array_split(order, min(self.config.groups, len(order))):
            some = events[part]
            table = padded(some, max(int(some.n_hits.max(initial=0)), 1), "cell")
            row, col = table.cell // self.geometry.cols, table.cell % self.geometry.cols
            log_energy = torch.where(table.mask, table.energy.log(), 0.0)
            points = torch.stack([row, col, log_energy], -1).float()
            channel = torch.where(table.mask, table.channel, -1)
            label = torch.from_numpy(class_labels(some).astype(np.float32))
            weight = self.event_weights(some)
            weight = np.ones(len(some), np.float32) if weight is None else weight
            size = blocks[table.channel]
            groups.append((points, channel, size, label, torch.from_numpy(weight)))
        return (groups,)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared difference to the velocity of straight paths, over hits of events."""
        (groups,) = batch
        total, events = torch.zeros((), device=self.device), 0
        for points, channel, size, label, weight in groups:
            n, device = len(points), points.device

            def drawn(*shape: int, at: torch.device = device) -> Tensor:
                return torch.rand(*shape, generator=generator, device=at)

            mask, known = channel >= 0, channel.clamp(min=0)
            within = (drawn(*points.shape[:2], 2) - 0.5) * size[..., None]
            spots = torch.cat([points[..., :2] + within, points[..., 2:]], -1)
            data = (spots - self.mean[known]) / self.spread[known]
            noise = torch.randn(points.shape, generator=generator, device=device)
            # One time a stratum: the same spread in every group.
            time = (torch.arange(n, device=device) + drawn(n)) / n
            time = time[torch.argsort(drawn(n))]
            between = torch.lerp(noise, data, time[:, None, None])
            found = self._velocity(between, channel, label, time)
            wrong = ((found - (data - noise)) ** 2).mean(-1) * mask
            total = total + (wrong.sum(1) / mask.sum(1).clamp(min=1) * weight).sum()
            events += n
        return {"loss": total / max(events, 1)}

    def _velocity(self, points: Tensor, channel: Tensor, label: Tensor, time: Tensor) -> Tensor:
        with half_precision(points.device, self.config.bfloat16):
            found: Tensor = self.velocity(points, channel, label, time)
        return found.float()

    def labels(self) -> tuple[int, ...]:
        """Classes of the training events."""
        return tuple(np.unique(self.on_host("counts").numpy()[:, 0]).tolist())

    @torch.no_grad()
    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th hundred events, in so many steps of Heun's method.

        Raises:
            InputError: the request is for no events that it can make.
        """
        device = self.device
        random = streams.torch_rng(streams.Stream.SAMPLE, seed, chunk, device=device)
        known = self.counts
        if request.label is not None:
            known = known[known[:, 0] == request.label]
        chosen = torch.randint(len(known), (self.chunk,), generator=random, device=device)
        label, counts = known[chosen, 0].float(), known[chosen, 1:].long()
        place = torch.arange(max(int(counts.sum(1).max()), 1), device=device)
        channel = (place[:, None] >= counts.cumsum(1)[:, None]).sum(-1)
        channel = torch.where(place < counts.sum(1)[:, None], channel, -1)
        points = torch.randn(*channel.shape, PLACE, generator=random, device=device)
        number = self.config.steps if steps is None else steps
        for i in range(number):
            now = torch.full_like(label, i / number)
            here = self._velocity(points, channel, label, now)
            guess = points + here / number
            there = self._velocity(guess, channel, label, now + 1 / number)
            points = points + (here + there) / (2 * number)
        at = channel.clamp(min=0)
        points = points * self.spread[at] + self.mean[at]
        return self._events(points, channel, label)

    def _events(self, points: Tensor, channel: Tensor, label: Tensor) -> Events:
        """Events of points in pixels and log GeV; those outside the image are left out."""
        real = channel >= 0
        owner = real.nonzero()[:, 0].cpu().numpy()
        code = channel[real].cpu().numpy()
        row, col, log_energy = points[real].double().cpu().numpy().T
        block = np.array([c.block for c in self.geometry.channels])[code]
        row, col = (np.floor((np.round(x) + 0.5) / block) * block + block // 2 for x in (row, col))
        inside = (row >= 0) & (row < self.geometry.rows) & (col >= 0) & (col < self.geometry.cols)
        cell = (row * self.geometry.cols + col)[inside].astype(np.int64)
        owner, code, log_energy = owner[inside], code[inside], log_energy[inside]
        energy = np.exp(np.maximum(log_energy, np.asarray(self.on_host("least").numpy())[code]))
        # One number says event, channel and cell; hits of one cell are added up.
        cells, channels = self.geometry.rows * self.geometry.cols, len(self.geometry.channels)
        key, place = np.unique((owner * channels + code) * cells + cell, return_inverse=True)
        summed = np.bincount(place, energy, len(key))
        owner, rest = np.divmod(key, channels * cells)
        code, cell = np.divmod(rest, cells)
        unit = np.array([c.gev_per_unit * c.block**2 for c in self.geometry.channels])
        return Events(
            self.geometry,
            offsets_of(np.bincount(owner, minlength=len(label))),
            cell.astype(np.uint16),
            code.astype(np.uint8),
            (summed / unit[code]).astype(np.float32),
            {"label": label.cpu().numpy().astype(np.int64)},
        )

    def graphs(self) -> list[Graph]:
        """The velocities of hits."""
        return [_graph(self)]


def _graph(task: SetFlowTask) -> Graph:
    inputs = {
        "points": "float32 (events, hits, 3): row and column (pixels) and log(energy / GeV), less "
        "the mean, over the spread of the channel; standard normal numbers to begin with",
        "channel": "int64 (events, hits): number of the channel as listed; -1 for padding",
        "label": "float32 (events): class",
        "time": "float32 (events): 0 to begin with, 1 at the end",
    }
    outputs = {"velocity": "float32 (events, hits, 3): change of the points over time"}

    def prepared(events: Events) -> Arrays:
        table = padded(events, max(int(events.n_hits.max(initial=0)), 1), "cell")
        channel = torch.where(table.mask, table.channel, -1)
        random = streams.torch_rng(streams.Stream.TRIAL_POINTS, len(events))
        points = torch.randn(*channel.shape, PLACE, generator=random, device="cpu")
        label = (torch.arange(len(events), device="cpu") % 2).float()
        return numpy_of(inputs, (points, channel, label, label / 2 + 0.3))

    def expected(events: Events) -> Arrays:
        given = [torch.from_numpy(x).to(task.device) for x in prepared(events).values()]
        with torch.no_grad():
            return numpy_of(outputs, (task.velocity(*given),))

    scales = (", ".join(f"{x:.6g}" for x in v.flatten().tolist()) for v in (task.mean, task.spread))
    means, spreads = scales
    free: dict[str, tuple[str, ...]] = dict.fromkeys(inputs, ("events",))
    free |= dict.fromkeys(("points", "channel"), ("events", "hits"))
    return Graph(
        "",
        task.velocity,
        inputs,
        outputs,
        free,
        prepared,
        expected,
        "Follow the velocities from time 0 to 1, for example by Heun's method. Row, column and "
        f"log-energy of every channel have the means {means} and the spreads {spreads}.",
    )


PRESETS = {
    ("jet-generator", "set-flow"): Preset(
        SetFlowTask,
        SetFlowConfig,
        "A peer for any set of images: hits as a set of points, moved from noise to data by flow "
        "matching (arXiv:2210.02747) with a set transformer (arXiv:1810.00825).",
        PRESET | {"batch": 128, "epochs": 20},
    ),
}
