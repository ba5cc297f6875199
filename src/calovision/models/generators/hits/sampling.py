"""Jets on request: numbers, objects, then companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.generators.base import Request
from calovision.models.generators.hits.canvas import SIZE, Canvas, Object
from calovision.models.generators.hits.companions import sample_companions
from calovision.models.generators.hits.network import ObjectLaw
from calovision.models.generators.hits.numbers import COUNTS, ETA, WINDOW
from calovision.models.generators.hits.tokens import KINDS, Objects, events_of
from calovision.networks.sequence_transformer import half_precision
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.hits.task import HitsTask

_DRAWN = 2000  #: numbers of jets drawn at a time
_TIMES = 200  #: that often, before a range is said to be out of reach
_SPARE = 16  #: likewise of jets that begin another kind of object
_ROWS = 64  #: numbers of jets that objects are drawn for together are multiples of it


def generated_jets(task: HitsTask, request: Request, seed: int, chunk: int) -> Events:
    """The ``chunk``-th group of jets that meet a request.

    Raises:
        InputError: no jet comes into the ranges.
    """
    random = streams.torch_rng(streams.Stream.SAMPLE, seed, chunk, device=task.device)
    label, numbers = _numbers(task, request, random)
    made = images_of(task, label, numbers, random)
    table = np.asarray(numbers.cpu().numpy())
    side = np.where(streams.rng(streams.Stream.SAMPLE, seed, chunk).random(len(made)) < 0.5, -1, 1)
    made.side = side
    events = events_of(made, task.read_out, task.geometry)
    events.columns["label"] = np.asarray(label.cpu().numpy(), np.int8)
    for i, name in enumerate(task.jets.columns):
        events.columns[name] = table[:, i] * side if name == ETA else table[:, i]
    return events


@torch.no_grad()
def _numbers(task: HitsTask, request: Request, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Classes ``(n,)`` and numbers ``(n, size)`` of a group within the ranges of a request.

    Raises:
        InputError: there are next to none.
    """
    device, labels, rows, found = task.device, [], [], 0
    for _ in range(_TIMES):
        uniform = torch.rand(_DRAWN, task.jets.size, 2, generator=random, device=device)
        one = torch.rand(_DRAWN, generator=random, device=device)
        label = (one < task.share).float()
        if request.label is not None:
            label = torch.full_like(label, float(request.label))
        numbers = task.jets.sample(label, uniform)
        inside = numbers[:, COUNTS].sum(1) > 0
        for name, (low, high) in request.ranges.items():
            value = numbers[:, task.jets.columns.index(name)]
            inside &= (value >= low) & (value <= high)
        labels.append(label[inside])
        rows.append(numbers[inside])
        found += len(labels[-1])
        if found >= task.chunk:
            return torch.cat(labels)[: task.chunk], torch.cat(rows)[: task.chunk]
    asked = ", ".join(f"{k} {low:g} to {high:g}" for k, (low, high) in request.ranges.items())
    raise InputError(f"next to no jet comes into {asked} GeV", "ask for a wider range")


@torch.no_grad()
def images_of(task: HitsTask, label: Tensor, numbers: Tensor, random: torch.Generator) -> Objects:
    """Objects and companions of jets of given classes ``(n,)`` and numbers ``(n, size)``."""
    order = torch.argsort(-numbers[:, COUNTS].sum(1), stable=True)
    label, numbers = label[order], numbers[order]
    shown = task.jets.shown(label, numbers)
    with half_precision(task.device, task.config.bfloat16):
        found = sample_objects(task.objects, shown, numbers, random)
    back = torch.argsort(order)
    return with_companions(
        task, Object(*(v[back] for v in found)), shown[back], numbers[back], random
    )


@torch.no_grad()
def with_companions(
    task: HitsTask, found: Object, shown: Tensor, numbers: Tensor, random: torch.Generator
) -> Objects:
    """The jets of given objects ``(n, objects)``, companions drawn."""
    counts = numbers[:, COUNTS].long()
    mask = torch.arange(found.kind.shape[1], device=counts.device) < counts.sum(1)[:, None]
    around = task.surroundings(found, mask)
    with half_precision(task.device, task.config.bfloat16):
        at, weak = sample_companions(task.companions, around, shown, task.eta(numbers), random)
    order = torch.argsort(at[:, 0], stable=True)
    at, weak = at[order], weak[order]
    cell = at[:, 1] * task.grid.sides[1] + at[:, 2]
    whole = (counts, *(v[mask] for v in found[1:]))
    near = torch.bincount(at[:, 0], minlength=len(numbers))
    window = numbers[:, WINDOW].long()
    parts = (*whole, near, cell, weak, window, torch.ones_like(window))
    return Objects(*(np.asarray(v.cpu().numpy()) for v in parts))


@torch.no_grad()
def sample_objects(
    law: ObjectLaw, shown: Tensor, numbers: Tensor, generator: torch.Generator
) -> Object:
    """Objects of jets, ``(n, objects)`` each.

    Args:
        law: the network.
        shown: ``(n, shown)`` jets as networks see them.
        numbers: ``(n, size)`` of the jets, in descending order of all their objects.
        generator: of random numbers, on the device of the jets.
    """
    device, n = numbers.device, len(numbers)
    counts = numbers[:, COUNTS].sum(1).long()
    longest = int(counts.max()) if n else 0
    empty = torch.zeros(n, longest, device=device)
    out = Object(empty.long(), empty.long(), empty.long(), empty)
    memory = law.transformer.memory(n, longest, device)
    canvas = Canvas.empty(law.grid, n, device)
    jet, before = law.jet_of(shown, numbers), law.begin(n, device)
    sums, first = numbers.new_zeros(n, KINDS), numbers.new_zeros(n)
    owners = torch.arange(n, device=device)
    context = torch.zeros(n, SIZE, law.grid.towers, device=device)
    active = (counts[None] > torch.arange(longest, device=device)[:, None]).sum(1)
    # a processor prepares matrix products anew for every number of rows
    for place, now in enumerate((-(-active // _ROWS) * _ROWS).clamp(max=n).tolist()):
        uniform = torch.rand(now, 4, generator=generator, device=device)
        jet, before = jet.of(now), before.of(now)
        canvas, context = Canvas(law.grid, canvas.content[:now]), context[:now]
        kind = law.kinds(jet.numbers, torch.full((1,), place, device=device))[:, 0]
        new = (kind != before.kind).nonzero()[:, 0]
        if len(new):
            spare = -len(new) % _SPARE
            new = torch.cat([new, new[-1:].expand(spare)])
            context[new] = law.context(canvas.content[new], kind[new]).float()
        before, sums, first = law.advance(
            jet, before, sums[:now], first[:now], memory, canvas, context, uniform
        )
        canvas.draw(owners[:now], before)
        for column, value in zip(out, before, strict=True):
            column[:now, place] = value
    return out
