"""Local patterns of images: what a cell has beside it, near a threshold, and in other channels.

Observables are sums over an event, which one wrong cell in a hundred does not move. Here the
lowest, the loneliest and the farthest count. Nothing is known of how the events were made: the
energies between which hits are counted are quantiles of the events themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.cell_windows import REACH
from calovision.features.pattern_kernels import (
    ACROSS,
    N_ACROSS,
    OWN,
    across,
    of_channel,
    width,
)
from calovision.parallel.threads import side_by_side
from calovision.utils.compiled import compiled

#: of the energies of hits; narrow at both ends, where thresholds and seeds are
QUANTILES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
CHUNK = 250  #: events at a time
MOST = 2048  #: cells of a channel that are looked at, the hottest; dense outputs have 15,000
SMALLEST = 1e-6  #: GeV or ns; what a hit has at least

Floats = NDArray[np.float32]


def strengths(events: Events) -> NDArray[np.float64]:
    """``(hits,)`` energies in GeV; of times the size, in ns."""
    return np.maximum(np.abs(events.measured.astype(np.float64)), SMALLEST)


def energy_edges(samples: Sequence[Events]) -> NDArray[np.float64]:
    """``(C, q)`` quantiles of the hits of all samples together, channel by channel, GeV or ns.

    Of samples together, so that they do not depend on which of them is the truth.
    """
    channels = len(samples[0].geometry.channels)
    edges = np.zeros((channels, len(QUANTILES)))
    for c in range(channels):
        found = np.concatenate([strengths(s)[s.channel == c] for s in samples])
        if len(found):
            edges[c] = np.quantile(found, QUANTILES)
    return edges


def pattern_names(events: Events) -> tuple[str, ...]:
    """Names of the columns of :func:`patterns`."""
    names = events.geometry.channel_names
    energies = [f"lowest_{k}" for k in range(3)]
    energies += [f"share_at_{q:g}" for q in (0, *QUANTILES)]
    energies += [f"without_{q:g}_within_{k}" for k in (1, 2, 4, 8) for q in QUANTILES]
    own = [f"{of}_{c}" for c in names for of in (*OWN, *energies)]
    pairs = [(c, d) for c in names for d in names if c != d]
    return (*own, *(f"{of}_{c}_{d}" for c, d in pairs for of in ACROSS))


def patterns(events: Events, edges: NDArray[np.float64]) -> Floats:
    """Local numbers of every event, for trees.

    Args:
        events: ``n`` images of any channels.
        edges: ``(C, q)``, of :func:`energy_edges`.

    Returns:
        ``(n, k)``, named by :func:`pattern_names`; NaN where an event has no such thing.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> patterns(crops, energy_edges([crops])).shape == (4, len(pattern_names(crops)))
        True
    """
    starts = range(0, max(len(events), 1), CHUNK)

    def part(start: int) -> Floats:
        return _patterns(events[start : start + CHUNK].load(), edges)

    return np.concatenate(list(side_by_side(part, starts)))


def _patterns(events: Events, edges: NDArray[np.float64]) -> Floats:
    geometry = events.geometry
    channels = len(geometry.channels)
    columns = channels * width(edges.shape[1]) + channels * (channels - 1) * N_ACROSS
    out = np.empty((len(events), columns), np.float32)
    cell = events.cell.astype(np.int64)
    _fill(
        events.offsets - events.offsets[0],
        events.channel.astype(np.int64),
        cell // geometry.cols,
        cell % geometry.cols,
        np.array([c.block for c in geometry.channels])[events.channel] // np.sqrt(events.area),
        strengths(events),
        np.array([c.block for c in geometry.channels]),
        (geometry.rows, geometry.cols),
        edges,
        width(edges.shape[1]),
        out,
    )
    return out


@compiled(nogil=True, error_model="numpy")
def _fill(
    offsets: NDArray[np.int64],
    channel: NDArray[np.int64],
    pixel_row: NDArray[np.int64],
    pixel_col: NDArray[np.int64],
    lone: NDArray[np.float64],
    energy: NDArray[np.float64],
    block: NDArray[np.int64],
    sides: tuple[int, int],
    edges: NDArray[np.float64],
    own: int,
    out: Floats,
) -> None:
    """Fill ``(n, k)``; hits of lone pixels, which have ``lone`` above 1, count with their cell."""
    channels, margin = len(block), 2 * REACH
    cells = np.zeros((channels, sides[0] + margin, sides[1] + margin), np.float32)
    pixels = np.zeros((channels, sides[0] + margin, sides[1] + margin), np.float32)
    most = 0
    for i in range(len(offsets) - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    row, col = np.empty((channels, most), np.int64), np.empty((channels, most), np.int64)
    strength, number = np.empty((channels, most)), np.zeros(channels, np.int64)
    for i in range(len(offsets) - 1):
        number[:] = 0
        for j in range(offsets[i], offsets[i + 1]):
            c = channel[j]
            b = block[c]
            r, s = pixel_row[j] // b, pixel_col[j] // b
            if cells[c, r + REACH, s + REACH] == 0:
                row[c, number[c]], col[c, number[c]] = r, s
                number[c] += 1
            cells[c, r + REACH, s + REACH] += energy[j]
            if lone[j] > 1:
                pixels[c, pixel_row[j] + REACH, pixel_col[j] + REACH] = energy[j]
            else:
                first, second = r * b + REACH, s * b + REACH
                pixels[c, first : first + b, second : second + b] = energy[j]
        for c in range(channels):
            for j in range(number[c]):
                strength[c, j] = cells[c, row[c, j] + REACH, col[c, j] + REACH]
            if number[c] > MOST:
                order = np.argsort(-strength[c, : number[c]])
                for j in order[MOST:]:
                    cells[c, row[c, j] + REACH, col[c, j] + REACH] = 0
                kept = np.sort(order[:MOST])
                row[c, :MOST], col[c, :MOST] = row[c][kept], col[c][kept]
                strength[c, :MOST] = strength[c][kept]
                number[c] = MOST
        at = 0
        for c in range(channels):
            n, b = number[c], block[c]
            of_channel(
                cells[c],
                row[c, :n],
                col[c, :n],
                strength[c, :n],
                (sides[0] // b, sides[1] // b),
                edges[c],
                out[i, at : at + own],
            )
            at += own
        for c in range(channels):
            n, b = number[c], block[c]
            for d in range(channels):
                if d == c:
                    continue
                hottest = (0, 0, 0.0)
                if number[d]:
                    first = strength[d, : number[d]].argmax()
                    middle = block[d] // 2
                    place = row[d, first] * block[d] + middle, col[d, first] * block[d] + middle
                    hottest = (place[0], place[1], strength[d, first])
                across(
                    pixels[d],
                    row[c, :n] * b + b // 2,
                    col[c, :n] * b + b // 2,
                    strength[c, :n],
                    hottest,
                    out[i, at : at + N_ACROSS],
                )
                at += N_ACROSS
        cells[:] = 0
        pixels[:] = 0
