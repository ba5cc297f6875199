"""Sampling of many splits, channel by channel, from the conditional distributions of a network.

Compiled forms of :func:`~calovision.networks.splitter.count_sample` and
:func:`~calovision.networks.splitter.energy_sample`, of which graphs of a deployed generator are
made, and of what lies between them. Arrays of all nodes are written at ``rows``, those that there
is a law for.
"""

from __future__ import annotations

import math

import numpy as np

from calovision.networks.logistic_mixture import (
    COUNT_PARTS,
    COUNT_WIDTHS,
    ENERGY_PARTS,
    ENERGY_WIDTHS,
    MIN_FRACTION,
)
from calovision.networks.splitter import OUTCOME
from calovision.utils.compiled import compiled


@compiled
def open_counts(c, nodes, whole, cells, first, limits, rows):  # type: ignore[no-untyped-def]
    """Find the nodes whose hits can be shared out in more than one way; the rest is written.

    Args:
        c: channel.
        nodes: ``(m, 3)``.
        whole: ``(m, C, 2)`` contents of nodes.
        first: ``(m, C, 2)`` contents of their first halves.
        cells: ``(2, R, P, C)`` readout cells in both halves.
        limits: ``(m, 2)`` to write fewest and most hits of the first half to.
        rows: ``(m,)`` to write the rows of those nodes to.

    Returns:
        how many they are.
    """
    found = 0
    for k in range(len(nodes)):
        hits = whole[k, c, 0]
        i, j = nodes[k, 1], nodes[k, 2]
        low = max(hits - cells[1, i, j, c], np.float32(0.0))
        high = min(hits, cells[0, i, j, c])
        limits[k, 0], limits[k, 1] = low, high
        first[k, c, 0] = low
        if low < high:
            rows[found] = k
            found += 1
    return found


@compiled
def draw_counts(c, rows, law, uniform, limits, first):  # type: ignore[no-untyped-def]
    """Write hits of first halves.

    Args:
        c: channel.
        rows: ``(k,)`` of :func:`open_counts`.
        law: ``(k, COUNT)``.
        uniform: ``(m, C, 4)`` random in [0, 1).
        limits: ``(m, 2)``.
        first: ``(m, C, 2)`` to write to.
    """
    for r in range(len(rows)):
        k = rows[r]
        low, high = float(limits[k, 0]), float(limits[k, 1])
        part: int = _component(law[r], COUNT_PARTS, np.float64(uniform[k, c, 0]))
        span = high - low + 1
        limited = float(law[r, 2 * COUNT_PARTS + part])
        wide = math.exp(min(max(limited, COUNT_WIDTHS[0]), COUNT_WIDTHS[1]) - 1)
        place = 0.5 + 0.5 * np.float64(law[r, COUNT_PARTS + part])
        centre, width = low - 0.5 + span * place, span * wide
        lower, upper = (low - 0.5 - centre) / width, (high + 0.5 - centre) / width
        # On the side of the logistic where its tail can be told from nothing.
        turned = lower + upper > 0
        a, b = (-upper, -lower) if turned else (lower, upper)
        below, above = 1 / (1 + math.exp(-a)), 1 / (1 + math.exp(-b))
        between = below + np.float64(uniform[k, c, 1]) * (above - below)
        sure = min(max(between, 1e-37), 1 - 2.0**-24)
        drawn = math.log(sure / (1 - sure))
        count = np.rint(centre + width * (-drawn if turned else drawn))
        first[k, c, 0] = min(max(count, low), high)


@compiled
def open_energies(c, whole, first, rows):  # type: ignore[no-untyped-def]
    """Find the nodes with hits in both halves, see :func:`open_counts`; the rest is written."""
    found = 0
    for k in range(len(whole)):
        hits, part = whole[k, c, 0], first[k, c, 0]
        if part == hits:
            first[k, c, 1] = whole[k, c, 1]
        else:
            first[k, c, 1] = 0.0
            if part > 0:
                rows[found] = k
                found += 1
    return found


@compiled
def draw_energies(c, rows, law, uniform, whole, first):  # type: ignore[no-untyped-def]
    """Write energies of first halves: ``law`` ``(k, ENERGY)``, see :func:`draw_counts`."""
    for r in range(len(rows)):
        k = rows[r]
        part = _component(law[r], ENERGY_PARTS, np.float64(uniform[k, c, 2]))
        limited = float(law[r, 2 * ENERGY_PARTS + part])
        wide = math.exp(min(max(limited, ENERGY_WIDTHS[0]), ENERGY_WIDTHS[1]))
        even = min(max(np.float64(uniform[k, c, 3]), 1e-7), 1 - 1e-7)
        place = 2 * np.float64(law[r, ENERGY_PARTS + part])
        logit = place + wide * math.log(even / (1 - even))
        fraction = min(max(1 / (1 + math.exp(-logit)), MIN_FRACTION), 1 - MIN_FRACTION)
        first[k, c, 1] = whole[k, c, 1] * np.float32(fraction)


@compiled
def tell_hits(c, whole, first, known):  # type: ignore[no-untyped-def]
    """Write to ``known`` ``(m, OUTCOME C)`` what later variables see of a channel's hits."""
    for k in range(len(whole)):
        part = first[k, c, 0]
        known[k, OUTCOME * c] = _log(part)
        known[k, OUTCOME * c + 1] = _log(whole[k, c, 0] - part)


@compiled
def tell_energies(c, whole, first, unit, known):  # type: ignore[no-untyped-def]
    """The same of its energies, in units of ``unit`` ``(C,)`` GeV."""
    for k in range(len(whole)):
        part = first[k, c, 1]
        known[k, OUTCOME * c + 2] = _log(part / unit[c])
        known[k, OUTCOME * c + 3] = _log((whole[k, c, 1] - part) / unit[c])


@compiled
def _log(x):  # type: ignore[no-untyped-def]
    """``log(1 + x)``, at once where there is nothing."""
    return np.float32(0.0) if x == 0.0 else np.log1p(np.float32(x))


@compiled
def _component(law, parts, uniform):  # type: ignore[no-untyped-def]
    """A component of a mixture, whose first ``parts`` numbers are logarithms of weights."""
    most = law[0]
    for x in range(1, parts):
        most = max(most, law[x])
    total = 0.0
    for x in range(parts):
        total += math.exp(np.float64(law[x]) - most)
    above = 0.0
    for x in range(parts - 1):
        above += math.exp(np.float64(law[x]) - most) / total
        if uniform < above:
            return x
    return parts - 1
