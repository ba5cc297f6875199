"""Prepared jets of the generator of hits, and batches of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import offsets_of
from calovision.models.generators.hits.tokens import KINDS, TOWERS, Grid, Objects
from calovision.training.task import Batch, as_tensor


@dataclass
class HitsDataset:
    """Prepared jets.

    Attributes:
        objects: of their images.
        starts: ``(n + 1,)`` first object of every jet, then first companion.
        label: ``(n,)`` float32 class.
        numbers: ``(n, size)`` float32, GeV.
        weight: ``(n,)`` how much each counts, where the set says so.
    """

    objects: Objects
    starts: tuple[NDArray[np.int64], NDArray[np.int64]]
    label: NDArray[np.float32]
    numbers: NDArray[np.float32]
    weight: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.label)


def grouped(
    dataset: HitsDataset,
    grid: Grid,
    groups: int,
    chosen: NDArray[np.int64],
    turned: NDArray[np.bool_],
    spread: NDArray[np.float64],
) -> Batch:
    """Groups of jets of about equal numbers of objects, each padded by itself.

    Args:
        dataset: prepared jets.
        grid: of towers.
        groups: how many, at most.
        chosen: some of them.
        turned: ``(n,)`` those that are turned over in phi.
        spread: ``(n, 1 + KINDS)`` in 0..1, added to whole numbers.
    """
    found, made = dataset.objects, []
    totals = found.counts.sum(1)
    order = np.argsort(totals[chosen], kind="stable")
    cols, b = grid.cols, grid.block
    for part in np.array_split(order, min(groups, len(order))):
        jets, turn = chosen[part], turned[part]
        place = np.arange(max(int(totals[jets].max(initial=1)), 1))
        mask = place < totals[jets, None]
        row = dataset.starts[0][jets, None] + place
        row = np.where(mask, row, 0) if len(found.tower) else np.zeros_like(row)
        tower, pixel, strength = (
            np.where(mask, v[row], 0) if len(v) else np.zeros(mask.shape, v.dtype)
            for v in (found.tower, found.pixel, found.strength)
        )
        ends = found.counts[jets].cumsum(1)
        kind = (place[:, None] >= ends[:, None, : KINDS - 1]).sum(2)
        over = turn[:, None]
        tower = np.where(over & mask, tower // cols * cols + cols - 1 - tower % cols, tower)
        over = over & mask & (kind != TOWERS)
        pixel = np.where(over, pixel // b * b + b - 1 - pixel % b, pixel)
        near = _spans(dataset.starts[1], jets)
        owner = np.repeat(np.arange(len(jets)), found.companions[jets])
        wide = grid.sides[1]
        cell = found.cell[near]
        cell = np.where(turn[owner], cell // wide * wide + wide - 1 - cell % wide, cell)
        weight = None if dataset.weight is None else dataset.weight[jets]
        arrays = (
            *(dataset.label[jets], dataset.numbers[jets], spread[part].astype(np.float32)),
            *(mask, kind, tower, pixel, strength, owner, cell, found.weak[near]),
        )
        made.append((*(torch.from_numpy(x) for x in arrays), as_tensor(weight)))
    return (made,)


def _spans(starts: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Entries of the chosen jets in a jagged array."""
    lengths = starts[chosen + 1] - starts[chosen]
    offsets = offsets_of(lengths)
    return np.arange(offsets[-1]) + np.repeat(starts[chosen] - offsets[:-1], lengths)
