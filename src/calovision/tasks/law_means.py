"""Means and variances of the laws of a cut, of the first half's part in a node.

Many counts are gone through in blocks, and the mean of a logistic function of a spread number is
guessed: steering needs to know about what a law would do, not exactly.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from calovision.networks.laws import (
    COUNT_PARTS,
    COUNT_WIDTHS,
    ENERGY_PARTS,
    ENERGY_WIDTHS,
    mixture_weights,
)

BLOCKS = 6  #: of counts, gone through one by one
WIDE = math.pi / 8  #: with which a logistic function of a spread number has its mean, about


@numba.njit(cache=True)
def count_parts(c, rows, law, limits, whole):  # type: ignore[no-untyped-def]
    """``(m, 2)`` mean and variance of the first half's part of a node's hits, by their laws.

    Args:
        c: channel.
        rows: ``(k,)`` nodes with a law, those that have a choice.
        law: ``(k, COUNT)``.
        limits: ``(m, 2)`` fewest and most hits of the first half.
        whole: ``(m, C, 2)`` contents.
    """
    found = np.zeros((len(whole), 2))
    for k in range(len(whole)):
        if whole[k, c, 0] > 0:
            found[k, 0] = limits[k, 0] / whole[k, c, 0]
    weight = np.empty(COUNT_PARTS)
    for r in range(len(rows)):
        k = rows[r]
        hits, low, high = float(whole[k, c, 0]), float(limits[k, 0]), float(limits[k, 1])
        span = high - low + 1
        mixture_weights(law[r], weight)
        mean, square = 0.0, 0.0
        for j in range(COUNT_PARTS):
            limited = min(max(float(law[r, 2 * COUNT_PARTS + j]), COUNT_WIDTHS[0]), COUNT_WIDTHS[1])
            width = span * math.exp(limited - 1)
            centre = low - 0.5 + span * (0.5 + 0.5 * law[r, COUNT_PARTS + j])
            one, two = _counted(low, span, centre, width)
            mean += weight[j] * one
            square += weight[j] * two
        found[k, 0] = mean / hits
        found[k, 1] = max(square - mean * mean, 0.0) / hits**2
    return found


@numba.njit(cache=True)
def energy_parts(c, rows, law, whole, first):  # type: ignore[no-untyped-def]
    """The same of energy: ``first`` ``(m, C, 2)`` are the first halves, their hits drawn."""
    found = np.zeros((len(whole), 2))
    for k in range(len(whole)):
        found[k, 0] = 1.0 if first[k, c, 0] == whole[k, c, 0] else 0.0
    weight = np.empty(ENERGY_PARTS)
    for r in range(len(rows)):
        mixture_weights(law[r], weight)
        mean, square = 0.0, 0.0
        for j in range(ENERGY_PARTS):
            limited = float(law[r, 2 * ENERGY_PARTS + j])
            width = math.exp(min(max(limited, ENERGY_WIDTHS[0]), ENERGY_WIDTHS[1]))
            shrink = 1 / math.sqrt(1 + WIDE * width * width * math.pi**2 / 3)
            part = 1 / (1 + math.exp(-2 * law[r, ENERGY_PARTS + j] * shrink))
            mean += weight[j] * part
            square += weight[j] * (part * part + part * (1 - part) * (1 - shrink))
        found[rows[r], 0], found[rows[r], 1] = mean, max(square - mean * mean, 0.0)
    return found


@numba.njit(cache=True)
def _counted(low, span, centre, width):  # type: ignore[no-untyped-def]
    """Mean, and that of the square, of ``span`` counts from ``low`` on of a cut-off logistic.

    Many counts are gone through in a few blocks, each with its middle and spread.
    """
    blocks = min(int(span), BLOCKS)
    wide = span / blocks
    total, mean, square = 0.0, 0.0, 0.0
    edge = low - 0.5 - centre
    # On the side of the logistic where its tail can be told from nothing.
    side = -1.0 if edge + span / 2 > 0 else 1.0
    before = 1 / (1 + math.exp(-side * edge / width))
    for x in range(blocks):
        after = 1 / (1 + math.exp(-side * (edge + (x + 1) * wide) / width))
        chance = side * (after - before) + 1e-300
        before, count = after, low + (x + 0.5) * wide - 0.5
        total += chance
        mean += chance * count
        square += chance * (count * count + (wide * wide - 1) / 12)
    return mean / total, square / total
