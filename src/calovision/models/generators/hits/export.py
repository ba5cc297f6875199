"""Graphs of the generator of hits for ONNX: a jet, one object after another, then companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from calovision.models.generators.hits.companions import EMPTY, TURNS, Surroundings, with_margin
from calovision.models.generators.hits.network import HIGHEST
from calovision.models.generators.hits.object_images import Object, ObjectImages
from calovision.models.generators.hits.tokens import KINDS
from calovision.models.generators.sequences import JetGraph, Tensors, graph
from calovision.networks.sequence_transformer import GrowingMemory, Memory
from calovision.training.onnx_graph import Graph
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.hits.task import HitsTask

_BEFORE = 30  #: objects before the one that is compared
_PIXELS = 50  #: of an event that are compared


class _ObjectGraph(nn.Module):
    def __init__(self, task: HitsTask) -> None:
        super().__init__()
        self.jets, self.law = task.jets, task.objects

    def forward(
        self,
        label: Tensor,
        numbers: Tensor,
        whole: Tensor,
        strength: Tensor,
        sums: Tensor,
        first: Tensor,
        content: Tensor,
        held: Tensor,
        uniform: Tensor,
    ) -> Tensors:
        state = (whole, strength, sums, first, content)
        return self.step(GrowingMemory(held), label, numbers, *state, uniform)

    def step(self, memory: Memory, *given: Tensor) -> Tensors:
        """One object, with any kind of memory."""
        label, numbers, whole, strength, sums, first, content, uniform = given
        jet = self.law.jet_of(self.jets.shown(label, numbers), numbers)
        images = ObjectImages(self.law.grid, content)
        before = Object(whole[:, 0], whole[:, 1], whole[:, 2], strength)
        place = torch.full((1,), memory.place, device=label.device)
        kind = self.law.kinds(numbers, place)[:, 0]
        context = self.law.context(content, kind)
        taken = images.taken(place > 0)
        known = (jet, before, kind, sums, first, memory, images, context, taken, uniform)
        found, sums, first = self.law.advance(*known)
        drawn = images.with_one(found).content
        held = torch.stack(memory.held, 2)
        return (torch.stack(found[:3], 1), found.strength, sums, first, drawn, held)


class _CompanionGraph(nn.Module):
    def __init__(self, task: HitsTask) -> None:
        super().__init__()
        self.jets, self.law, self.eta = task.jets, task.companions, task.eta

    def forward(
        self,
        label: Tensor,
        numbers: Tensor,
        images: Tensor,
        towers: Tensor,
        at: Tensor,
        uniform: Tensor,
    ) -> Tensor:
        around = Surroundings(images[:, 0], images[:, 1], images[:, 2], towers)
        shown = self.jets.shown(label, numbers)
        n, pixels = at.shape[:2]
        owner = torch.arange(n, device=at.device)[:, None, None].expand(-1, pixels, 1)
        at = torch.cat([owner, at], 2).flatten(0, 1)
        eta, uniform = self.eta(numbers), uniform.flatten(0, 1)
        drawn: Tensor = self.law.drawn(with_margin(around), shown, eta, at, uniform)
        return drawn.view(n, pixels)


def hit_graphs(task: HitsTask) -> list[Graph]:
    """Uniform numbers to a jet, a jet and its objects so far to the next one, and companions."""
    size, grid = task.jets.size, task.grid
    layers, width = len(task.objects.transformer.layers), task.objects.transformer.size
    rows, cols = grid.sides
    drawn = "even random numbers in 0..1"
    jet_inputs = {
        "label": "float32 (events): 0 gluon, 1 quark",
        "uniform": f"float32 (events, {size}, 2): {drawn}",
    }
    columns = "".join(f"{name}, " for name in task.jets.columns)
    jet_outputs = {
        "numbers": f"float32 (events, {size}): {columns}towers from eta 0 to the middle, numbers "
        "of towers, tracks and seeds, sums of their energies over thresholds"
    }
    held = f"(events, objects, {layers}, {2 * width}): keys and values of the objects so far"
    object_inputs = {
        "label": jet_inputs["label"],
        "numbers": f"float32 (events, {size}): of the first file",
        "whole": "int64 (events, 3): kind, tower and pixel of the object before; "
        f"{KINDS}, 0 and 0 to begin with",
        "strength": "float32 (events): logarithm of its energy over the threshold; 0 to begin with",
        "sums": f"float32 (events, {KINDS}): of the step before; zeros to begin with",
        "first": f"float32 (events): of the step before; {HIGHEST:g} to begin with",
        "content": f"float32 (events, {grid.rows + 2}, {grid.cols + 2}, {2 * grid.pixels + 1}): of "
        "the step before; zeros to begin with",
        "held": f"float32 {held}; none to begin with",
        "uniform": f"float32 (events, 4): {drawn}",
    }
    object_outputs = {
        f"next_{name}": text.partition(";")[0].replace("before", "drawn")
        for name, text in list(object_inputs.items())[2:-1]
    }
    companion_inputs = {
        "label": jet_inputs["label"],
        "numbers": object_inputs["numbers"],
        "images": f"float32 (events, 3, {rows}, {cols}): strengths of seeds, of companions so far "
        f"and of tracks; {EMPTY:g} where nothing is",
        "towers": f"float32 (events, {grid.rows}, {grid.cols}): strengths; {EMPTY:g} likewise",
        "at": "int64 (events, pixels, 2): row and column",
        "uniform": f"float32 (events, pixels, 3): {drawn}",
    }
    companion_outputs = {
        "drawn": f"float32 (events, pixels): strengths; {EMPTY:g} where nothing is"
    }
    reach = int(task.companions.reach)

    turned = "Turn images over in eta at random, and eta with them."
    more = (
        f"Pixels within {reach} of a seed, in {TURNS} turns: number 2 (row % 2) + col % 2. "
        "Thresholds are exp(a) cosh(eta)^b GeV with (a, b) by channel "
        f"{task.on_host('thresholds').tolist()}."
    )
    return [
        graph(
            "jet",
            JetGraph(task),
            (jet_inputs, jet_outputs),
            lambda n: _jets(task, n),
            turned,
        ),
        graph(
            "object",
            _ObjectGraph(task),
            (object_inputs, object_outputs),
            lambda n: _objects(task, n),
            "Call it once for every object: towers (kind 0), tracks (1), then seeds (2).",
            held=("events", "objects"),
        ),
        graph(
            "companions",
            _CompanionGraph(task),
            (companion_inputs, companion_outputs),
            lambda n: _pixels(task, n),
            more,
            at=("events", "pixels"),
            uniform=("events", "pixels"),
        ),
    ]


def _random(task: HitsTask, *place: int) -> torch.Generator:
    return streams.torch_rng(streams.Stream.TRIAL_HITS, *place, device=task.device)


def _jets(task: HitsTask, n: int) -> tuple[Tensors, Tensors]:
    return task.trial_jets(n, task.jets.size, streams.Stream.TRIAL_HITS)


@torch.no_grad()
def _objects(task: HitsTask, n: int) -> tuple[Tensors, Tensors]:
    """Inputs and outputs of a step after some others, by the memory that the package uses."""
    law, device, module = task.objects, task.device, _ObjectGraph(task)
    (label, _), (numbers,) = _jets(task, n)
    random, empty = _random(task, n, 1), ObjectImages.empty(task.grid, n, device)
    memory, begin = law.transformer.memory(n, _BEFORE + 1, device), law.begin(n, device)
    zeros = numbers.new_zeros(n, KINDS)
    state: Tensors = (torch.stack(begin[:3], 1), begin.strength, zeros, zeros[:, 0] + HIGHEST)
    state = (*state, empty.content)
    for _ in range(_BEFORE):
        uniform = torch.rand(n, 4, generator=random, device=device)
        state = module.step(memory, label, numbers, *state, uniform)[:5]
    uniform = torch.rand(n, 4, generator=random, device=device)
    held = torch.stack(memory.held, 2)[:, :_BEFORE]
    given = (label, numbers, *state, held, uniform)
    return given, module.step(memory, label, numbers, *state, uniform)


@torch.no_grad()
def _pixels(task: HitsTask, n: int) -> tuple[Tensors, Tensors]:
    device, (rows, cols) = task.device, task.grid.sides
    (label, _), (numbers,) = _jets(task, n)
    random = _random(task, n, 2)
    shape = ((n, 3, rows, cols), (n, task.grid.rows, task.grid.cols))
    images, towers = (torch.rand(s, generator=random, device=device) * 40 - 36 for s in shape)
    images, towers = images.clamp(min=EMPTY), towers.clamp(min=EMPTY)
    images[:, 1] = EMPTY
    at = torch.rand(n, _PIXELS, 2, generator=random, device=device)
    at = (at * torch.tensor([rows, cols], device=device)).long()
    uniform = torch.rand(n, _PIXELS, 3, generator=random, device=device)
    given = (label, numbers, images, towers, at, uniform)
    return given, (_CompanionGraph(task)(*given),)
