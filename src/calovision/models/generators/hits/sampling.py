"""Jets on request: numbers, objects, then companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from calovision.events.events import Events
from calovision.models.generators.base import Request
from calovision.models.generators.hits.companions import sample_companions
from calovision.models.generators.hits.network import HIGHEST, ObjectLaw
from calovision.models.generators.hits.numbers import COUNTS, WINDOW
from calovision.models.generators.hits.object_images import SIZE, Object, ObjectImages
from calovision.models.generators.hits.tokens import KINDS, TOWERS, Objects, events_of
from calovision.models.generators.sequences import ETA, rows_in_turn
from calovision.networks.sequence_transformer import half_precision
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.models.generators.hits.task import HitsTask

_SPARE = 8  #: numbers of jets that begin another kind of object together are multiples of it


def generated_jets(task: HitsTask, request: Request, seed: int, chunk: int) -> Events:
    """The ``chunk``-th group of jets that meet a request.

    Raises:
        InputError: no jet comes into the ranges.
    """
    random = streams.torch_rng(streams.Stream.SAMPLE, seed, chunk, device=task.device)
    label, numbers, sides = task.asked(request, task.chunk, task.jets.size, COUNTS, random)
    made = images_of(task, label, numbers, random)
    table, side = np.asarray(numbers.cpu().numpy()), np.asarray(sides.long().cpu().numpy())
    made.side = side
    events = events_of(made, task.read_out, task.geometry)
    events.columns["label"] = np.asarray(label.cpu().numpy(), np.int8)
    for i, name in enumerate(task.columns):
        events.columns[name] = table[:, i] * side if name == ETA else table[:, i]
    return events


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
    """Objects ``(n, objects)`` of jets in descending order of their number."""
    device, n = numbers.device, len(numbers)
    turns = rows_in_turn(numbers[:, COUNTS].sum(1).long())
    longest = len(turns)
    empty = torch.zeros(longest, n, device=device)
    out = Object(empty.long(), empty.long(), empty.long(), empty)
    half = torch.is_autocast_enabled(device.type)
    memory = law.transformer.memory(n, longest, device)
    images = ObjectImages.empty(law.grid, n, device)
    jet, before = law.jet_of(shown, numbers), law.begin(n, device)
    sums, first = numbers.new_zeros(n, KINDS), numbers.new_full((n,), HIGHEST)
    owners, places = (torch.arange(k, device=device) for k in (n, longest))
    kinds = law.kinds(numbers, places).T.contiguous()
    kind_of_context = torch.bfloat16 if half else torch.float32
    context = torch.zeros(n, SIZE, law.grid.towers, dtype=kind_of_context, device=device)
    taken = torch.zeros(n, law.grid.towers, dtype=torch.bool, device=device)
    towers = int(numbers[:, COUNTS].max(0).values[TOWERS]) if n else 0
    for place, now in enumerate(turns):
        uniform = torch.rand(now, 4, generator=generator, device=device)
        if now < len(sums):
            jet, before, owners = jet.of(now), before.of(now), owners[:now]
            sums, first, context = sums[:now], first[:now], context[:now]
            images = ObjectImages(law.grid, images.content[:now])
        kind = kinds[place, :now]
        new = (kind != before.kind).nonzero()[:, 0]
        if len(new):
            spare = -len(new) % _SPARE
            new = torch.cat([new, new[-1:].expand(spare)])
            context[new] = law.context(images.content[new], kind[new]).to(context)
        seen = (images, context, taken[:now] if place < towers else None)
        before, sums, first = law.advance(jet, before, kind, sums, first, memory, *seen, uniform)
        images.draw(owners, before)
        if place < towers:
            taken[owners, before.tower] |= kind == TOWERS
            taken[:, law.grid.middle] = True
        for column, value in zip(out, before, strict=True):
            column[place, :now] = value
    return Object(*(v.T for v in out))
