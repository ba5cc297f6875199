"""Jets of codes: the hits that are told, and others drawn as the generator of hits goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from calovision.models.autoencoders.hits_code import Kept, companions_of, objects_of_code
from calovision.models.generators.hits.companions import EMPTY, TURNS, Surroundings, with_margin
from calovision.models.generators.hits.network import HIGHEST, ObjectLaw
from calovision.models.generators.hits.numbers import COUNTS, WINDOW
from calovision.models.generators.hits.object_images import SIZE, Object, ObjectImages
from calovision.models.generators.hits.tokens import KINDS, TOWERS, Objects
from calovision.networks.mixtures import line_log_below, line_sample
from calovision.networks.sequence_transformer import half_precision

if TYPE_CHECKING:
    from calovision.models.autoencoders.hits_vae import HitsVAETask

_AT_ONCE = 16_384  #: pixels that are drawn together
_CLOSE = 1e-4
_FEW, _SHIFT = 0.1, 3.0  #: companions too few to tell, and most by which odds are moved


@torch.no_grad()
def jets_of(task: HitsVAETask, told: Kept, random: torch.Generator) -> Objects:
    """Objects and companions of the jets that codes tell of."""
    seen = torch.from_numpy(told.numbers).to(task.device)
    label, numbers = task.completed(seen, random)
    shown = task.jets.shown(label, numbers)
    given, known = _given(task, told)
    with half_precision(task.device, task.config.bfloat16):
        found = _objects(task.objects, shown, numbers, given, known, random)
    counts = numbers[:, COUNTS].long()
    mask = torch.arange(found.kind.shape[1], device=task.device) < counts.sum(1)[:, None]
    around = task.surroundings(found, mask)
    with half_precision(task.device, task.config.bfloat16):
        at, weak = _companions(task, around, shown, numbers, told, random)
    cell = at[:, 1] * task.grid.sides[1] + at[:, 2]
    near = torch.bincount(at[:, 0], minlength=len(numbers))
    parts = (counts, *(v[mask] for v in found[1:]), near, cell, weak, numbers[:, WINDOW].long())
    side = torch.from_numpy(told.side)
    return Objects(*(np.asarray(v.cpu().numpy()) for v in (*parts, side)))


def _given(task: HitsVAETask, told: Kept) -> tuple[Object, Tensor]:
    """``(n, objects)`` what is told of the objects of jets, and which are."""
    counts = told.numbers[:, COUNTS].astype(np.int64)
    longest = int(counts.sum(1).max(initial=0))
    jet, tower, pixel, strength, kind, number = objects_of_code(told, task.grid)
    place = (counts.cumsum(1) - counts)[jet, kind] + number
    shape, device = (len(counts), longest), task.device
    known = torch.zeros(shape, dtype=torch.bool, device="cpu")
    known[jet, place] = True
    columns = []
    for value in (kind, tower, pixel, strength.astype(np.float32)):
        column = torch.zeros(shape, dtype=torch.from_numpy(value).dtype, device="cpu")
        column[jet, place] = torch.from_numpy(value)
        columns.append(column.to(device))
    return Object(*columns), known.to(device)


def _objects(
    law: ObjectLaw,
    shown: Tensor,
    numbers: Tensor,
    given: Object,
    known: Tensor,
    random: torch.Generator,
) -> Object:
    """Objects of jets ``(n, objects)``, drawn where they are not ``known``."""
    counts, device = numbers[:, COUNTS].sum(1).long(), numbers.device
    n, longest = known.shape
    there = torch.arange(longest, device=device) < counts[:, None]
    missing = (~known & there).any(1)
    if not missing.any():
        return given
    # only jets that lack some are gone through, longest first, as the memory wants them
    order = torch.argsort(-counts * missing, stable=True)[: int(missing.sum())]
    shown, numbers, counts = shown[order], numbers[order], counts[order]
    out = Object(*(v[order].clone() for v in given))
    fixed, n = known[order], len(order)
    memory = law.transformer.memory(n, longest, device)
    images = ObjectImages.empty(law.grid, n, device)
    jet, before = law.jet_of(shown, numbers), law.begin(n, device)
    sums, first = numbers.new_zeros(n, KINDS), numbers.new_full((n,), HIGHEST)
    context = torch.zeros(n, SIZE, law.grid.towers, device=device)
    taken = torch.zeros(n, law.grid.towers, dtype=torch.bool, device=device)
    places = torch.arange(longest, device=device)
    kinds = law.kinds(numbers, places)
    active = (counts[None] > torch.arange(longest, device=device)[:, None]).sum(1)
    for place, now in enumerate(active.tolist()):
        if not now:
            break
        jet, before = jet.of(now), before.of(now)
        images, context, taken = (
            ObjectImages(law.grid, images.content[:now]),
            context[:now],
            taken[:now],
        )
        kind = kinds[:now, place]
        new = (kind != before.kind).nonzero()[:, 0]
        if len(new):
            context[new] = law.context(images.content[new], kind[new]).float()
        uniform = torch.rand(now, 4, generator=random, device=device)
        start = sums[:now]
        seen = (images, context, taken)
        drawn, *_ = law.advance(jet, before, kind, start, first[:now], memory, *seen, uniform)
        told = fixed[:now, place]
        columns = zip(out, drawn, strict=True)
        before = Object(*(torch.where(told, one[:now, place], two) for one, two in columns))
        energy = torch.nn.functional.one_hot(kind, KINDS) * before.strength.exp()[:, None]
        sums, first = start + energy, before.strength if place == 0 else first[:now]
        owners = torch.arange(now, device=device)
        images.draw(owners, before)
        taken[owners, before.tower] |= kind == TOWERS
        taken[:, law.grid.middle] = True
        for column, value in zip(out, before, strict=True):
            column[:now, place] = value
    whole = Object(*(v.clone() for v in given))
    for column, value in zip(whole, out, strict=True):
        column[order] = value
    return whole


def _companions(
    task: HitsVAETask,
    around: Surroundings,
    shown: Tensor,
    numbers: Tensor,
    told: Kept,
    random: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """``(k, 3)`` jet, row and column of companions, jet by jet, and their strengths.

    Those that are not told are weaker than the weakest one told.
    """
    law, eta, device = task.companions, task.eta(numbers), task.device
    jet, row, col, strength = (torch.from_numpy(x).to(device) for x in companions_of(told))
    strength = strength.float().clamp(max=float(law.seed) - 1e-5)
    weakest = torch.full((len(numbers),), float(law.seed), device=device)
    weakest = weakest.scatter_reduce(0, jet, strength, "amin").clamp(min=2 * _CLOSE)
    # a code that no jet had may tell of a companion in a seed's place
    free = around.seeds[jet, row, col] == EMPTY
    jet, row, col, strength = jet[free], row[free], col[free], strength[free]
    around.companions[jet, row, col] = strength
    free = law.candidates(around.seeds) & (around.companions == EMPTY)
    at = free.nonzero()
    turn = at[:, 1] % 2 * 2 + at[:, 2] % 2
    wide = with_margin(around)
    margin = (wide.seeds.shape[1] - around.seeds.shape[1]) // 2
    places, strengths = [torch.stack([jet, row, col], 1)], [strength]
    want = torch.from_numpy(told.near - told.kept[:, KINDS]).to(device).float()
    for number in range(TURNS):
        part = at[turn == number]
        jet = part[:, 0]
        laws = [law.laws(wide, shown, eta, p).float() for p in torch.split(part, _AT_ONCE)]
        found = torch.cat(laws)
        uniform = torch.rand(len(part), 3, generator=random, device=device)
        high = weakest[jet]
        low, seed = torch.zeros_like(high), torch.zeros_like(high) + law.seed
        # given that no stronger one is here, and that as many are wanted as the code tells
        logit = found[:, 0] + line_log_below(found[:, 1:], high, low, seed)
        here = torch.bincount(jet, minlength=len(want))
        rest = torch.bincount(at[turn >= number, 0], minlength=len(want)).clamp(min=1)
        likely = torch.zeros_like(want).index_add(0, jet, logit.sigmoid())
        more = (want.clamp(min=0) * here / rest + _FEW).log() - (likely + _FEW).log()
        logit = (logit + more.clamp(-_SHIFT, _SHIFT)[jet]).where(want[jet] > 0, -torch.inf)
        u = line_sample(found[:, 1:], low, high, uniform[:, 1:])
        u = torch.minimum(u.clamp(min=0), high - _CLOSE)
        drawn = torch.where(uniform[:, 0] < logit.sigmoid(), u, EMPTY)
        wide.companions[jet, part[:, 1] + margin, part[:, 2] + margin] = drawn
        hit = drawn > EMPTY
        want = want - torch.bincount(jet[hit], minlength=len(want))
        places.append(part[hit])
        strengths.append(drawn[hit])
    place, weak = torch.cat(places), torch.cat(strengths)
    order = torch.argsort(place[:, 0], stable=True)
    return place[order], weak[order]
