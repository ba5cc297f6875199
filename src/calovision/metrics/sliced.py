"""Sliced two-sample tests: distances along random directions, with the chance that it is chance.

All observables, divided by the standard deviations of both samples together, are projected on
random directions. Along each the two samples have a Wasserstein-1 and a Kolmogorov-Smirnov
distance; their means over the directions are powerful and quick statistics (arXiv:2409.16336).
What they are where both samples are of one distribution is found by dealing the events anew to two
samples (a permutation test), which needs no assumption and no further events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    Floats,
    Weights,
    checked_tables,
    event_weights,
    weights_of_two,
)
from calovision.metrics.groups import WHOLE
from calovision.metrics.value import Definition, Metric
from calovision.utils import streams

DIRECTIONS = 50
PERMUTATIONS = 199  #: the least p-value is one over one more
REPLICAS = 50  #: an error from 50 replicas is itself known to 10 %
MIN_EVENTS = 50
_ROWS = 50  #: permutations at a time: they fit into memory with 20,000 events
_P = "Share of random divisions of both samples into two that are as far apart as they are"
DEFINITIONS = {
    "sliced_w1": Definition(
        "sliced Wasserstein distance",
        "Mean W1 along random directions through all observables, in standard deviations.",
        WHOLE,
        higher_is_better=False,
        good="The floor.",
        source="arXiv:2409.16336",
    ),
    "sliced_ks": Definition(
        "sliced Kolmogorov-Smirnov distance",
        "Mean, over these directions, of the largest difference of the cumulative distributions.",
        WHOLE,
        higher_is_better=False,
        good="The floor.",
        source="arXiv:2409.16336",
    ),
    "p_sliced_w1": Definition(
        "p-value of the sliced Wasserstein distance",
        f"{_P}, by the sliced Wasserstein distance.",
        WHOLE,
        ratio=False,
        good="Of equal distributions anything from 0 to 1, evenly; 0.005 is the least of 199 "
        "divisions and means that the samples differ.",
        source="arXiv:2409.16336",
    ),
    "p_sliced_ks": Definition(
        "p-value of the sliced Kolmogorov-Smirnov distance",
        f"{_P}, by the sliced Kolmogorov-Smirnov distance.",
        WHOLE,
        ratio=False,
        good="As that of the sliced Wasserstein distance.",
        source="arXiv:2409.16336",
    ),
}
_KEYS = ("w1", "ks")


def sliced_distances(
    real: ArrayLike, other: ArrayLike, *, seed: int, weights: Weights = NO_WEIGHTS
) -> dict[str, Metric]:
    """Sliced Wasserstein-1 and Kolmogorov-Smirnov distances, with errors by the bootstrap.

    Args:
        real: ``(n, k)`` observables of the true events.
        other: ``(m, k)`` of the judged ones.
        seed: seed of directions and bootstrap.
        weights: of the events of either sample, not negative.

    Returns:
        ``sliced_w1`` in standard deviations and ``sliced_ks``.

    Raises:
        InputError: fewer than 50 events, other numbers of observables, values not finite, or
            weights that mean nothing here.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, judged=other)
    of = weights_of_two(weights, len(x), len(y))
    drawn = [
        np.concatenate(pair)
        for pair in zip(
            event_weights(len(x), seed, REPLICAS, of[0]),
            event_weights(len(y), seed, REPLICAS, of[1], sample=1),
            strict=True,
        )
    ]
    second = np.repeat([False, True], [len(x), len(y)])
    rows = np.stack([_together(of, len(x), len(y)), *drawn])
    found = _statistics(x, y, _shares(rows, second), seed)
    errors = found[1:].std(axis=0, ddof=1)
    return {
        f"sliced_{k}": DEFINITIONS[f"sliced_{k}"].measured(found[0, i], errors[i])
        for i, k in enumerate(_KEYS)
    }


def sliced_p_values(
    real: ArrayLike,
    other: ArrayLike,
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
    weights: Weights = NO_WEIGHTS,
) -> dict[str, Metric]:
    """How often equal distributions would be as far apart, by a permutation test.

    An event keeps its weight when it is dealt to a sample.

    Args:
        real: ``(n, k)`` observables of the true events.
        other: ``(m, k)`` of the judged ones.
        seed: seed of directions and permutations.
        permutations: divisions of all events into samples of ``n`` and ``m``.
        weights: of the events of either sample, not negative.

    Returns:
        ``p_sliced_w1`` and ``p_sliced_ks``: ``(1 + number as large) / (1 + permutations)``, with
        the binomial error of so many permutations.

    Raises:
        InputError: as of :func:`sliced_distances`.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, judged=other)
    weight = _together(weights_of_two(weights, len(x), len(y)), len(x), len(y))
    second = np.repeat([False, True], [len(x), len(y)])
    rng = streams.rng(streams.Stream.SLICES, seed, 1)
    found = [_statistics(x, y, _shares(weight[None], second), seed)]
    for start in range(0, permutations, _ROWS):
        number = min(_ROWS, permutations - start)
        dealt = np.stack([rng.permutation(second) for _ in range(number)])
        found.append(_statistics(x, y, _shares(weight[None], dealt), seed))
    seen, null = found[0][0], np.concatenate(found[1:])
    # Sums in another order differ by rounding.
    p = (1 + (null >= seen * (1 - 1e-9)).sum(axis=0)) / (1 + permutations)
    errors = np.sqrt(p * (1 - p) / (1 + permutations))
    return {
        f"p_sliced_{k}": DEFINITIONS[f"p_sliced_{k}"].measured(p[i], errors[i])
        for i, k in enumerate(_KEYS)
    }


def _together(weights: Weights, n: int, m: int) -> Floats:
    """``(n + m,)`` weights of both samples."""
    a, b = weights
    return np.ones(n + m) if a is None or b is None else np.concatenate([a, b])


def _shares(weights: Floats, second: ArrayLike) -> Floats:
    """``(r, n + m)`` shares of events in their samples, those of the second below 0."""
    of_second = np.where(second, weights, 0.0)
    of_first = np.where(second, 0.0, weights)
    shares: Floats = of_first / of_first.sum(axis=1, keepdims=True)
    shares -= of_second / of_second.sum(axis=1, keepdims=True)
    return shares


def _statistics(x: Floats, y: Floats, shares: Floats, seed: int) -> Floats:
    """``(r, 2)`` mean W1 and mean KS over the directions, for every row of shares."""
    both = np.concatenate([x, y])
    spread = both.std(axis=0)
    spread[spread == 0] = 1
    both = (both - both.mean(axis=0)) / spread
    directions = streams.rng(streams.Stream.SLICES, seed, 0).normal(size=(DIRECTIONS, x.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = np.zeros((len(shares), len(_KEYS)))
    for direction in directions:
        projected = both @ direction
        order = np.argsort(projected, kind="stable")
        gaps = np.diff(projected[order])
        cumulative = np.abs(np.cumsum(shares[:, order], axis=1)[:, :-1])
        found[:, 0] += cumulative @ gaps
        # Events at one place count together.
        found[:, 1] += (cumulative * (gaps > 0)).max(axis=1)
    return found / DIRECTIONS
