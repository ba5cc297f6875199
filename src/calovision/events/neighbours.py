"""Compiled search for the nearest points of an event, with a rule for equal distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.utils.compiled import compiled

Array = NDArray[Any]

NO_NEIGHBOUR = -1  #: in place of a neighbour where an event has too few pixels
_ROUNDING = 1 - 1e-12  # of the bound on distances, so that it errs to the safe side


@compiled(nogil=True)
def nearest(
    first: Array, points: Array, lead: Array, pitch: Array, size: Array, k: int, near: Array
) -> None:
    """For each point the closest others of its event, until they hold ``k`` pixels.

    Candidates are tried outwards along ``lead``, until it alone is farther than what is found.

    Args:
        first: ``(n + 1,)`` int64, first point of every event.
        points: ``(m, d)`` float64, all different within an event.
        lead: ``(m,)`` float64, not falling within an event; two points are at least as far
            from each other as their leads.
        pitch: ``(d,)`` float64, length of one unit of each coordinate.
        size: ``(m,)`` int16, pixels at each point; its own others are its first neighbours.
        k: pixels to reach.
        near: ``(m, k)`` int16, filled with point numbers within the event by rising distance,
            equal distances by point number; the rest with :data:`NO_NEIGHBOUR`.
    """
    best = np.empty(k)
    for event in range(len(first) - 1):
        start, stop = first[event], first[event + 1]
        for i in range(start, stop):
            near[i] = NO_NEIGHBOUR
            missing = k - (size[i] - 1)
            if missing <= 0:
                continue
            kept = 0
            limit = np.inf
            low, high = i - 1, i + 1
            while True:
                below = lead[i] - lead[low] if low >= start else np.inf
                above = lead[high] - lead[i] if high < stop else np.inf
                closest = min(below, above)
                if closest == np.inf or closest * closest * _ROUNDING > limit:
                    break
                j = low if below <= above else high
                if below <= above:
                    low -= 1
                else:
                    high += 1
                square = 0.0
                for axis in range(points.shape[1]):
                    step = (points[j, axis] - points[i, axis]) * pitch[axis]
                    square += step * step
                if square > limit:
                    continue
                number = j - start
                if kept == missing and square == limit and near[i, kept - 1] < number:
                    continue
                place = min(kept, missing - 1)
                while place > 0 and (
                    best[place - 1] > square
                    or (best[place - 1] == square and near[i, place - 1] > number)
                ):
                    best[place] = best[place - 1]
                    near[i, place] = near[i, place - 1]
                    place -= 1
                best[place] = square
                near[i, place] = number
                kept = min(kept + 1, missing)
                if kept == missing:
                    limit = best[missing - 1]
            for place in range(kept):
                if missing <= 0:
                    near[i, place] = NO_NEIGHBOUR
                else:
                    missing -= size[start + near[i, place]]


@compiled(nogil=True)
def mean_weights(
    first: Array, size: Array, near: Array, row: Array, column: Array, weight: Array
) -> int:
    """Mean over the ``k`` neighbouring pixels of every point as a compressed sparse matrix.

    Args:
        first: ``(n + 1,)`` int64, first point of every event.
        size: ``(m,)`` int16, pixels at each point.
        near: ``(m, k)`` int16, from :func:`nearest`.
        row: ``(m + 1,)`` int32, filled: first entry of every point.
        column: ``(m * (k + 1),)`` int32, filled: points averaged over.
        weight: ``(m * (k + 1),)`` float32, filled: their shares.

    Returns:
        Number of entries.
    """
    k = near.shape[1]
    entries = 0
    row[0] = 0
    for event in range(len(first) - 1):
        start, stop = first[event], first[event + 1]
        pixels = 0
        for i in range(start, stop):
            pixels += size[i]
        share = np.float32(1.0 / max(min(k, pixels - 1), 1))
        for i in range(start, stop):
            missing = min(k, pixels - 1)
            own = min(size[i] - 1, missing)
            if own > 0:
                column[entries], weight[entries] = i, own * share
                entries += 1
                missing -= own
            for place in range(k):
                if missing <= 0 or near[i, place] < 0:
                    break
                j = start + near[i, place]
                taken = min(size[j], missing)
                column[entries], weight[entries] = j, taken * share
                entries += 1
                missing -= taken
            row[i + 1] = entries
    return entries


@compiled(nogil=True)
def pixel_edges(first: Array, size: Array, near: Array, source: Array, target: Array) -> int:
    """The ``k`` neighbours of every pixel, pixel numbers counting point after point.

    Args:
        first: ``(n + 1,)`` int64, first point of every event.
        size: ``(m,)`` int16, pixels at each point.
        near: ``(m, k)`` int16, from :func:`nearest`.
        source: ``(pixels * k,)`` int64, filled: neighbour; a point's pixels by rising number.
        target: ``(pixels * k,)`` int64, filled: pixel.

    Returns:
        Number of edges.
    """
    k = near.shape[1]
    begin = np.zeros(len(size) + 1, np.int64)
    for i in range(len(size)):
        begin[i + 1] = begin[i] + size[i]
    edges = 0
    for event in range(len(first) - 1):
        start, stop = first[event], first[event + 1]
        for i in range(start, stop):
            for pixel in range(begin[i], begin[i + 1]):
                missing = k
                for other in range(begin[i], begin[i + 1]):
                    if other != pixel and missing > 0:
                        source[edges], target[edges] = other, pixel
                        edges += 1
                        missing -= 1
                for place in range(k):
                    if missing <= 0 or near[i, place] < 0:
                        break
                    j = start + near[i, place]
                    for other in range(begin[j], begin[j + 1]):
                        if missing > 0:
                            source[edges], target[edges] = other, pixel
                            edges += 1
                            missing -= 1
    return edges
