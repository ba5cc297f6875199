"""The network of the objects of a jet image, one after another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.models.generators.hits.numbers import COUNTS, SUMS
from calovision.models.generators.hits.object_images import (
    SCALE,
    SIZE,
    Jet,
    Object,
    ObjectImages,
    TowerContext,
    waves,
    window_order,
)
from calovision.models.generators.hits.tokens import KINDS, SEEDS, TOWERS, TRACKS, Grid
from calovision.networks.mixtures import LINE, category, line_log_prob, line_sample
from calovision.networks.perceptron import perceptron
from calovision.networks.sequence_transformer import Memory, SequenceTransformer

HIGHEST = 14.0  #: no hit is stronger
_STATE = 15
_ROOM = 1e-4  #: by which bounds of strengths are wider
_NEVER = -1e9  #: logit of what is taken


class ObjectLaw(nn.Module):
    """Law of the next object, given the jet and the objects so far.

    Args:
        grid: of towers.
        shown: numbers of a jet, as the network sees them.
        width, layers, heads: of the transformer.
        components: of the mixtures of strengths.

    Attributes:
        lowest: ``(KINDS,)`` strength that objects have at least.
    """

    lowest: Tensor
    waves: Tensor
    order: Tensor

    def __init__(
        self, grid: Grid, shown: int, *, width: int, layers: int, heads: int, components: int
    ) -> None:
        super().__init__()
        self.grid = grid
        self.transformer = SequenceTransformer(width, layers, heads)
        self.jet = perceptron([shown, width, width])
        self.state = perceptron([_STATE, width, width])
        self.next_kind = nn.Embedding(KINDS, width)
        self.kind = nn.Embedding(KINDS + 1, width)
        self.tower = nn.Embedding(grid.towers, width)
        self.pixel = nn.Embedding(grid.pixels, width)
        places = waves(grid)
        self.place = nn.Linear(places.shape[1], width)
        self.strength = nn.Linear(3, width)
        self.law_of_strength = perceptron([width, width, LINE * components])
        self.to_tower = perceptron([width + 4, width, width + SIZE])
        self.context = TowerContext()
        self.often = nn.Parameter(torch.zeros(KINDS, grid.towers))
        order = window_order(grid)
        self.near = nn.Linear(len(order), width)
        self.for_pixel = nn.Linear(width + 4, width)
        self.law_of_pixel = perceptron([width, width, 2 * grid.pixels])
        self.register_buffer("lowest", torch.zeros(KINDS))
        self.register_buffer("waves", places, persistent=False)
        self.register_buffer("order", order, persistent=False)
        for table in (self.tower, self.pixel):
            nn.init.normal_(table.weight, std=0.1)

    def jet_of(self, shown: Tensor, numbers: Tensor) -> Jet:
        """Jets of numbers ``(n, size)``, and as networks see them ``(n, shown)``."""
        places, near = self.tower.weight + self.place(self.waves), self.near.weight[:, self.order]
        return Jet(numbers, self.jet(shown), places, near)

    def kinds(self, numbers: Tensor, place: Tensor) -> Tensor:
        """``(n, objects)`` kinds of the objects at places ``(objects,)``."""
        ends = numbers[:, COUNTS].cumsum(1)
        found = (place[:, None] >= ends[:, None, : KINDS - 1]).sum(-1)
        return found

    def left(
        self, numbers: Tensor, sums: Tensor, place: Tensor, kind: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What is left of jets before their next objects, ``(n, objects, _STATE)``.

        And ``(n, objects)`` each: how many objects of the next one's kind, and their energy.
        ``sums`` ``(n, objects, KINDS)`` are energies over thresholds so far, ``place``
        ``(objects,)`` counts the objects before, ``first`` is true of the first one of a kind.
        """
        counts, total = numbers[:, None, COUNTS], numbers[:, None, SUMS]
        ends = counts.cumsum(-1)
        to_come = torch.minimum((ends - place[:, None]).clamp(min=0), counts)
        rest = F.relu(total - sums)
        shown = [to_come.log1p() - 2, (rest + 0.1).log() / 3 - 1, rest / (total + 0.1) * 2 - 1]
        table = torch.stack([*shown, to_come, rest], -2)
        mine = table.gather(-1, kind[..., None, None].expand(-1, -1, len(shown) + 2, 1))[..., 0]
        own, own_rest = mine[..., -2], mine[..., -1]
        mean = ((own_rest + 0.1) / (own + 0.2)).log()
        last = torch.stack([mean, first.to(mean), (own == 1).to(mean)], -1)
        return torch.cat([table[..., :-2, :].flatten(-2), mine[..., :-2], last], -1), own, own_rest

    def objects(self, jet: Jet, before: Object, left: Tensor, kind: Tensor) -> Tensor:
        """What the transformer sees ``(n, objects, width)``."""
        u = before.strength
        real = (before.kind < KINDS)[..., None]
        numbers = torch.stack([u / SCALE, (u / SCALE) ** 2, (-u).exp()], -1)
        what = self.pixel(before.pixel) + jet.places[before.tower] + self.strength(numbers)
        hidden = self.kind(before.kind) + what * real + self.state(left) + self.next_kind(kind)
        out: Tensor = hidden + jet.shown[:, None]
        return out

    def towers(
        self, hidden: Tensor, jet: Jet, kind: Tensor, u: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``(m, towers)`` logits of towers, and ``(m, SIZE)`` what to look for in their contexts.

        ``u`` ``(m,)`` are the strengths of the objects, ``first`` those of their jets' first ones.
        """
        more = torch.stack([u / SCALE, (-u).exp(), u - first, (u > first).to(u)], -1)
        query = self.to_tower(torch.cat([hidden, more], -1))
        query, sought = query[:, :-SIZE], query[:, -SIZE:]
        return query @ jet.places.T.to(query) + self.often[kind], sought

    def pixels(
        self, hidden: Tensor, jet: Jet, kind: Tensor, u: Tensor, tower: Tensor, near: Tensor
    ) -> Tensor:
        """``(m, pixels)`` logits of pixels in towers of tracks and seeds.

        ``u`` ``(m,)`` are their strengths, ``near`` what :meth:`ObjectImages.around` sees of them.
        """
        rows = torch.arange(kind.shape[0], device=kind.device)
        taken = near[:, 4, :-1].view(-1, 2, self.grid.pixels)[rows, kind - TRACKS] > 0
        place = self.waves[tower][:, :2]
        more = torch.cat([hidden, u[:, None] / SCALE, (-u).exp()[:, None], place], -1)
        seen = F.linear(near.flatten(1), jet.near, self.near.bias)
        law = self.law_of_pixel(F.silu(seen + self.for_pixel(more)))
        law = law.view(-1, 2, self.grid.pixels)[rows, kind - TRACKS]
        out: Tensor = law.float().masked_fill(taken, _NEVER)
        return out

    def log_prob(
        self, shown: Tensor, numbers: Tensor, found: Object, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-density of strengths, and log-probability of towers and of pixels.

        Args:
            shown: ``(n, shown)`` jets as networks see them.
            numbers: ``(n, size)`` of the jets.
            found: ``(n, objects)`` each.
            mask: ``(n, objects)`` bool, which there are.

        Returns:
            ``(m,)`` of the objects that there are, twice, and ``(p,)`` of tracks and seeds.
        """
        n, length = mask.shape
        device = mask.device
        jet, place = self.jet_of(shown, numbers), torch.arange(length, device=device)
        kind = found.kind
        sums = F.one_hot(kind, KINDS) * (found.strength.exp() * mask)[..., None]
        sums = F.pad(sums.cumsum(1)[:, :-1], (0, 0, 1, 0))
        begin = self.begin(n, device)
        before = Object(
            *(torch.cat([b[:, None], v[:, :-1]], 1) for b, v in zip(begin, found, strict=True))
        )
        new = before.kind != kind
        left, *rest = self.left(numbers, sums, place, kind, new)
        hidden = self.transformer(self.objects(jet, before, left, kind))[mask]
        bounds = self._bounds(before, kind, place, new, *rest)
        first = torch.where(place == 0, HIGHEST, found.strength[:, :1])[mask]
        owner, order = mask.nonzero(as_tuple=True)
        found = Object(*(v[mask] for v in found))
        kind, u = found.kind, found.strength
        least, most = (x[mask] for x in bounds)
        # bounds hold for jets that the rules were not found from, too
        low, high = torch.minimum(least, u) - _ROOM, torch.maximum(most, u) + _ROOM
        of_u = line_log_prob(self._strengths(hidden, most), u, low, high)
        images = ObjectImages.empty(self.grid, n, device)
        spots = images.draw(owner, found)
        logits, sought = self.towers(hidden, jet, kind, u, first)
        logits = logits.float() + self._fitting(images, kind, sought, mask)
        # the middle tower is the first one, or not hit; no tower is hit twice
        tower = (kind == TOWERS).nonzero()[:, 0]
        when = torch.full((n, self.grid.towers), length, device=device)
        when[:, self.grid.middle] = 0
        when[owner[tower], found.tower[tower]] = order[tower]
        taken = when[owner[tower]] < order[tower, None]
        logits = logits.index_put((tower,), logits[tower].masked_fill(taken, _NEVER))
        of_tower = -F.cross_entropy(logits, found.tower, reduction="none")
        fine = (kind != TOWERS).nonzero()[:, 0]
        when = torch.zeros_like(images.content)
        when.view(-1)[spots[fine]] = order[fine].to(when)
        found = Object(*(v[fine] for v in found))
        near = images.around(owner[fine], found.tower, (when, order[fine].to(when)))
        logits = self.pixels(hidden[fine], jet, found.kind, found.strength, found.tower, near)
        of_pixel = -F.cross_entropy(logits, found.pixel, reduction="none")
        return of_u, of_tower, of_pixel

    def _fitting(self, images: ObjectImages, kind: Tensor, sought: Tensor, mask: Tensor) -> Tensor:
        """``(m, towers)`` how well towers fit what tracks and seeds seek, of whole jets."""
        wide = mask.new_zeros(*mask.shape, 2 * SIZE, dtype=sought.dtype)
        wide[mask] = torch.cat([sought * (kind == k)[:, None] for k in (TRACKS, SEEDS)], 1)
        of = torch.full_like(mask[:, 0], TRACKS, dtype=torch.long)
        offered = torch.cat([self.context(images.content, k) for k in (of, of + 1)], 1)
        return (wide @ offered.to(wide)).float()[mask]

    def begin(self, jets: int, device: torch.device) -> Object:
        """What stands before the first object of each jet."""
        nothing = torch.zeros(jets, dtype=torch.long, device=device)
        return Object(nothing + KINDS, nothing, nothing, torch.full((jets,), 0.0, device=device))

    def _strengths(self, hidden: Tensor, most: Tensor) -> Tensor:
        """Law of strengths, near the most that there can be: ordered numbers are close."""
        weight, at, width = self.law_of_strength(hidden).float().chunk(LINE, -1)
        return torch.cat([weight, at + most[:, None], width - 1], -1)

    def _bounds(
        self,
        before: Object,
        kind: Tensor,
        place: Tensor,
        new: Tensor,
        own: Tensor,
        rest: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Least and most that strengths can be, so that sums are met in descending order.

        The first tower in the middle need not be the strongest.
        """
        low = self.lowest[kind]
        least = low.exp()
        most = torch.maximum(rest - (own - 1).clamp(min=0) * least, least).log()
        middle = (place == 1) & (before.kind == TOWERS) & (before.tower == self.grid.middle)
        most = torch.minimum(most, before.strength.masked_fill(new | middle, HIGHEST))
        mean = (rest / own.clamp(min=1)).clamp(min=1e-6).log()
        any_order = (place == 0) & (kind == TOWERS)
        return torch.where(any_order, low, torch.maximum(low, torch.minimum(mean, most))), most

    def advance(
        self,
        jet: Jet,
        before: Object,
        kind: Tensor,
        sums: Tensor,
        first: Tensor,
        memory: Memory,
        images: ObjectImages,
        context: Tensor,
        taken: Tensor | None,
        uniform: Tensor,
    ) -> tuple[Object, Tensor, Tensor]:
        """Draw the next object ``(n,)`` of each jet.

        Args:
            jet: ``n`` jets.
            before: ``(n,)`` the object before.
            kind: ``(n,)`` of the next one.
            sums: ``(n, KINDS)`` of energies over thresholds so far.
            first: ``(n,)`` strength of the first object, :data:`HIGHEST` before there is one.
            memory: of the objects so far; it takes up this one.
            images: of the objects so far.
            context: ``(n, SIZE, towers)`` of :class:`TowerContext` at the object's kind.
            taken: ``(n, towers)`` bool, which towers cannot be hit; ``None`` if no next object is
                one.
            uniform: ``(n, 4)`` uniform numbers.

        Returns:
            The object, the new sums, and the strength of the first object.
        """
        device, place = uniform.device, torch.full((1,), memory.place, device=uniform.device)
        new = (before.kind != kind)[:, None]
        told, at = Object(*(v[:, None] for v in before)), kind[:, None]
        left, *rest = self.left(jet.numbers, sums[:, None], place, at, new)
        hidden = self.transformer.step(self.objects(jet, told, left, at)[:, 0], memory)
        least, most = (x[:, 0] for x in self._bounds(told, at, place, new, *rest))
        # as in training, where bounds are a little wider, so that there is room between them
        law = self._strengths(hidden, most)
        u = line_sample(law, least - _ROOM, most + _ROOM, uniform[:, :2])
        u = torch.maximum(torch.minimum(u, most), least)
        logits, sought = self.towers(hidden, jet, kind, u, first)
        logits = logits.float() + torch.bmm(sought[:, None], context.to(sought))[:, 0]
        if taken is not None:
            logits = logits.masked_fill(taken & (at == TOWERS), _NEVER)
        tower = category(logits, uniform[:, 2])
        near = images.around(torch.arange(u.shape[0], device=device), tower)
        pixel = self.pixels(hidden, jet, kind.clamp(min=TRACKS), u, tower, near)
        pixel = category(pixel, uniform[:, 3]) * (kind != TOWERS)
        first = torch.where(place == 0, u, first)
        found = Object(kind, tower, pixel, u)
        return found, sums + F.one_hot(kind, KINDS) * u.exp()[:, None], first
