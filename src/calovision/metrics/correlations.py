"""Correlations among observables: how far those of two samples differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

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

MIN_EVENTS = 50
REPLICAS = 50  #: an error from 50 replicas is itself known to 10 %
DEFINITIONS = {
    "correlation_rms": Definition(
        "difference of correlations",
        "Root mean square, over all pairs of observables, of the difference of their linear "
        "correlation coefficients in the two samples.",
        WHOLE,
        higher_is_better=False,
        good="The floor, of 0.01 for some 10,000 events.",
        source="arXiv:2410.21611, appendices",
    ),
    "correlation_max": Definition(
        "largest difference of a correlation",
        "The largest of these differences.",
        WHOLE,
        higher_is_better=False,
        good="A few times the floor.",
    ),
}


def correlation_matrix(table: Floats, weights: Floats | None = None) -> Floats:
    """Linear (Pearson) correlation coefficients.

    Args:
        table: ``(n, k)`` observables.
        weights: ``(n,)`` of the events; all equal by default.

    Returns:
        ``(k, k)``; NaN for an observable that does not vary.
    """
    weight = np.full(len(table), 1 / len(table)) if weights is None else weights / weights.sum()
    centred = table - weight @ table
    covariance = (centred * weight[:, None]).T @ centred
    spread = np.sqrt(np.diag(covariance))
    # Rounding leaves a constant some 1e-16 of its size.
    spread[spread <= 1e-12 * np.abs(table).max(axis=0)] = np.nan
    found: Floats = covariance / spread[:, None] / spread
    return found


def correlation_metrics(
    real: ArrayLike, other: ArrayLike, *, seed: int, weights: Weights = NO_WEIGHTS
) -> dict[str, Metric]:
    """How far the correlation matrices of two samples are from each other, pure numbers.

    Pairs with an observable that is constant in a sample are left out.

    Args:
        real: ``(n, k)`` observables of the true events.
        other: ``(m, k)`` of the judged ones.
        seed: seed of the bootstrap.
        weights: of the events of either sample, not negative.

    Raises:
        InputError: fewer than 50 events, other numbers of observables, values not finite, or
            weights that mean nothing here.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, judged=other)
    of_x, of_y = weights_of_two(weights, len(x), len(y))
    drawn = zip(
        event_weights(len(x), seed, REPLICAS, of_x),
        event_weights(len(y), seed, REPLICAS, of_y, sample=1),
        strict=True,
    )
    with threadpool_limits(1):
        values = _distances(x, y, of_x, of_y)
        replicas = [_distances(x, y, v, w) for v, w in drawn]
    error = np.nanstd(replicas, axis=0, ddof=1)
    keys = ("correlation_rms", "correlation_max")
    return {k: DEFINITIONS[k].measured(v, e) for k, v, e in zip(keys, values, error, strict=True)}


def _distances(x: Floats, y: Floats, of_x: Floats | None, of_y: Floats | None) -> Floats:
    """Root mean square and largest difference of the coefficients; 0 without any pair."""
    gap = correlation_matrix(x, of_x) - correlation_matrix(y, of_y)
    pairs: NDArray[np.bool_] = np.triu(np.isfinite(gap), 1)
    if not pairs.any():
        return np.zeros(2)
    found = np.abs(gap[pairs])
    return np.array([np.sqrt(np.mean(found**2)), found.max()])
