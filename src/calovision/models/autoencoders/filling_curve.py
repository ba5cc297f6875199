"""Places in an image as one number, so that near numbers are near places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class FillingCurve:
    """Pixels in an order in which neighbours are near: Hilbert's curve.

    Args:
        side: of the images, pixels.
    """

    def __init__(self, side: int) -> None:
        self.order = max(side - 1, 1).bit_length()
        self.cells = 4**self.order
        self.step = 2 / self.cells

    def along(self, row: Ints, col: Ints) -> Floats:
        """Places of pixels, in -1..1."""
        x, y, found = row.copy(), col.copy(), np.zeros(row.shape, np.int64)
        for bit in reversed(range(self.order)):
            right, up = x >> bit & 1, y >> bit & 1
            found += (3 * right ^ up) << 2 * bit
            x, y = _turned(x, y, right, up, (1 << self.order) - 1)
        places: Floats = (found + 0.5) * self.step - 1
        return places

    def at(self, place: Floats) -> tuple[Ints, Ints]:
        """Row and column of places; the inverse of :meth:`along`."""
        left = np.clip(np.floor((place + 1) / self.step), 0, self.cells - 1).astype(np.int64)
        x, y = np.zeros_like(left), np.zeros_like(left)
        for bit in range(self.order):
            right = left >> 1 & 1
            up = (left ^ right) & 1
            x, y = _turned(x, y, right, up, (1 << bit) - 1)
            x, y = x + (right << bit), y + (up << bit)
            left >>= 2
        return x, y


def _turned(x: Ints, y: Ints, right: Ints, up: Ints, most: int) -> tuple[Ints, Ints]:
    """A quarter of the curve as the whole: its lower quarters are turned over."""
    over = (up == 0) & (right == 1)
    x, y = np.where(over, most - x, x), np.where(over, most - y, y)
    return np.where(up == 0, y, x), np.where(up == 0, x, y)
