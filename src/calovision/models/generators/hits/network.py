"""The network of the objects of a jet image, one after another."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.models.generators.hits.numbers import COUNTS, SUMS
from calovision.models.generators.hits.tokens import KINDS, TOWERS, TRACKS, Grid
from calovision.networks.mixtures import LINE, category, line_log_prob, line_sample
from calovision.networks.perceptron import perceptron
from calovision.networks.sequence_transformer import Memory, SequenceTransformer

HIGHEST = 14.0  #: no hit is stronger
_WAVES = (1.0, 2.0, 4.0, 8.0)  #: half waves over the image, by which places enter
_STATE = 15
_ROWS = 64  #: numbers of jets drawn together are multiples of it
_NEVER = -1e9  #: logit of what is taken
_SCALE = 4.0  #: strengths are divided by it


class Object(NamedTuple):
    """An object of each jet, or all of them: ``(n,)`` or ``(n, objects)`` each.

    Attributes:
        kind: of :data:`TOWERS`, :data:`TRACKS` and :data:`SEEDS`; ``KINDS`` before the first.
        tower: its number, or that of the object's tower.
        pixel: in the tower; 0 of a whole tower.
        strength: logarithm of the energy over the threshold.
    """

    kind: Tensor
    tower: Tensor
    pixel: Tensor
    strength: Tensor

    def of(self, jets: int) -> Object:
        """Those of the first jets."""
        return Object(*(v[:jets] for v in self))


class Jet(NamedTuple):
    """Jets as the network of objects needs them.

    Attributes:
        numbers: ``(n, size)``.
        shown: ``(n, width)`` class and numbers as the transformer sees them.
        places: ``(towers, width)`` what stands for the towers.
    """

    numbers: Tensor
    shown: Tensor
    places: Tensor

    def of(self, jets: int) -> Jet:
        """The first jets."""
        return Jet(self.numbers[:jets], self.shown[:jets], self.places)


class Canvas(NamedTuple):
    """What has been drawn so far, with an empty margin.

    Attributes:
        towers: ``(n, rows + 2, cols + 2)`` towers, 0 where there is none.
        pixels: ``(n, 2, rows, cols)`` tracks and seeds.
    """

    towers: Tensor
    pixels: Tensor


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

    def __init__(
        self, grid: Grid, shown: int, *, width: int, layers: int, heads: int, components: int
    ) -> None:
        super().__init__()
        self.grid, b = grid, grid.block
        self.transformer = SequenceTransformer(width, layers, heads)
        self.jet = perceptron([shown, width, width])
        self.state = perceptron([_STATE, width, width])
        self.next_kind = nn.Embedding(KINDS, width)
        self.kind = nn.Embedding(KINDS + 1, width)
        self.tower = nn.Embedding(grid.towers, width)
        self.pixel = nn.Embedding(grid.pixels, width)
        waves = _waves(grid)
        self.place = nn.Linear(waves.shape[1], width)
        self.strength = nn.Linear(3, width)
        self.law_of_strength = perceptron([width, width, LINE * components])
        self.to_tower = perceptron([width + 4, width, width])
        self.often = nn.Parameter(torch.zeros(KINDS, grid.towers))
        self.near = nn.Linear(2 * (3 * b) ** 2 + 9, width)
        self.for_pixel = nn.Linear(width + 4, width)
        self.law_of_pixel = perceptron([width, width, 2 * grid.pixels])
        self.register_buffer("lowest", torch.zeros(KINDS))
        self.register_buffer("waves", waves, persistent=False)
        for table in (self.tower, self.pixel):
            nn.init.normal_(table.weight, std=0.1)

    def jet_of(self, shown: Tensor, numbers: Tensor) -> Jet:
        """Jets of numbers ``(n, size)``, and as networks see them ``(n, shown)``."""
        return Jet(numbers, self.jet(shown), self.tower.weight + self.place(self.waves))

    def kinds(self, numbers: Tensor, place: Tensor) -> Tensor:
        """``(n, objects)`` kinds of the objects at places ``(objects,)``."""
        ends = numbers[:, COUNTS].cumsum(1)
        found = (place[:, None] >= ends[:, None, : KINDS - 1]).sum(-1)
        return found

    def left(self, numbers: Tensor, sums: Tensor, place: Tensor, kind: Tensor) -> Tensor:
        """What is left of jets before their next objects, ``(n, objects, _STATE)``.

        Args:
            numbers: ``(n, size)`` of the jets.
            sums: ``(n, objects, KINDS)`` of energies over thresholds so far.
            place: ``(objects,)`` objects before.
            kind: ``(n, objects)`` of the next object.
        """
        ends = numbers[:, COUNTS].cumsum(1)[:, None]
        begins = ends - numbers[:, None, COUNTS]
        at, n = kind[..., None], len(place)
        to_come = (ends - torch.maximum(begins, place[:, None].to(ends))).clamp(min=0)
        total = numbers[:, None, SUMS]
        rest = F.relu(total - sums)
        own, own_total = to_come.gather(-1, at), total.expand_as(rest).gather(-1, at)
        own_rest, first = rest.gather(-1, at), place[:, None] == begins.expand(-1, n, -1).gather(-1, at)
        mean = (own_rest + 0.1) / (own + 0.2)
        part = own_rest / (own_total + 0.1)
        shown = [
            *(to_come.log1p() - 2, (rest + 0.1).log() / 3 - 1, (rest / (total + 0.1)) * 2 - 1),
            *(own.log1p() - 2, (own_rest + 0.1).log() / 3 - 1, part * 2 - 1, mean.log()),
            *(first.to(mean), (own == 1).to(mean)),
        ]
        return torch.cat(shown, -1)

    def objects(self, jet: Jet, before: Object, left: Tensor, kind: Tensor) -> Tensor:
        """What the transformer sees ``(n, objects, width)``."""
        u = before.strength
        real = (before.kind < KINDS)[..., None]
        numbers = torch.stack([u / _SCALE, (u / _SCALE) ** 2, (-u).exp()], -1)
        what = self.pixel(before.pixel) + jet.places[before.tower] + self.strength(numbers)
        hidden: Tensor = self.kind(before.kind) + what * real
        return hidden + self.state(left) + self.next_kind(kind) + jet.shown[:, None]

    def towers(self, hidden: Tensor, jet: Jet, kind: Tensor, u: Tensor, first: Tensor) -> Tensor:
        """``(m, towers)`` logits of towers of objects of strengths ``u`` ``(m,)``.

        Args:
            hidden: ``(m, width)``.
            jet: for what stands for towers.
            kind: ``(m,)`` of the objects.
            u: strengths.
            first: ``(m,)`` strength of the jet's first tower.
        """
        more = torch.stack([u / _SCALE, (-u).exp(), u - first, (u > first).to(u)], -1)
        query = self.to_tower(torch.cat([hidden, more], -1))
        return query @ jet.places.T.to(query) + self.often[kind]

    def pixels(
        self, hidden: Tensor, kind: Tensor, u: Tensor, tower: Tensor, near: Tensor
    ) -> Tensor:
        """``(m, pixels)`` logits of pixels in towers of tracks and seeds.

        Args:
            hidden: ``(m, width)``.
            kind, u, tower: ``(m,)`` of the objects.
            near: ``(m, 2 (3 block)^2 + 9)`` contents of windows around the towers.
        """
        side = 3 * self.grid.block
        middle = slice(self.grid.block, 2 * self.grid.block)
        own = near[:, : 2 * side**2].view(-1, 2, side, side)
        own = own.gather(1, (kind - TRACKS)[:, None, None, None].expand(-1, 1, side, side))
        taken = own[:, 0, middle, middle].flatten(1) > 0
        row, col = tower // self.grid.cols, tower % self.grid.cols
        place = torch.stack([row / self.grid.rows - 0.5, col / self.grid.cols - 0.5], -1)
        more = torch.cat([hidden, u[:, None] / _SCALE, (-u).exp()[:, None], place], -1)
        law = self.law_of_pixel(F.silu(self.near(near) + self.for_pixel(more)))
        chosen = law.view(len(law), 2, -1).gather(
            1, (kind - TRACKS)[:, None, None].expand(-1, 1, self.grid.pixels)
        )
        return chosen[:, 0].float().masked_fill(taken, _NEVER)

    def canvas(self, jets: int, device: torch.device) -> Canvas:
        """Empty canvases."""
        b, rows, cols = self.grid.block, self.grid.rows + 2, self.grid.cols + 2
        towers = torch.zeros(jets, rows, cols, device=device)
        return Canvas(towers, torch.zeros(jets, 2, rows * b, cols * b, device=device))

    def spot(self, found: Object) -> tuple[Tensor, Tensor]:
        """Rows and columns of pixels of canvases, margin counted."""
        b = self.grid.block
        row = (found.tower // self.grid.cols + 1) * b + found.pixel // b
        return row, (found.tower % self.grid.cols + 1) * b + found.pixel % b

    def near_of(self, owner: Tensor, tower: Tensor) -> tuple[Tensor, Tensor]:
        """Flat places, on all canvases, of the pixels and of the towers around towers ``(m,)``."""
        b, rows, cols = self.grid.block, self.grid.rows + 2, self.grid.cols + 2
        row, col = tower // self.grid.cols, tower % self.grid.cols
        of = torch.arange(3 * b, device=tower.device)
        window = (of[:, None] * cols * b + of).flatten()
        window = torch.cat([window, window + rows * cols * b * b])
        pixels = owner * 2 * rows * cols * b * b + row * b * cols * b + col * b
        of = of[:3]
        towers = owner * rows * cols + row * cols + col
        return pixels[:, None] + window, towers[:, None] + (of[:, None] * cols + of).flatten()

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
        left = self.left(numbers, sums, place, kind)
        hidden = self.transformer(self.objects(jet, before, left, kind))[mask]
        high = self._high(before, kind)[mask]
        first = torch.where(place == 0, HIGHEST, found.strength[:, :1])[mask]
        owner, order = mask.nonzero(as_tuple=True)
        found = Object(*(v[mask] for v in found))
        kind, u = found.kind, found.strength
        high = torch.maximum(high, u) + 1e-4
        of_u = line_log_prob(
            self.law_of_strength(hidden).float(), u, self.lowest[kind] - 1e-4, high
        )
        logits = self.towers(hidden, jet, kind, u, first).float()
        # of two towers the later one is not where the earlier one is
        tower = (kind == TOWERS).nonzero()[:, 0]
        when = torch.full((n, self.grid.towers), length, device=device)
        when[owner[tower], found.tower[tower]] = order[tower]
        taken = when[owner[tower]] < order[tower, None]
        logits = logits.index_put(
            (tower,), logits[tower].masked_fill(taken, _NEVER)
        )
        of_tower = -F.cross_entropy(logits, found.tower, reduction="none")
        fine = (kind != TOWERS).nonzero()[:, 0]
        near = self._near_before(n, owner, order, found, fine)
        picked = [v[fine] for v in (hidden, kind, u, found.tower)]
        of_pixel = -F.cross_entropy(
            self.pixels(*picked, near), found.pixel[fine], reduction="none"
        )
        return of_u, of_tower, of_pixel

    def _near_before(
        self, n: int, owner: Tensor, order: Tensor, found: Object, fine: Tensor
    ) -> Tensor:
        """Windows around the towers of some objects, with the objects before them."""
        canvas = self.canvas(n, owner.device)
        when = torch.zeros_like(canvas.pixels, dtype=torch.int16)
        row, col = self.spot(found)
        where = (owner[fine], found.kind[fine] - TRACKS, row[fine], col[fine])
        canvas.pixels[where] = _content(found.strength[fine])
        when[where] = order[fine].to(when.dtype)
        tower = (found.kind == TOWERS).nonzero()[:, 0]
        b = self.grid.block
        spot = (owner[tower], row[tower] // b, col[tower] // b)
        canvas.towers[spot] = _content(found.strength[tower])
        pixels, towers = self.near_of(owner[fine], found.tower[fine])
        seen = canvas.pixels.take(pixels) * (when.take(pixels) < order[fine, None])
        return torch.cat([seen, canvas.towers.take(towers)], 1)

    def begin(self, jets: int, device: torch.device) -> Object:
        """What stands before the first object of each jet."""
        nothing = torch.zeros(jets, dtype=torch.long, device=device)
        return Object(nothing + KINDS, nothing, nothing, torch.full((jets,), 0.0, device=device))

    def _high(self, before: Object, kind: Tensor) -> Tensor:
        """Strength that objects have at most; the first tower in the middle is no bound."""
        middle = (before.kind == TOWERS) & (before.tower == self.grid.towers // 2)
        free = (before.kind != kind) | middle
        return torch.where(free, HIGHEST, before.strength)

    def advance(
        self,
        jet: Jet,
        before: Object,
        sums: Tensor,
        first: Tensor,
        memory: Memory,
        canvas: Canvas,
        uniform: Tensor,
    ) -> tuple[Object, Tensor, Tensor]:
        """Draw the next object ``(n,)`` of each jet.

        Args:
            jet: ``n`` jets.
            before: ``(n,)`` the object before.
            sums: ``(n, KINDS)`` of energies over thresholds so far.
            first: ``(n,)`` strength of the first object.
            memory: of the objects so far; it takes up this one.
            canvas: of the objects so far.
            uniform: ``(n, 4)`` uniform numbers.

        Returns:
            The object, the new sums, and the strength of the first object.
        """
        device = uniform.device
        place = torch.full((1,), memory.place, device=device)
        kind = self.kinds(jet.numbers, place)
        left = self.left(jet.numbers, sums[:, None], place, kind)
        told = Object(*(v[:, None] for v in before))
        hidden = self.transformer.step(self.objects(jet, told, left, kind)[:, 0], memory)
        kind = kind[:, 0]
        high, low = self._high(before, kind) + 1e-4, self.lowest[kind] - 1e-4
        high = torch.maximum(high, low + 1e-3)
        u = line_sample(self.law_of_strength(hidden).float(), low, high, uniform[:, :2])
        u = torch.maximum(u, self.lowest[kind])
        start = torch.full_like(first, HIGHEST) if memory.place == 1 else first
        logits = self.towers(hidden, jet, kind, u, start).float()
        taken = canvas.towers[: len(u), 1:-1, 1:-1].flatten(1) > 0
        tower = category(
            logits.masked_fill(taken & (kind == TOWERS)[:, None], _NEVER), uniform[:, 2]
        )
        owner = torch.arange(len(u), device=device)
        pixels, towers = self.near_of(owner, tower)
        near = torch.cat([canvas.pixels.take(pixels), canvas.towers.take(towers)], 1)
        at = kind.clamp(min=TRACKS)
        pixel = category(self.pixels(hidden, at, u, tower, near), uniform[:, 3])
        found = Object(kind, tower, pixel * (kind != TOWERS), u)
        first = u if memory.place == 1 else first
        return found, sums + F.one_hot(kind, KINDS) * u.exp()[:, None], first

    def draw(self, canvas: Canvas, found: Object, real: Tensor) -> None:
        """Put objects ``(n,)`` on canvases, those that are ``real``."""
        row, col = self.spot(found)
        b = self.grid.block
        content = _content(found.strength)
        tower = (real & (found.kind == TOWERS)).nonzero()[:, 0]
        canvas.towers[tower, row[tower] // b, col[tower] // b] = content[tower]
        fine = (real & (found.kind != TOWERS)).nonzero()[:, 0]
        where = (fine, found.kind[fine] - TRACKS, row[fine], col[fine])
        canvas.pixels[where] = content[fine]


@torch.no_grad()
def sample_objects(
    law: ObjectLaw, shown: Tensor, numbers: Tensor, generator: torch.Generator
) -> tuple[Object, Canvas]:
    """Objects of jets, ``(n, objects)`` each, and canvases of them.

    Args:
        law: the network.
        shown: ``(n, shown)`` jets as networks see them.
        numbers: ``(n, size)`` of the jets, in descending order of all their objects.
        generator: of random numbers, on the device of the jets.
    """
    device, n = numbers.device, len(numbers)
    counts = numbers[:, COUNTS].sum(1).long()
    longest = int(counts.max()) if n else 0
    whole = (torch.zeros(n, longest, dtype=torch.long, device=device) for _ in range(3))
    out = Object(*whole, torch.zeros(n, longest, device=device))
    memory, canvas = law.transformer.memory(n, longest, device), law.canvas(n, device)
    jet, before = law.jet_of(shown, numbers), law.begin(n, device)
    sums, first = numbers.new_zeros(n, KINDS), numbers.new_zeros(n)
    active = (counts[None] > torch.arange(longest, device=device)[:, None]).sum(1)
    # a processor prepares matrix products anew for every number of rows
    for place, now in enumerate((-(-active // _ROWS) * _ROWS).clamp(max=n).tolist()):
        uniform = torch.rand(now, 4, generator=generator, device=device)
        jet, before = jet.of(now), before.of(now)
        part = Canvas(*(v[:now] for v in canvas))
        found, sums, first = law.advance(
            jet, before, sums[:now], first[:now], memory, part, uniform
        )
        law.draw(part, found, counts[:now] > place)
        before = found
        for column, value in zip(out, found, strict=True):
            column[:now, place] = value
    return out, canvas


def _content(strength: Tensor) -> Tensor:
    """What a canvas shows of objects: above 0."""
    return 0.3 + strength / _SCALE


def _waves(grid: Grid) -> Tensor:
    """``(towers, k)`` places of towers."""
    row, col = torch.meshgrid(torch.arange(grid.rows), torch.arange(grid.cols), indexing="ij")
    parts = [(row + 0.5) / grid.rows - 0.5, (col + 0.5) / grid.cols - 0.5]
    parts = [p.flatten() for p in parts]
    waves = [f(math.pi * k * p) for k in _WAVES for p in parts for f in (torch.sin, torch.cos)]
    away = (parts[0] ** 2 + parts[1] ** 2).sqrt()
    return torch.stack([*parts, away, (away + 0.02).log(), *waves], -1)
