"""What generators share that draw the objects of a jet one after another by a transformer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.labels import class_labels
from calovision.models.generators.base import GeneratorTask, Request
from calovision.training.onnx_graph import Arrays, Graph, numpy_of
from calovision.training.settings import WIDEST, Training
from calovision.utils import streams

#: columns of a jet that are learned: truth, then what is reconstructed (GeV, and pseudorapidity)
COLUMNS = ("gen_pt", "gen_m0", "eta", "pt", "m0")
ETA = "eta"
_DRAWN = 2000  #: numbers of jets drawn at a time
_TIMES = 200  #: that often, before a range is said to be out of reach
_ROWS = 64  #: numbers of jets whose objects are drawn together are multiples of it
#: settings of all sizes
PRESET: dict[str, Any] = {
    "batch": 256,
    "learning_rate": 0.002,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup": 200,
    "ema": 0.999,
    "clip": 1.0,
    "validate_every": 400,
}
Tensors = tuple[Tensor, ...]


class SequenceConfig(Training):
    """Settings of generators of sequences.

    Attributes:
        width: hidden numbers of an object in the transformer.
        layers: of the transformer.
        heads: of its attention.
        components: of the mixtures that objects are drawn from; twice as many of directions.
        jet_width: of the hidden layers of the law of a jet's numbers.
        jet_components: of its mixtures.
        groups: parts of a batch, in the order of their numbers of objects, each padded by itself.
        bfloat16: matrix products in half precision where the device is faster at it.
    """

    width: Annotated[int, Field(ge=8, le=WIDEST)] = 128
    layers: int = Field(4, ge=1, le=100)
    heads: int = Field(4, ge=1, le=64)
    components: int = Field(6, ge=1, le=100)
    jet_width: Annotated[int, Field(ge=8, le=WIDEST)] = 128
    jet_components: int = Field(8, ge=1, le=100)
    groups: int = Field(4, ge=1)
    bfloat16: bool = True


class SequenceTask(GeneratorTask):
    """A generator that draws a jet's numbers, then its objects.

    Args:
        geometry: of the images.
        columns: of the events, that are the first numbers of a jet.
    """

    chunk: ClassVar[int] = 500

    jets: Any  #: law of a jet's numbers: ``sample(label, uniform)``
    share: Tensor
    seen: Tensor

    def __init__(self, geometry: Geometry, columns: tuple[str, ...]) -> None:
        super().__init__(geometry)
        self.columns = columns
        self.register_buffer("share", torch.tensor(0.5))
        self.register_buffer("seen", torch.zeros(len(columns), 2))

    def look_at(self, train: Events) -> None:
        """Find the share of quarks, and the range of the columns."""
        for i, name in enumerate(self.columns):
            column = np.asarray(train.columns[name], np.float64)
            self.seen[i] = torch.tensor([column.min(), column.max()], device=self.device)
        self.share.fill_(float(np.average(class_labels(train), weights=weighting.of(train))))

    def known(self) -> dict[str, tuple[float, float]]:
        """Range of the columns in training, GeV."""
        ranges = zip(self.columns, self.on_host("seen").tolist(), strict=True)
        return {name: (low, high) for name, (low, high) in ranges if name != ETA}

    def labels(self) -> tuple[int, ...]:
        """Labels of the training events."""
        share = float(self.on_host("share"))
        return (0,) if share == 0 else (1,) if share == 1 else (0, 1)

    def sample(self, request: Request, chunk: int, seed: int, steps: int | None) -> Events:
        """The ``chunk``-th group of jets.

        Raises:
            InputError: a number of steps, or a range that no jet comes into.
        """
        self.check_steps(steps)
        return self.jets_of(request, chunk, seed)

    def check_steps(self, steps: int | None) -> None:
        """Refuse steps of a solver, which there is not.

        Raises:
            InputError: a number of them.
        """
        if steps is not None:
            raise InputError("this generator takes no steps", "leave the number of steps out")

    @abstractmethod
    def jets_of(self, request: Request, chunk: int, seed: int) -> Events:
        """The ``chunk``-th group of jets that meet a request.

        Raises:
            InputError: no jet comes into the ranges.
        """

    @staticmethod
    def finished(numbers: Tensor) -> Tensor:
        """Numbers of jets as they are told, from those that their law draws."""
        return numbers

    @torch.no_grad()
    def asked(
        self, request: Request, n: int, size: int, counted: slice, random: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Classes ``(n,)``, numbers ``(n, size)`` and signs ``(n,)`` of eta of jets on request.

        Those of the numbers that are ``counted`` are numbers of objects: there is at least one.

        Raises:
            InputError: there are next to none.
        """
        found: list[Tensors] = []
        for _ in range(_TIMES):
            uniform = torch.rand(_DRAWN, size, 2, generator=random, device=self.device)
            one = torch.rand(_DRAWN, 2, generator=random, device=self.device)
            label = (one[:, 0] < self.share).float()
            if request.label is not None:
                label = torch.full_like(label, float(request.label))
            numbers = self.finished(self.jets.sample(label, uniform))
            inside = numbers[:, counted].sum(1) > 0
            for name, (low, high) in request.ranges.items():
                value = numbers[:, self.columns.index(name)]
                inside &= (value >= low) & (value <= high)
            side = torch.where(one[:, 1] < 0.5, -1.0, 1.0)
            found.append((label[inside], numbers[inside], side[inside]))
            if sum(len(part[0]) for part in found) >= n:
                label, numbers, side = (torch.cat(x)[:n] for x in zip(*found, strict=True))
                return label, numbers, side
        asked = ", ".join(f"{k} {low:g} to {high:g}" for k, (low, high) in request.ranges.items())
        raise InputError(f"next to no jet comes into {asked} GeV", "ask for a wider range")

    def trial_jets(self, n: int, size: int, stream: streams.Stream) -> tuple[Tensors, Tensors]:
        """Inputs and outputs of a graph of jets."""
        random = streams.torch_rng(stream, n, device=self.device)
        label = (torch.arange(n, device=self.device) % 2).float()
        uniform = torch.rand(n, size, 2, generator=random, device=self.device)
        with torch.no_grad():
            return (label, uniform), (self.finished(self.jets.sample(label, uniform)),)


def padded_groups(
    counts: NDArray[np.int64], chosen: NDArray[np.int64], number: int
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Chosen jets ``(n,)`` in some groups of about equal ``counts`` of objects, each padded alone.

    Yields:
        Places among the chosen ``(k,)``, the jets ``(k,)``, which objects there are
        ``(k, objects)``, and their rows, 0 where there is none.
    """
    offsets, order = offsets_of(counts), np.argsort(counts[chosen], kind="stable")
    for part in np.array_split(order, min(number, len(order))):
        jets = chosen[part]
        place = np.arange(max(int(counts[jets].max(initial=1)), 1))
        mask = place < counts[jets, None]
        yield part, jets, mask, np.where(mask, offsets[jets, None] + place, 0)


def padded(values: NDArray[Any], mask: NDArray[np.bool_], row: NDArray[Any]) -> NDArray[Any]:
    """Values of objects, of the groups above; 0 where there is none."""
    return np.where(mask, values[row], 0) if len(values) else np.zeros(mask.shape, values.dtype)


def rows_in_turn(counts: Tensor) -> list[int]:
    """How many of the jets, in descending order of objects, have one left at each place."""
    place = torch.arange(int(counts.max()) if len(counts) else 0, device=counts.device)
    active = (counts > place[:, None]).sum(1)
    # a processor prepares matrix products anew for every number of rows
    found: list[int] = (-(-active // _ROWS) * _ROWS).clamp(max=len(counts)).tolist()
    return found


class JetGraph(nn.Module):
    """Classes ``(n,)`` and uniform numbers ``(n, size, 2)`` to the numbers of jets."""

    def __init__(self, task: SequenceTask) -> None:
        super().__init__()
        self.jets, self.finished = task.jets, task.finished

    def forward(self, label: Tensor, uniform: Tensor) -> Tensor:
        """``(n, size)``."""
        return self.finished(self.jets.sample(label, uniform))


def graph(
    part: str,
    module: nn.Module,
    meaning: tuple[dict[str, str], dict[str, str]],
    trial: Callable[[int], tuple[Tensors, Tensors]],
    notes: str,
    **free: tuple[str, ...],
) -> Graph:
    """A graph that is compared with what the package computes of a trial.

    That is a number of events to inputs and outputs, of which ``meaning`` tells what they are;
    ``free`` are the first axes of inputs of any length, where it is not the first alone.
    """
    inputs, outputs = meaning

    def given(events: Events) -> Arrays:
        return numpy_of(inputs, trial(len(events))[0])

    def expected(events: Events) -> Arrays:
        return numpy_of(outputs, trial(len(events))[1])

    axes = {name: free.get(name, ("events",)) for name in inputs}
    return Graph(part, module, inputs, outputs, axes, given, expected, notes)
