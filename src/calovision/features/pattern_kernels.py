"""Numbers of the neighbourhood of cells: rings around hits, connected areas, cells of other layers.

All run on the sparse hits of one channel of one event: ``row``, ``col`` and ``energy`` ``(h,)`` of
its readout cells. A grid ``(side + 2 REACH, ...)`` holds what lies in the cells, with an empty
margin, so that no window leaves it. Distances are Chebyshev's, in cells of the grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.features.cell_windows import REACH, areas, rings
from calovision.utils.compiled import compiled

FAR = REACH + 1  #: distance of what is not in the window
NAN = np.nan
#: numbers of one channel, in the order in which :func:`of_channel` writes them
OWN = (
    *(f"least_within_{k}" for k in range(1, REACH + 1)),
    *(f"mean_within_{k}" for k in (1, 2, 4, 8)),
    *(f"alone_within_{k}" for k in (1, 2, 4, 8)),
    *(f"share_with_{k}_neighbours" for k in (0, 1, 2)),
    *("neighbours_3x3", "neighbours_9x9", "fewest_9x9", "most_9x9"),
    *("peaks", "share_of_peaks", "lowest_peak", "over_neighbours", "spread_over_neighbours"),
    *("like_neighbours", "energy_alone", "hottest_alone"),
    *("hottest_row", "hottest_col", "hottest_from_centre"),
    *("second_over_hottest", "second_from_hottest", "hottest_over_3x3", "hottest_over_9x9"),
    *("areas", "largest_area", "second_area", "areas_of_1", "areas_of_2"),
    *("share_in_largest", "lowest_hottest_of_area", "lowest_sum_of_area"),
    *("duplicates", "at_border", "even_rows", "even_cols", "mean_row", "mean_col"),
)
#: numbers of the hits of one channel and the cells of another
ACROSS = (
    *(f"share_without_within_{k}" for k in (0, 1, 2, 4, 8)),
    *(f"energy_without_within_{k}" for k in (0, 1, 2, 4, 8)),
    *("distance", "energy_within_1", "likeness_within_1", "likeness_within_4"),
    *("likeness_of_sum_within_2", "likeness_of_sum_within_8"),
    *("over_other", "spread_over_other"),
    *(f"{of}_within_{k}" for k in (4, 8) for of in ("offset_row", "offset_col", "offset")),
    *("hottest_rows_apart", "hottest_cols_apart", "hottest_over_hottest", "at_hottest"),
)
N_OWN, N_ACROSS = len(OWN), len(ACROSS)


@compiled(nogil=True, error_model="numpy")
def of_channel(
    grid: NDArray[np.float32],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    energy: NDArray[np.float64],
    sides: tuple[int, int],
    edges: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Numbers of one channel: :data:`OWN`, then those of energies near ``edges``.

    Args:
        grid: contents of the cells.
        row: of the lit cells.
        col: likewise.
        energy: likewise, above 0.
        sides: cells along rows and columns, without the margin.
        edges: ``(q,)`` energies between which hits are counted.
        out: ``(len(OWN) + 3 + (q + 1) + 4 q,)``, filled; NaN is what does not exist: besides
            :data:`OWN` the logarithms of the three lowest energies, shares of hits between the
            edges, and hits without one above each edge within 1, 2, 4 and 8 cells.
    """
    h, own, q = len(row), N_OWN, len(edges)
    out[:] = NAN
    if h == 0:
        return
    most, lit = np.empty((h, REACH + 1)), np.empty((h, REACH + 1), np.int64)
    around = np.empty((h, REACH + 1))
    rings(grid, row, col, most, lit, around)
    logs = np.log(energy)
    mean, spread = logs.mean(), logs.std()
    at = 0
    for k in range(1, REACH + 1):
        out[at] = np.log(most[:, k].min())
        at += 1
    for k in (1, 2, 4, 8):
        out[at] = np.log(most[:, k]).mean()
        at += 1
    for k in (1, 2, 4, 8):
        out[at] = (lit[:, k] == 1).sum()
        at += 1
    for k in range(3):
        out[at] = (lit[:, 1] == 1 + k).mean()
        at += 1
    out[at], out[at + 1] = lit[:, 1].mean(), lit[:, 4].mean()
    out[at + 2], out[at + 3] = lit[:, 4].min(), lit[:, 4].max()
    at += 4
    peaks, lowest, near, ratio, square, like = 0, np.inf, 0, 0.0, 0.0, 0.0
    lone, hot_lone = 0.0, 0.0
    for i in range(h):
        if energy[i] >= most[i, 1]:
            peaks += 1
            lowest = min(lowest, energy[i])
        if lit[i, 1] > 1:
            over = logs[i] - np.log(max(around[i, 1] - energy[i], 1e-9) / (lit[i, 1] - 1))
            near += 1
            ratio += over
            square += over**2
            like += (logs[i] - mean) * (logs[i] - over - mean)
        if lit[i, 2] == 1:
            lone += energy[i]
            hot_lone = max(hot_lone, energy[i])
    out[at], out[at + 1], out[at + 2] = peaks, peaks / h, np.log(lowest)
    if near:
        out[at + 3], out[at + 4] = ratio / near, np.sqrt(square / near)
        out[at + 5] = like / near / max(spread**2, 1e-6)
    out[at + 6], out[at + 7] = lone / energy.sum(), np.log1p(hot_lone)
    at += 8
    first = energy.argmax()
    away = (row[first] - (sides[0] - 1) / 2, col[first] - (sides[1] - 1) / 2)
    out[at], out[at + 1], out[at + 2] = away[0], away[1], max(abs(away[0]), abs(away[1]))
    if h > 1:
        second = 0 if first else 1
        for i in range(h):
            if i != first and energy[i] > energy[second]:
                second = i
        out[at + 3] = energy[second] / energy[first]
        out[at + 4] = max(abs(row[second] - row[first]), abs(col[second] - col[first]))
    out[at + 5], out[at + 6] = energy[first] / around[first, 1], energy[first] / around[first, 4]
    at += 7
    room, size = np.empty(h, np.int64), np.empty(h, np.int64)
    total, highest = np.empty(h), np.empty(h)
    n = areas(grid, row, col, room, size, total, highest)
    for i in range(h):
        grid[row[i] + REACH, col[i] + REACH] *= -1
    size, total, highest = size[:n], total[:n], highest[:n]
    largest = size.argmax()
    out[at], out[at + 1] = n, size[largest]
    out[at + 2] = 0 if n == 1 else np.sort(size)[-2]
    out[at + 3], out[at + 4] = (size == 1).sum(), (size == 2).sum()
    out[at + 5] = total[largest] / energy.sum()
    out[at + 6], out[at + 7] = np.log(highest.min()), np.log(total.min())
    at += 8
    ordered = np.sort(energy)
    same = 0
    for i in range(1, h):
        same += ordered[i] == ordered[i - 1]
    border = (row == 0) | (col == 0) | (row == sides[0] - 1) | (col == sides[1] - 1)
    out[at], out[at + 1] = same, border.sum()
    out[at + 2], out[at + 3] = (row % 2 == 0).mean(), (col % 2 == 0).mean()
    out[at + 4] = (row * energy).sum() / energy.sum() - (sides[0] - 1) / 2
    out[at + 5] = (col * energy).sum() / energy.sum() - (sides[1] - 1) / 2
    for i in range(min(3, h)):
        out[own + i] = np.log(ordered[i])
    below = np.searchsorted(ordered, edges)
    for k in range(q + 1):
        low = below[k - 1] if k else 0
        high = below[k] if k < q else h
        out[own + 3 + k] = (high - low) / h
    at = own + 3 + q + 1
    for k in (1, 2, 4, 8):
        for e in range(q):
            out[at] = (most[:, k] < edges[e]).sum()
            at += 1


@compiled(nogil=True, error_model="numpy")
def across(
    grid: NDArray[np.float32],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    energy: NDArray[np.float64],
    hottest: tuple[int, int, float],
    out: NDArray[np.float32],
) -> None:
    """Numbers of the hits of one channel and the cells of another: :data:`ACROSS`.

    Args:
        grid: content of the cells of the other channel, pixel by pixel.
        row: pixels of the hits of the one channel.
        col: likewise.
        energy: likewise, above 0.
        hottest: row, column and content of the hottest cell of the other; no content, no cell.
        out: filled; NaN is what does not exist.
    """
    h = len(row)
    out[:] = NAN
    if h == 0 or hottest[2] <= 0:
        return
    most, lit = np.empty((h, REACH + 1)), np.empty((h, REACH + 1), np.int64)
    around = np.empty((h, REACH + 1))
    rings(grid, row, col, most, lit, around)
    total, at = energy.sum(), 0
    for k in (0, 1, 2, 4, 8):
        without, lost = 0, 0.0
        for i in range(h):
            if lit[i, k] == 0:
                without += 1
                lost += energy[i]
        out[at], out[at + 5] = without / h, lost / total
        at += 1
    at += 5
    logs = np.log(energy)
    out[at] = FAR - (lit > 0).sum() / h  # mean distance, FAR for what is not in reach
    found = lit[:, 1] > 0
    if found.any():
        out[at + 1] = np.log(most[found, 1]).mean()
    at += 2
    for k in (1, 4):
        found = lit[:, k] > 0
        if found.sum() > 2:
            x, y = logs[found], np.log(most[found, k])
            x, y = x - x.mean(), y - y.mean()
            norm = np.sqrt((x * x).sum() * (y * y).sum())
            if norm > 0:
                out[at] = (x * y).sum() / norm
        at += 1
    for k in (2, 8):
        x, y = np.sqrt(energy), np.sqrt(around[:, k])
        x, y = x - x.mean(), y - y.mean()
        norm = np.sqrt((x * x).sum() * (y * y).sum())
        if norm > 0:
            out[at] = (x * y).sum() / norm
        at += 1
    found = lit[:, 0] > 0
    if found.any():
        over = logs[found] - np.log(most[found, 0])
        out[at], out[at + 1] = over.mean(), over.std()
    at += 2
    for reach in (4, REACH):
        known, down, right, away = 0.0, 0.0, 0.0, 0.0
        for i in range(h):
            for a in range(-reach, reach + 1):
                for b in range(-reach, reach + 1):
                    found_there = grid[row[i] + REACH + a, col[i] + REACH + b]
                    if found_there > 0:
                        weight = np.sqrt(energy[i] * found_there)
                        known += weight
                        down += weight * a
                        right += weight * b
                        away += weight * max(abs(a), abs(b))
        if known:
            out[at], out[at + 1], out[at + 2] = down / known, right / known, away / known
        at += 3
    first = energy.argmax()
    out[at], out[at + 1] = row[first] - hottest[0], col[first] - hottest[1]
    out[at + 2] = np.log(energy[first] / hottest[2])
    out[at + 3] = most[first, 4] / hottest[2]


def width(edges: int) -> int:
    """Numbers of one channel with that many edges of energy."""
    return N_OWN + 3 + (edges + 1) + 4 * edges
