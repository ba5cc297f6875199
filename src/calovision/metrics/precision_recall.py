"""Precision, recall, density and coverage: is every judged event possible, and every true one made?

Around each event lies a ball that reaches to its fifth neighbour of the same sample, in observables
divided by the true sample's standard deviations. Precision asks which judged events lie in a ball
of a true one, recall the reverse (arXiv:1904.06991); density counts the balls, and coverage the
true events whose ball holds any judged one, which outliers do not change (arXiv:2002.09797).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    Floats,
    Weights,
    checked_tables,
    mean_metric,
    weights_of_two,
)
from calovision.metrics.groups import WHOLE
from calovision.metrics.value import Definition, Metric

NEIGHBOURS = 5
MIN_EVENTS = 50
_BLOCK = 500  #: rows of the table of distances held at a time
_BALLS = "balls that reach to the fifth neighbour in standardised observables"
DEFINITIONS = {
    "precision": Definition(
        "precision",
        f"Share of judged events in any ball of a true event ({_BALLS}).",
        WHOLE,
        good="The floor, which other true events reach; low: events that do not exist.",
        source="arXiv:1904.06991",
    ),
    "recall": Definition(
        "recall",
        f"Share of true events in any ball of a judged event ({_BALLS}).",
        WHOLE,
        good="The floor; low: events that are never made. Outliers with large balls raise it.",
        source="arXiv:1904.06991",
    ),
    "density": Definition(
        "density",
        f"True events' balls that a judged event lies in, over 5 ({_BALLS}).",
        WHOLE,
        target=1.0,
        ratio=False,
        good="1; below it judged events lie where true ones are rare, above it they crowd where "
        "true ones are most frequent.",
        source="arXiv:2002.09797",
    ),
    "coverage": Definition(
        "coverage",
        f"Share of true events whose ball holds a judged event ({_BALLS}).",
        WHOLE,
        good="Of equal samples about 0.97; low: part of the true events is missing.",
        source="arXiv:2002.09797",
    ),
}


def precision_recall(
    real: ArrayLike, other: ArrayLike, *, weights: Weights = NO_WEIGHTS
) -> dict[str, Metric]:
    """Precision, recall, density and coverage, pure numbers.

    With weights a ball reaches until it holds, its own event included, 6 times the weight of an
    effective event, ``sum w^2 / sum w``: events of weight 0 are as good as not there.

    Args:
        real: ``(n, k)`` observables of the true events.
        other: ``(m, k)`` of the judged ones.
        weights: of the events of either sample, not negative.

    Returns:
        ``precision``, ``recall``, ``density`` and ``coverage``; errors are those of the mean over
        events, the balls being given.

    Raises:
        InputError: fewer than 50 events, other numbers of observables, values not finite, or
            weights that mean nothing here.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, judged=other)
    of_x, of_y = weights_of_two(weights, len(x), len(y))
    spread = np.sqrt(np.average((x - np.average(x, 0, of_x)) ** 2, 0, of_x))
    spread[spread == 0] = 1
    x, y = x / spread, y / spread
    with threadpool_limits(1):
        ball_x, ball_y = _radii(x, of_x), _radii(y, of_y)
        around, held, recalled = np.zeros(len(y)), np.zeros(len(x)), np.zeros(len(x))
        weight = np.ones(len(x)) if of_x is None else of_x / _unit(of_x)
        there = np.ones(len(y), np.bool_) if of_y is None else of_y > 0
        for start in range(0, len(x), _BLOCK):
            rows = slice(start, start + _BLOCK)
            square = _squares(x[rows], y)
            inside = square <= ball_x[rows, None]
            around += weight[rows] @ inside
            held[rows] = inside[:, there].any(axis=1)
            recalled[rows] = (square <= ball_y)[:, there].any(axis=1)
    values = {
        "precision": (around > 0, of_y),
        "recall": (recalled, of_x),
        "density": (around / NEIGHBOURS, of_y),
        "coverage": (held, of_x),
    }
    return {k: mean_metric(v, DEFINITIONS[k], w) for k, (v, w) in values.items()}


def _radii(sample: Floats, weights: Floats | None) -> Floats:
    """``(n,)`` squared distances at which balls hold :data:`NEIGHBOURS` other events."""
    found = np.empty(len(sample))
    for start in range(0, len(sample), _BLOCK):
        rows = slice(start, start + _BLOCK)
        square = _squares(sample[rows], sample)
        if weights is None:
            found[rows] = np.partition(square, NEIGHBOURS, axis=1)[:, NEIGHBOURS]
            continue
        order = np.argsort(square, axis=1)
        enough = np.cumsum(weights[order], axis=1) >= (NEIGHBOURS + 1) * _unit(weights)
        place = np.take_along_axis(order, enough.argmax(axis=1)[:, None], 1)
        found[rows] = np.take_along_axis(square, place, 1)[:, 0]
    return found


def _unit(weights: Floats) -> float:
    """Weight of an effective event; a little less, so that rounding asks for no further event."""
    return float(weights @ weights / weights.sum()) * (1 - 1e-9)


def _squares(a: Floats, b: Floats) -> Floats:
    """``(n, m)`` squared distances of events, 0 of an event to itself."""
    from scipy.spatial.distance import cdist

    found: Floats = cdist(a, b, "sqeuclidean")
    return found
