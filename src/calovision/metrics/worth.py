"""Statistical power: how many true events a generator's events are worth.

However many events a generator makes, what it has learned wrongly stays. In bins of an observable
the shares of ``N`` true events scatter around the true ones by ``chi^2 = (bins - 1) / N`` on
average; those of infinitely many generated events are off by a fixed chi^2. The number ``N`` where
both are equal is what the generator is worth: with more true events at hand, one learns more from
them (after the quantile measure of arXiv:2008.06545; more than it was trained on is amplification).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.events.weighting import effective
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

Bins = NDArray[np.int64]

BINS = 20  #: with equally many true events
REPLICAS = 50  #: an error from 50 replicas is itself known to 10 %
MIN_EVENTS = 100
_LIMIT = "Where no bias can be seen it is the number up to which these samples could have seen one."
DEFINITIONS = {
    "events_worth": Definition(
        "true events that it is worth, observable by observable",
        "Number of true events whose statistical scatter, in 20 bins of an observable and on "
        f"average over all observables, is as large as the generator's bias. {_LIMIT}",
        WHOLE,
        unit="events",
        good="More than the events that the generator was trained on.",
        source="arXiv:2008.06545",
    ),
    "events_worth_jointly": Definition(
        "true events that it is worth, all observables together",
        "The same in bins of the score of the strictest judge, which tells generated from true "
        f"events: the worst that a measurement could meet. {_LIMIT}",
        WHOLE,
        unit="events",
        good="More than the events that the generator was trained on.",
        source="arXiv:2008.06545",
    ),
}


def events_worth(
    real: ArrayLike,
    other: ArrayLike,
    *,
    seed: int,
    weights: Weights = NO_WEIGHTS,
    definition: Definition = DEFINITIONS["events_worth"],
) -> Metric:
    """Number of true events that infinitely many of the judged ones are worth.

    ``chi^2 = sum (b - a)^2 / ((a + b) / 2)`` over bins with the shares ``a`` of true and ``b`` of
    judged events, less what the finite samples add to it, ``(bins - 1) (1 / n + 1 / m)``. The worth
    is the sum of ``bins - 1`` over all observables, over the sum of chi^2. A chi^2 below its own
    error counts as large as that.

    Args:
        real: ``(n, k)`` observables of the true events.
        other: ``(m, k)`` of the judged ones.
        seed: seed of the bootstrap.
        weights: of the events of either sample, not negative.
        definition: of the metric.

    Raises:
        InputError: fewer than 100 events, other numbers of observables, values not finite, or
            weights that mean nothing here.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, judged=other)
    of_x, of_y = weights_of_two(weights, len(x), len(y))
    codes = [_codes(a, b) for a, b in zip(x.T, y.T, strict=True)]

    def chi_square(v: Floats | None, w: Floats | None) -> tuple[float, int]:
        """Summed over the observables, and the bins less one of each."""
        total, bins = 0.0, 0
        for of_true, of_judged in codes:
            a, b = _shares(of_true, v), _shares(of_judged, w)
            some = a + b > 0
            total += float(((b - a)[some] ** 2 / ((a + b)[some] / 2)).sum())
            bins += int(some.sum()) - 1
        return total, bins

    found, bins = chi_square(of_x, of_y)
    n, m = (len(z) if w is None else effective(w) for z, w in ((x, of_x), (y, of_y)))
    if bins < 1:  # no observable varies
        return definition.measured(min(n, m), 0.0)
    drawn = zip(
        event_weights(len(x), seed, REPLICAS, of_x),
        event_weights(len(y), seed, REPLICAS, of_y, sample=1),
        strict=True,
    )
    error = float(np.std([chi_square(v, w)[0] for v, w in drawn], ddof=1))
    bias = max(found - bins * (1 / n + 1 / m), error)
    return definition.measured(bins / bias, bins / bias**2 * error)


def _codes(true: Floats, judged: Floats) -> tuple[Bins, Bins]:
    """Bins of events, whose edges are quantiles of the true events."""
    edges = np.unique(np.quantile(true, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, true, "right"), np.searchsorted(edges, judged, "right")


def _shares(codes: Bins, weights: Floats | None) -> Floats:
    """``(BINS,)`` share of the weight in every bin."""
    found = np.bincount(codes, weights, BINS).astype(np.float64)
    shares: Floats = found / found.sum()
    return shares
