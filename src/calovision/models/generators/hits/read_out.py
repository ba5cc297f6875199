"""The rules of a detector's read-out, as a set of images shows them.

Thresholds of calorimeters grow with a power of cosh(eta), and hits of a fine calorimeter are read
out around energetic ones. The lowest hits of an image tell at which eta it was taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.cell_windows import REACH, rings
from calovision.utils.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_FARTHEST = 26  #: towers from eta 0 to the middle of an image, at most
_CLOSE = 0.01  #: hits so close above a threshold, relative, show where it is
_SHARPER = 1.5  #: by so much more of them a growing threshold must have than an even one
_FORBIDDEN = 1e6  #: how much worse an image is by a hit that is too low
_BY_CHANCE = 3  #: hits of an image that may be close to thresholds that are moved to them
_POWERS = np.arange(0.0, 2.0, 0.05)
_FINER = np.arange(-0.06, 0.06, 0.004)
_WORSE = 10  #: hits below a threshold to those just above it
_FEWER, _AT_ONCE = 400, 500
_JETS = 1500  #: that the rules are found from
_FEW = 1e-4  #: part of hits that may lie far from all seeds
_FALLBACK = (4, 45)  #: reach, and seeds of a jet, where hits do not stand around seeds


class ReadOut:
    """Thresholds, and where hits can be.

    Args:
        geometry: of the images.
        thresholds: ``(C, 2)`` logarithm of the threshold at eta 0 (GeV), and the power of cosh(eta)
            that it grows with.
        seed: strength that a seed of the fine calorimeter has at least.
        reach: largest distance of its companions, pixels.
    """

    def __init__(self, geometry: Geometry, thresholds: Floats, seed: float, reach: int) -> None:
        self.geometry, self.thresholds = geometry, thresholds
        self.seed, self.reach = seed, reach
        self.tower = max(c.block for c in geometry.channels) * geometry.pitch[0]

    def log_threshold(self, channel: NDArray[Any], row: Ints, window: Ints) -> Floats:
        """Logarithm of thresholds (GeV) in rows of pixels of windows."""
        low, power = self.thresholds[channel].T
        away = (row - (self.geometry.rows - 1) / 2) * self.geometry.pitch[0]
        found: Floats = low + power * np.log(np.cosh(away + (window + 0.5) * self.tower))
        return found

    def windows(self, events: Events) -> Ints:
        """``(n,)`` towers from eta 0 to the middle of images: the most by which no hit is too low.

        Without growing thresholds 0; -1 and less are on the other side of eta 0.
        """
        growing = [int(c) for c in np.flatnonzero(self.thresholds[:, 1] > 0)]
        if not growing or not len(events):
            return np.zeros(len(events), np.int64)
        parts = [events[i : i + _AT_ONCE] for i in range(0, len(events), _AT_ONCE)]
        return np.concatenate([self.windows_of({c: _lowest(e, c) for c in growing}) for e in parts])

    def windows_of(self, lowest: dict[int, tuple[Floats, Floats]], slack: float = 1e-6) -> Ints:
        """The same, from :func:`_lowest` of channels; ``slack`` is how low no hit counts as."""
        windows = np.array(sorted(range(-_FARTHEST, _FARTHEST), key=lambda k: abs(k + 0.5)))
        rows, total = np.arange(self.geometry.rows), np.zeros((1, len(windows)))
        for c, (low, number) in lowest.items():
            used = number.any(0)
            limit = self.log_threshold(np.array([c]), rows[None, used], windows[:, None])
            below = limit - low[:, None, used] - slack  # far below for rows without hits
            total = total + number[:, used] @ limit.T
            total -= _FORBIDDEN * ((below > 0) + np.maximum(below, 0)).sum(2)
        best: Ints = windows[np.argmax(total, 1)]
        return best


def read_out_of(events: Events, fine: int) -> ReadOut:
    """The rules that a set of images shows; ``fine`` is its calorimeter of pixels."""
    events = events[:_JETS].load()
    geometry = events.geometry
    lows = [events.energy[events.channel == c] for c in range(len(geometry.channels))]
    at_0 = np.array([np.log(e.min()) if len(e) else 0.0 for e in lows], np.float64)
    law = ReadOut(geometry, np.stack([at_0, np.zeros_like(at_0)], 1), 0.0, 0)
    few = events[:_FEWER]
    lowest, hits = _lowest(few, fine), (few.channel == fine).sum() / max(len(few), 1)

    def sharpness(power: float, c: int, close: float) -> float:
        """Share of hits just above the threshold; those below it count much against it."""
        law.thresholds[c, 1] = power
        over = _strengths(few, law, law.windows_of({fine: lowest}, _CLOSE))[few.channel == c]
        return float((np.abs(over) < close).mean() - _WORSE * (over < -close / 5).mean())

    def sharpest(c: int) -> float:
        """The power of a channel; 0 if none is much better than that."""
        rough = [sharpness(p, c, 3 * _CLOSE) for p in _POWERS]
        found = _POWERS[int(np.argmax(rough))]
        if max(rough) < max(_SHARPER * rough[0], _BY_CHANCE / hits if c == fine else 0):
            return 0.0
        return float(max(found + _FINER, key=lambda p: sharpness(p, c, _CLOSE)))

    law.thresholds[fine, 1] = sharpest(fine)
    for c, channel in enumerate(geometry.channels):
        if channel.is_calorimeter and c != fine and law.thresholds[fine, 1]:
            law.thresholds[c, 1] = sharpest(c)
    # no hit is below a threshold
    strength = _strengths(events, law, law.windows(events))
    for c in range(len(geometry.channels)):
        law.thresholds[c, 0] += min(strength[events.channel == c].min(initial=0), 0)
    strength = _strengths(events, law, law.windows(events))
    law.seed, law.reach = _seeds(events, np.maximum(strength, 0), fine)
    return law


def _strengths(events: Events, law: ReadOut, window: Ints) -> Floats:
    row = events.cell.astype(np.int64) // law.geometry.cols
    limit = law.log_threshold(events.channel, row, window[events.owner])
    found: Floats = np.log(events.energy) - limit
    return found


def _seeds(events: Events, strength: Floats, fine: int) -> tuple[float, int]:
    """Strength of seeds, and the reach of their companions."""
    geometry = events.geometry
    row, col = np.divmod(events.cell.astype(np.int64), geometry.cols)
    sides, mine = (geometry.rows, geometry.cols), events.channel == fine
    if not mine.any():
        return 0.0, 1
    nearest = largest_nearby(events.offsets, mine, row, col, strength.astype(np.float32), sides)
    lowest = np.quantile(nearest[mine], _FEW, axis=0)
    reach = 1 + int(np.argmax(np.diff(lowest)))
    if lowest[reach] - lowest[reach - 1] > 1:
        return float(lowest[reach]), reach
    ordered = np.sort(strength[mine])[::-1]
    return float(ordered[min(_FALLBACK[1] * len(events), len(ordered) - 1)]), _FALLBACK[0]


def _lowest(events: Events, channel: int) -> tuple[Floats, Floats]:
    """``(n, rows)`` logarithm of the lowest energy (GeV), and number of hits."""
    mine = events.channel == channel
    shape = (len(events), events.geometry.rows)
    place = events.owner[mine], events.cell[mine].astype(np.int64) // events.geometry.cols
    low = np.full(shape, 99.0)
    np.minimum.at(low, place, np.log(events.energy[mine]))
    number = np.bincount(np.ravel_multi_index(place, shape), minlength=shape[0] * shape[1])
    return low, number.reshape(shape).astype(np.float64)


@compiled(nogil=True, error_model="numpy")
def largest_nearby(
    offsets: Ints,
    mine: NDArray[np.bool_],
    row: Ints,
    col: Ints,
    strength: NDArray[np.float32],
    sides: tuple[int, int],
) -> Floats:
    """``(hits, REACH + 1)`` largest strength of a channel's hits up to each distance, pixels.

    Args:
        offsets: ``(n + 1,)`` first hit of every image.
        mine: ``(hits,)`` those of the channel; of others it is 0.
        row: ``(hits,)`` of the pixels.
        col: likewise.
        strength: ``(hits,)``, 0 or more.
        sides: rows and columns of pixels.
    """
    out = np.zeros((len(row), REACH + 1))
    grid = np.zeros((sides[0] + 2 * REACH, sides[1] + 2 * REACH), np.float32)
    for i in range(len(offsets) - 1):
        hits = offsets[i] + np.flatnonzero(mine[offsets[i] : offsets[i + 1]])
        for k in hits:
            grid[row[k] + REACH, col[k] + REACH] = strength[k] + 1
        found = np.empty((len(hits), REACH + 1))
        lit, total = np.empty((len(hits), REACH + 1), np.int64), np.empty((len(hits), REACH + 1))
        rings(grid, row[hits], col[hits], found, lit, total)
        for j, k in enumerate(hits):
            grid[row[k] + REACH, col[k] + REACH] = 0
            out[k] = found[j] - 1
    return out
