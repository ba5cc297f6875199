"""Splits of true images at a level: the training targets of its network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calovision.models.generators.splitting.binary_tree import BinaryTree, Ints
from calovision.models.generators.splitting.fill import PAD, climb, fill, logarithms, wipe
from calovision.models.generators.splitting.hits import Floats, Hits, intervals
from calovision.models.generators.splitting.level import Cut, contexts
from calovision.models.generators.splitting.pyramid import Level
from calovision.utils.compiled import compiled


def split_targets(partition: BinaryTree, stage: int, hits: Hits, unit: Floats) -> tuple[Any, ...]:
    """Arrays of all nodes of some images that divide at a stage.

    Images are looked at one after another: three levels of a single one stay in the processor's
    cache, and little has to be wiped for the next.

    Args:
        partition: of the window.
        stage: which cut.
        hits: of the images.
        unit: ``(C,)`` GeV; energies enter the networks as ``log(1 + E / unit)``.

    Returns:
        image ``(m,)`` int64, context ``(m, inputs)``, contents of the nodes and of their first
        halves ``(m, C, 2)``, fewest and most hits of the first halves ``(m, C)``.
    """
    cut = Cut.of(partition, stage)
    lengths, (rows, cols) = hits.lengths, partition.shape(stage)
    most = int(np.minimum(lengths, rows * cols).sum())
    owner = np.empty(most, np.int64)
    seen = np.empty((most, cut.inputs), np.float32)
    contents = np.empty((2, most, cut.channels, 2), np.float32)
    limits = np.empty((2, most, cut.channels), np.float32)
    levels, pixels, parents = _tables(partition, stage)
    empty: list[Any] = []
    for level in levels:
        made = Level.empty(partition, level, 1)
        empty += [made.content, made.seen]
    found = _known(
        *(owner, seen, contents, limits, int(lengths.max(initial=0))),
        *(*empty, pixels, *parents, cut.cells, unit),
        *(*hits.arrays, *cut.tables),
    )
    return owner[:found], seen[:found], *contents[:, :found], *limits[:, :found]


@lru_cache(maxsize=64)
def _tables(partition: BinaryTree, stage: int) -> tuple[tuple[int, int, int], Ints, list[Ints]]:
    """Levels that a stage looks at, the intervals of their pixels, and how the first two lie."""
    here, following = stage, stage + 1
    levels = (here, following, partition.coarse(stage))
    pixels = np.stack([intervals(partition, level) for level in levels])
    depths = zip(partition.axes, partition.depths(following), partition.depths(here), strict=True)
    return levels, pixels, [axis.ancestors(fine, coarse) for axis, fine, coarse in depths]


@compiled
def _known(  # type: ignore[no-untyped-def]
    owner, seen, contents, limits, most, here, here_seen, following, following_seen, around,
    around_seen, pixels, parent_row, parent_col, cells, unit, images, offsets, *rest
):  # fmt: skip
    """Write the arrays of :func:`split_targets`; returns how many rows they have.

    ``rest`` are the other arrays of the hits, then the tables of the cut.
    """
    hits, tables = rest[:6], rest[6:]
    coarse_row, coarse_col, axis, first, second, _, cut = tables
    total, none = 0, np.float32(0.0)
    one, two = np.zeros((most, 3), np.int32), np.zeros((most, 3), np.int32)
    three, chosen = np.zeros_like(one), np.zeros_like(one)
    whole, half, wide = here[0], following[0], around[0]
    whole_seen, half_seen, wide_seen = here_seen[0], following_seen[0], around_seen[0]
    own, fine, coarse = pixels[0], pixels[1], pixels[2]
    for b in range(len(images)):
        mine = images[b]
        # Hits are counted on the finest level alone, which the others sum up; channels that end
        # above it are added.
        n = fill(half, two, 0, 0, mine, offsets, *hits, fine[0], fine[1])
        m = climb(whole, one, half, two, n, parent_row, parent_col)
        if here.shape[3] > following.shape[3]:
            m = fill(whole, one, m, cut, mine, offsets, *hits, own[0], own[1])
        w = climb(wide, three, whole, one, m, coarse_row, coarse_col)
        if around.shape[3] > here.shape[3]:
            least = here.shape[3] // 2
            w = fill(wide, three, w, least, mine, offsets, *hits, coarse[0], coarse[1])
        logarithms(here, here_seen, one, m, unit)
        logarithms(following, following_seen, two, n, unit)
        logarithms(around, around_seen, three, w, unit)
        found = 0
        for k in range(m):
            i, j = one[k, 1], one[k, 2]
            lit = False
            for c in range(cut):
                lit = lit or here[0, i + PAD, j + PAD, 2 * c] != 0.0
            interval = i if axis == 0 else j
            if second[interval] < 0 or not lit:
                continue
            u = first[interval] if axis == 0 else i
            v = j if axis == 0 else first[interval]
            at = total + found
            for c in range(cut):
                for x in range(2):
                    contents[0, at, c, x] = here[0, i + PAD, j + PAD, 2 * c + x]
                    contents[1, at, c, x] = following[0, u + PAD, v + PAD, 2 * c + x]
                all_hits = contents[0, at, c, 0]
                limits[0, at, c] = max(all_hits - cells[1, i, j, c], none)
                limits[1, at, c] = min(all_hits, cells[0, i, j, c])
            owner[at] = b
            chosen[found, 1], chosen[found, 2] = i, j
            found += 1
        contexts(seen, total, chosen, found, here_seen, following_seen, around_seen, *tables)
        total += found
        wipe(whole, one, m)
        wipe(half, two, n)
        wipe(wide, three, w)
        wipe(whole_seen, one, m)
        wipe(half_seen, two, n)
        wipe(wide_seen, three, w)
    return total
