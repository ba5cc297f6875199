"""Windows around cells, and connected areas: compiled loops over a grid with an empty margin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.utils.compiled import compiled

REACH = 8  #: cells that a window reaches to each side


@compiled(nogil=True, error_model="numpy")
def rings(
    grid: NDArray[np.float32],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    most: NDArray[np.float64],
    lit: NDArray[np.int64],
    energy: NDArray[np.float64],
) -> None:
    """Fill ``(h, REACH + 1)``: the largest content, the lit cells and their sum up to a distance.

    Args:
        grid: contents of the cells.
        row: of the middles of the windows, margin not counted.
        col: likewise.
        most: the largest content within each distance, 0 if there is none.
        lit: number of cells with content.
        energy: their sum.
    """
    for i in range(len(row)):
        for k in range(REACH + 1):
            most[i, k], lit[i, k], energy[i, k] = 0.0, 0, 0.0
        for a in range(2 * REACH + 1):
            for b in range(2 * REACH + 1):
                found = grid[row[i] + a, col[i] + b]
                if found > 0:
                    k = max(abs(a - REACH), abs(b - REACH))
                    most[i, k] = max(most[i, k], found)
                    lit[i, k] += 1
                    energy[i, k] += found
        for k in range(1, REACH + 1):
            most[i, k] = max(most[i, k], most[i, k - 1])
            lit[i, k] += lit[i, k - 1]
            energy[i, k] += energy[i, k - 1]


@compiled(nogil=True, error_model="numpy")
def areas(
    grid: NDArray[np.float32],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    number: NDArray[np.int64],
    size: NDArray[np.int64],
    total: NDArray[np.float64],
    highest: NDArray[np.float64],
) -> int:
    """Connected areas, corners included: their number, and size, sum and largest content of each.

    Args:
        grid: contents of the cells; negative afterwards, to be restored by the caller.
        row: of the lit cells.
        col: likewise.
        number: ``(h,)`` working space.
        size: ``(h,)`` cells of each area.
        total: ``(h,)`` their sum.
        highest: ``(h,)`` the largest of them.
    """
    found = 0
    side = grid.shape[1]
    for i in range(len(row)):
        if grid[row[i] + REACH, col[i] + REACH] <= 0:
            continue
        waiting = 1
        number[0] = (row[i] + REACH) * side + col[i] + REACH
        size[found], total[found], highest[found] = 0, 0.0, 0.0
        grid[row[i] + REACH, col[i] + REACH] *= -1
        while waiting:
            waiting -= 1
            r, c = number[waiting] // side, number[waiting] % side
            content = -float(grid[r, c])
            size[found] += 1
            total[found] += content
            highest[found] = max(highest[found], content)
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    if grid[r + dr, c + dc] > 0:
                        grid[r + dr, c + dc] *= -1
                        number[waiting] = (r + dr) * side + c + dc
                        waiting += 1
        found += 1
    return found
