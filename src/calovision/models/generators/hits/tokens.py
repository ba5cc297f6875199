"""Jet images as lists of objects, and back without loss.

Of a hit counts its *strength*: the logarithm of its energy over the threshold at its place. Objects
are towers, tracks and seeds of the fine calorimeter, each strongest first; the rest of the fine
calorimeter are companions, which have a seed nearby. So no rule of a read-out can be broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.models.generators.hits.read_out import ReadOut, largest_nearby
from calovision.models.generators.sequences import padded, padded_groups
from calovision.training.task import Batch, as_tensor

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
TOWERS, TRACKS, SEEDS, KINDS = 0, 1, 2, 3


class Grid(NamedTuple):
    """Towers of an image, each of ``block`` x ``block`` pixels.

    Attributes:
        rows, cols: of towers.
        block: pixels along each side of one.
    """

    rows: int
    cols: int
    block: int

    @property
    def towers(self) -> int:
        """How many."""
        return self.rows * self.cols

    @property
    def middle(self) -> int:
        """Number of the tower in the middle."""
        return self.rows // 2 * self.cols + self.cols // 2

    @property
    def pixels(self) -> int:
        """Of a tower."""
        return self.block**2

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return self.rows * self.block, self.cols * self.block


class Layers(NamedTuple):
    """Numbers of the channels: tower calorimeter, tracker, fine calorimeter, as the kinds."""

    towers: int
    tracks: int
    seeds: int


def layers_of(geometry: Geometry) -> tuple[Layers, Grid]:
    """Which channel is what, and the grid of towers.

    Raises:
        InputError: they are not a tracker and two calorimeters, one of pixels, one of towers.
    """
    found: dict[tuple[str | None, bool], list[int]] = {}
    for number, channel in enumerate(geometry.channels):
        found.setdefault((channel.kind, channel.block > 1), []).append(number)
    wanted = [("calorimeter", True), ("tracker", False), ("calorimeter", False)]
    if len(geometry.channels) != KINDS or any(len(found.get(k, ())) != 1 for k in wanted):
        raise InputError(
            f"images of channels {', '.join(geometry.channel_names)} are not what it draws",
            "give a tracker, a calorimeter of pixels and one of towers",
        )
    towers, tracks, seeds = (found[k][0] for k in wanted)
    block = geometry.channels[towers].block
    grid = Grid(geometry.rows // block, geometry.cols // block, block)
    return Layers(towers, tracks, seeds), grid


@dataclass
class Objects:
    """Objects and companions of jets, jagged.

    Attributes:
        counts: ``(n, 3)`` towers, tracks and seeds of every jet.
        tower: ``(m,)`` number of the tower.
        pixel: ``(m,)`` number of the pixel in it; 0 of a whole tower.
        strength: ``(m,)`` logarithm of the energy over the threshold.
        companions: ``(n,)`` how many.
        cell: ``(k,)`` pixels of the companions.
        weak: ``(k,)`` their strengths.
        window: ``(n,)`` towers from eta 0 to the middle of the image, which counts as 1/2 more.
        side: ``(n,)`` -1 for images that are turned over in eta, so that ``window`` is not
            negative, else 1.
    """

    counts: Ints
    tower: Ints
    pixel: Ints
    strength: Floats
    companions: Ints
    cell: Ints
    weak: Floats
    window: Ints
    side: Ints

    def __len__(self) -> int:
        return len(self.window)

    def sums(self) -> Floats:
        """``(n, 3)`` sums of energies over thresholds, of every kind."""
        n, kind = len(self), np.tile(np.arange(KINDS), len(self))
        index = np.repeat(np.arange(n) * KINDS, self.counts.sum(1)) + np.repeat(
            kind, self.counts.ravel()
        )
        flat = np.bincount(index, np.exp(self.strength.astype(np.float64)), n * KINDS)
        return flat.reshape(n, KINDS).astype(np.float32)


def objects_of(events: Events, law: ReadOut) -> Objects:
    """Objects and companions of some jets.

    Raises:
        InputError: hits that are not whole cells, or not of positive energy.
    """
    layers, grid = layers_of(events.geometry)
    if (events.code >= KINDS).any() or not (events.value > 0).all():
        raise InputError(
            "some hits are not whole cells of positive energy", "give images as a detector reads"
        )
    rows, cols = grid.sides
    window = law.windows(events)
    side = np.where(window < 0, -1, 1)
    window = np.where(window < 0, -1 - window, window)
    owner = events.owner
    row, col = np.divmod(events.cell.astype(np.int64), cols)
    row = np.where(side[owner] > 0, row, rows - 1 - row)
    kind = np.array([layers.index(c) for c in range(KINDS)])[events.channel]
    strength = np.log(events.energy) - law.log_threshold(events.channel, row, window[owner])
    strength = np.maximum(strength, 0.0).astype(np.float32)
    nearest = largest_nearby(events.offsets, kind == SEEDS, row, col, strength, (rows, cols))
    seed = (strength >= law.seed) | (nearest[:, law.reach] < law.seed)
    core = (kind != SEEDS) | seed
    tower = row // grid.block * grid.cols + col // grid.block
    pixel = np.where(kind == TOWERS, 0, row % grid.block * grid.block + col % grid.block)
    middle = (kind == TOWERS) & (tower == grid.middle)
    weaker = np.lexsort((-strength, ~middle, kind, owner))
    order = weaker[core[weaker]]
    counts = np.bincount(owner[core] * KINDS + kind[core], minlength=len(events) * KINDS)
    rest = ~core
    return Objects(
        counts.reshape(-1, KINDS),
        tower[order],
        pixel[order],
        strength[order],
        np.bincount(owner[rest], minlength=len(events)),
        (row * cols + col)[rest],
        strength[rest],
        window,
        side,
    )


def events_of(found: Objects, law: ReadOut, geometry: Geometry) -> Events:
    """The images, without columns."""
    layers, grid = layers_of(geometry)
    rows, cols = grid.sides
    n = len(found)
    counts = found.counts.ravel()
    kind = np.repeat(np.tile(np.arange(KINDS), n), counts)
    owner = np.repeat(np.repeat(np.arange(n), KINDS), counts)
    middle = grid.block // 2 * (grid.block + 1)
    pixel = np.where(kind == TOWERS, middle, found.pixel)
    row = found.tower // grid.cols * grid.block + pixel // grid.block
    col = found.tower % grid.cols * grid.block + pixel % grid.block
    owner = np.append(owner, np.repeat(np.arange(n), found.companions))
    kind = np.append(kind, np.full(len(found.cell), SEEDS))
    row, col = np.append(row, found.cell // cols), np.append(col, found.cell % cols)
    strength = np.append(found.strength, found.weak)
    code = np.array(layers)[kind]
    energy = np.exp(strength + law.log_threshold(code, row, found.window[owner]))
    row = np.where(found.side[owner] > 0, row, rows - 1 - row)
    scale = np.array([c.gev_per_unit * c.block**2 for c in geometry.channels])
    cell = row * cols + col
    order = np.lexsort((cell, code, owner))
    return Events(
        geometry,
        offsets_of(np.bincount(owner, minlength=n)),
        cell[order].astype(np.uint16),
        code[order].astype(np.uint8),
        (energy / scale[code])[order].astype(np.float32),
    )


@dataclass
class HitsDataset:
    """Prepared jets.

    Attributes:
        objects: of their images.
        starts: ``(n + 1,)`` first companion of every jet.
        label: ``(n,)`` float32 class.
        numbers: ``(n, size)`` float32, GeV.
        weight: ``(n,)`` how much each counts, where the set says so.
    """

    objects: Objects
    starts: NDArray[np.int64]
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
    """Chosen jets in some groups of about equal numbers of objects, each padded by itself.

    Those of ``turned`` ``(n,)`` are turned over in phi; ``spread`` ``(n, 1 + KINDS)`` in 0..1 is
    for whole numbers.
    """
    found, made = dataset.objects, []
    cols, b = grid.cols, grid.block
    for part, jets, mask, row in padded_groups(found.counts.sum(1), chosen, groups):
        place, turn = np.arange(mask.shape[1]), turned[part]
        tower, pixel, strength = (
            padded(v, mask, row) for v in (found.tower, found.pixel, found.strength)
        )
        ends = found.counts[jets].cumsum(1)
        kind = (place[:, None] >= ends[:, None, : KINDS - 1]).sum(2)
        over = turn[:, None]
        tower = np.where(over & mask, tower // cols * cols + cols - 1 - tower % cols, tower)
        over = over & mask & (kind != TOWERS)
        pixel = np.where(over, pixel // b * b + b - 1 - pixel % b, pixel)
        near = np.concatenate([np.arange(*dataset.starts[[k, k + 1]]) for k in jets])
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
