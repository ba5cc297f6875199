"""The code of a jet as a list: numbers of the whole jet, its spectra, and places of its hits.

Hits are those of :mod:`calovision.models.generators.hits.tokens`: towers, tracks and seeds of the
fine calorimeter, strongest first, and companions around seeds. Objects of most energy are kept
first, then the strongest companions. What is kept of a kind is the beginning of its list, so that
what is not kept can be drawn as a generator goes on.

A place is one number, along a curve that fills the image. In order of strength, strengths need
few numbers: those of some ranks, between which they are interpolated; where a code has room, hits
have numbers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.models.autoencoders.filling_curve import FillingCurve
from calovision.models.generators.hits.numbers import COUNTS, SUMS, WINDOW
from calovision.models.generators.hits.read_out import ReadOut
from calovision.models.generators.hits.tokens import (
    KINDS,
    TOWERS,
    Grid,
    HitsDataset,
    Ints,
    layers_of,
)
from calovision.models.generators.sequences import ETA

Floats = NDArray[np.float64]
STRENGTH = 0.02  #: precision of strengths
#: ranks of hits of a kind whose strengths are told, in small codes and in others; the last one is
#: that of the weakest hit
FEW_RANKS, RANKS = (0, 1, 4, 16, 999), (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 999)
SMALL = 128  #: numbers of small codes, less than
MANY = 448  #: hits whose places are told, before strengths have numbers of their own
_COUNT, _WINDOW, _STRENGTH = 64.0, 8.0, 4.0  #: whole numbers and strengths are divided by them
_FINE, _OF_SUM = 0.004, 0.01  #: precision of columns and of sums, relative
_LOWEST = 0.1  #: GeV; columns below it count as that much
HIDDEN = "gen_"  #: what begins so, no detector sees
KEPT = KINDS + 1  #: kinds of hits, companions among them


@dataclass
class Kept:
    """What a code tells of ``n`` jets.

    Attributes:
        numbers: ``(n, size)`` as :mod:`calovision.models.generators.hits.numbers` has them; 0 for
            columns that no detector sees.
        side: ``(n,)`` -1 for images that are turned over in eta, else 1.
        near: ``(n,)`` companions of a jet.
        kept: ``(n, KEPT)`` how many hits are told.
        row, col: ``(n, points)`` pixels of these hits, kind after kind.
        strength: ``(n, points)``.
    """

    numbers: NDArray[np.float32]
    side: Ints
    near: Ints
    kept: Ints
    row: Ints
    col: Ints
    strength: Floats

    def counts(self) -> Ints:
        """``(n, KEPT)`` hits of a jet."""
        whole = self.numbers[:, COUNTS].astype(np.int64)
        return np.concatenate([whole, self.near[:, None]], 1)

    def kinds(self) -> Ints:
        """``(n, points)`` kinds of hits; ``KINDS`` of companions, ``KEPT`` of none."""
        place = np.arange(self.row.shape[1])
        found: Ints = (place[:, None] >= self.kept.cumsum(1)[:, None]).sum(2)
        return found

    def ranks(self) -> Ints:
        """``(n, points)`` number of a hit within its kind."""
        ends = self.kept.cumsum(1)
        starts = np.append(ends - self.kept, ends[:, -1:], 1)
        before = np.take_along_axis(starts, self.kinds(), 1)
        found: Ints = np.arange(self.row.shape[1]) - before
        return found


class HitsCode:
    """Codes of jets, and what they tell.

    Args:
        law: rules of the read-out.
        columns: of jets; those that no detector sees are not in the code.
        size: latent numbers at most.
    """

    def __init__(self, law: ReadOut, columns: tuple[str, ...], size: int) -> None:
        self.law, self.known = law, columns
        self.columns = tuple(name for name in columns if not name.startswith(HIDDEN))
        self.layers, self.grid = layers_of(law.geometry)
        self.ranks = RANKS if size >= SMALL else FEW_RANKS
        self.spectra = KEPT * len(self.ranks)
        self.fixed = len(self.columns) + 1 + 2 * KINDS + 1 + KEPT + 1 + self.spectra
        room = size - self.fixed
        self.points = min(room, max(MANY, room // 2))
        self.own = room - self.points
        self.curve = FillingCurve(max(self.grid.sides))

    @property
    def size(self) -> int:
        """Latent numbers."""
        return self.fixed + self.points + self.own

    def precision(self) -> Floats:
        """``(size,)`` width within which a number may lie anywhere."""
        whole, u = 1 / _COUNT, STRENGTH / _STRENGTH
        first = [*[_FINE] * len(self.columns), 1 / _WINDOW, *[whole] * KINDS, *[_OF_SUM] * KINDS]
        first += [*[whole] * (1 + KEPT), 1.0, *[u] * self.spectra]
        return np.array([*first, *[self.curve.step] * self.points, *[u] * self.own])

    def of(self, data: HitsDataset, chosen: Ints) -> tuple[Floats, NDArray[np.bool_]]:
        """Codes ``(n, size)`` of jets, and which numbers are used."""
        kept, spectra = self._kept(data, chosen)
        n = len(chosen)
        columns = [_shown(kept.numbers[:, self.known.index(k)], k) for k in self.columns]
        parts = [
            *columns,
            kept.numbers[:, WINDOW] / _WINDOW,
            kept.numbers[:, COUNTS] / _COUNT,
            np.log1p(kept.numbers[:, SUMS]),
            kept.near / _COUNT,
            kept.kept / _COUNT,
            kept.side,
            spectra / _STRENGTH,
            self.curve.along(kept.row, kept.col),
            kept.strength[:, : self.own] / _STRENGTH,
        ]
        there = kept.kinds() < KEPT
        always = np.ones((n, self.fixed), np.bool_)
        used = np.concatenate([always, there, there[:, : self.own]], 1)
        return np.where(used, np.concatenate([p.reshape(n, -1) for p in parts], 1), 0.0), used

    def read(self, codes: Floats) -> Kept:
        """What codes ``(n, size)`` tell, whatever stands in them."""
        n, many = len(codes), len(self.columns)
        sizes = [many, 1, KINDS, KINDS, 1, KEPT, 1, self.spectra, self.points, self.own]
        parts = np.split(codes, np.cumsum(sizes)[:-1], 1)
        columns, window, counts, sums, near, kept, side, spectra, along, own = parts
        physical = np.zeros((n, len(self.known)))
        for i, name in enumerate(self.columns):
            physical[:, self.known.index(name)] = _physical(columns[:, i], name)
        whole = _whole(counts * _COUNT)
        numbers = [physical, _whole(window * _WINDOW), whole, np.expm1(np.clip(sums, 0, 30))]
        all_ = np.concatenate([whole, _whole(near * _COUNT)], 1)
        told = np.minimum(_whole(kept * _COUNT), all_)
        told = np.diff(np.minimum(told.cumsum(1), self.points), axis=1, prepend=0)
        ends = zip(self.curve.at(along), self.grid.sides, strict=True)
        row, col = (np.minimum(x, side - 1) for x, side in ends)
        turned = np.where(side[:, 0] < 0, -1, 1)
        table = np.concatenate(numbers, 1).astype(np.float32)
        found = Kept(table, turned, all_[:, -1], told, row, col, np.zeros(row.shape))
        found.strength = interpolated(spectra.reshape(n, KEPT, -1) * _STRENGTH, self.ranks, found)
        found.strength[:, : self.own] = own[:, : self.points] * _STRENGTH
        found.strength = np.clip(found.strength, 0, 14)
        return found

    def _kept(self, data: HitsDataset, chosen: Ints) -> tuple[Kept, Floats]:
        """The strongest hits of jets: objects by energy, then companions; and their spectra."""
        found, grid = data.objects, self.grid
        counts, numbers = found.counts[chosen], data.numbers[chosen]
        row, there = _padded(offsets_of(found.counts.sum(1)), chosen)
        tower, pixel, strength = (_at(v, row) for v in (found.tower, found.pixel, found.strength))
        kind = (np.arange(row.shape[1])[:, None] >= counts.cumsum(1)[:, None, :-1]).sum(2)
        middle = grid.block // 2 * (grid.block + 1)
        inside = np.where(kind == TOWERS, middle, pixel)
        rows = tower // grid.cols * grid.block + inside // grid.block
        cols = tower % grid.cols * grid.block + inside % grid.block
        code = np.array(self.layers)[kind]
        window = np.broadcast_to(numbers[:, WINDOW, None].astype(np.int64), rows.shape)
        low = self.law.log_threshold(code.ravel(), rows.ravel(), window.ravel())
        energy = strength + low.reshape(rows.shape)
        rank = np.argsort(np.argsort(np.where(there, -energy, np.inf), 1), 1)
        among = there & (rank < self.points)
        kept = np.stack([(among & (kind == k)).sum(1) for k in range(KINDS)], 1)
        starts = counts.cumsum(1) - counts
        number = np.arange(row.shape[1]) - np.take_along_axis(starts, kind, 1)
        among = there & (number < np.take_along_axis(kept, kind, 1))
        weak, near = _padded(data.starts, chosen)
        cell, weakness = _at(found.cell, weak), _at(found.weak, weak)
        first = np.argsort(np.where(near, -weakness, np.inf), 1, kind="stable")
        room = np.minimum(self.points - kept.sum(1), near.sum(1))
        kept = np.append(kept, room[:, None], 1)
        out = [np.zeros((len(chosen), self.points)) for _ in range(3)]
        jet, at = among.nonzero()
        slot = (among.cumsum(1) - 1)[jet, at]
        for target, value in zip(out, (rows, cols, strength), strict=True):
            target[jet, slot] = value[jet, at]
        jet, at = (np.arange(first.shape[1]) < room[:, None]).nonzero()
        slot, at = kept[jet, :KINDS].sum(1) + at, first[jet, at]
        cell = cell[jet, at]
        wide = grid.sides[1]
        for target, value in zip(out, (cell // wide, cell % wide, weakness[jet, at]), strict=True):
            target[jet, slot] = value
        rows, cols = (x.astype(np.int64) for x in out[:2])
        weakness = np.take_along_axis(weakness, first, 1)
        lists = [(strength, starts[:, k], counts[:, k]) for k in range(KINDS)]
        lists.append((weakness, np.zeros_like(room), near.sum(1)))
        spectra = np.stack([_at_ranks(*one, self.ranks) for one in lists], 1)
        side = found.side[chosen]
        return Kept(numbers, side, near.sum(1), kept, rows, cols, out[2]), spectra


def _padded(starts: Ints, chosen: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """``(n, longest)`` entries of jets in a jagged array, and which there are."""
    lengths = starts[chosen + 1] - starts[chosen]
    place = np.arange(max(int(lengths.max(initial=1)), 1))
    there = place < lengths[:, None]
    return np.where(there, starts[chosen][:, None] + place, 0), there


def _at(values: NDArray[Any], places: Ints) -> NDArray[Any]:
    """Values at places, where there are any values at all."""
    return values[places] if len(values) else np.zeros(places.shape, values.dtype)


def _shown(column: NDArray[np.float32], name: str) -> Floats:
    found = np.asarray(column, np.float64)
    return found if name == ETA else np.log(np.maximum(found, _LOWEST))


def _physical(column: Floats, name: str) -> Floats:
    return column if name == ETA else np.exp(np.clip(column, -10, 20))


def _whole(numbers: Floats) -> Ints:
    return np.clip(np.rint(numbers), 0, 20_000).astype(np.int64)


def _at_ranks(
    strength: NDArray[np.float32], starts: Ints, counts: Ints, ranks: tuple[int, ...]
) -> Floats:
    """``(n, ranks)`` strengths of hits of a kind, the last one's for ranks beyond; 0 of none."""
    at = starts[:, None] + np.minimum(np.array(ranks), np.maximum(counts[:, None] - 1, 0))
    at = np.minimum(at, strength.shape[1] - 1)
    return np.where(counts[:, None] > 0, np.take_along_axis(strength, at, 1), 0.0)


def interpolated(spectra: Floats, ranks: tuple[int, ...], told: Kept) -> Floats:
    """``(n, points)`` strengths by rank, linear in its logarithm, of ``(n, KEPT, ranks)``."""
    kinds = np.minimum(told.kinds(), KEPT - 1)
    rank = np.log1p(told.ranks())
    last = np.log(np.maximum(np.take_along_axis(told.counts(), kinds, 1), 1))
    jet, out = np.arange(len(kinds))[:, None], np.zeros(kinds.shape)
    for i, (low, high) in enumerate(pairwise(np.log1p(ranks))):
        end = np.maximum(np.minimum(high, last), low + 1e-9)
        share = np.clip((rank - low) / (end - low), 0, 1)
        one, other = (spectra[jet, kinds, i + k] for k in (0, 1))
        out = np.where(rank >= low, one + share * (other - one), out)
    return out


def companions_of(told: Kept) -> tuple[Ints, Ints, Ints, Floats]:
    """Jet, row, column and strength of the companions that are told."""
    jet, at = (told.kinds() == KINDS).nonzero()
    return jet, told.row[jet, at], told.col[jet, at], told.strength[jet, at]


def objects_of_code(told: Kept, grid: Grid) -> tuple[Ints, Ints, Ints, Floats, Ints, Ints]:
    """Jet, tower, pixel, strength, kind and number within its kind of the objects told."""
    kinds = told.kinds()
    jet, at = (kinds < KINDS).nonzero()
    row, col, kind = told.row[jet, at], told.col[jet, at], kinds[jet, at]
    b = grid.block
    tower = row // b * grid.cols + col // b
    pixel = np.where(kind == TOWERS, 0, row % b * b + col % b)
    return jet, tower, pixel, told.strength[jet, at], kind, told.ranks()[jet, at]
