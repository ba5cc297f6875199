"""The bootstrap, which gives the errors, and means and differences with errors.

All bootstraps resample *events* (never hits, which are not independent) with a seeded
generator: the same seed gives the same error. Errors are the standard deviation over replicas
(Efron, Ann. Statist. 7 (1979) 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.events.weighting import effective, scaled
from calovision.metrics.value import PLAIN, Definition, Metric
from calovision.utils import streams

Floats = NDArray[np.float64]
Weights = tuple[Floats | None, Floats | None]  #: event weights of two samples
NO_WEIGHTS: Weights = (None, None)
REPLICAS = 200  #: an error from 200 replicas is itself known to 5 %


def same_length(*arrays: ArrayLike, what: str = "arrays") -> int:
    """Common length of the arrays' first axis.

    Raises:
        InputError: the lengths differ or are zero.
    """
    lengths = {len(np.asarray(a)) for a in arrays}
    if len(lengths) != 1:
        raise InputError(f"{what} differ in number of events ({sorted(lengths)})", "give equals")
    (length,) = lengths
    if length == 0:
        raise InputError(f"{what} hold no events", "give at least one event")
    return length


def check_finite(values: NDArray[Any], what: str, owner: NDArray[np.int64] | None = None) -> None:
    """Refuse values that are not finite.

    Args:
        values: ``(p,)``.
        what: they are, for the message.
        owner: ``(p,)`` event of each value, by default its place.

    Raises:
        InputError: some are NaN or infinite; it says how many, and which event is the first.
    """
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        first = int(bad[0])
        event = first if owner is None else int(owner[first])
        raise InputError(
            f"{what}: {len(bad)} of {len(values)} values are not finite, first {values[first]} of"
            f" event {event}",
            "correct or remove those events",
        )


def checked_tables(least: int, **samples: ArrayLike) -> list[Floats]:
    """Tables of observables ``(n, k)``, one for each sample, fit to be compared.

    Args:
        least: events that a sample must have.
        **samples: tables by what they are.

    Raises:
        InputError: fewer events, other numbers of observables, or values not finite.
    """
    tables = {name.replace("_", "-"): np.asarray(s, np.float64) for name, s in samples.items()}
    first = next(iter(tables.values()))
    for name, table in tables.items():
        if table.ndim != 2 or table.shape[1:] != first.shape[1:] or len(table) < least:
            raise InputError(
                f"{name} events: a table of shape {table.shape}",
                f"give at least {least} events and the same observables of all",
            )
        if not np.isfinite(table).all():
            raise InputError(f"observables of {name} events contain NaN or infinity", "check them")
    return list(tables.values())


def event_weights(
    n: int,
    seed: int,
    replicas: int = REPLICAS,
    weights: Floats | None = None,
    *,
    sample: int = 0,
) -> Iterator[Floats]:
    """Bootstrap replicas as event weights.

    Args:
        n: number of events.
        seed: seed of the resampling.
        replicas: number of replicas.
        weights: ``(n,)`` the events' own weights.
        sample: samples of other numbers are drawn on their own.

    Yields:
        ``(n,)`` how often each event was drawn, which sums to ``n``, times its weight.
    """
    rng = streams.rng(streams.Stream.BOOTSTRAP, seed, sample)
    for _ in range(replicas):
        drawn = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        yield drawn if weights is None else drawn * weights


def bootstrap(
    statistic: Callable[[Floats], ArrayLike],
    n: int,
    seed: int,
    replicas: int = REPLICAS,
    weights: Floats | None = None,
) -> Floats:
    """Standard error of any statistic that accepts event weights.

    Args:
        statistic: maps weights ``(n,)`` to a number or an array.
        n: number of events.
        seed: seed of the resampling.
        replicas: number of replicas.
        weights: ``(n,)`` the events' own weights.

    Returns:
        Standard deviation over replicas, shaped like the statistic; replicas in which it is
        undefined are left out.
    """
    replica = event_weights(n, seed, replicas, weights)
    drawn = np.array([np.asarray(statistic(w), float) for w in replica])
    masked = np.ma.masked_invalid(drawn)
    return np.ma.filled(masked.std(axis=0, ddof=1), np.nan)


def bootstrap_sums(
    contributions: Floats,
    statistic: Callable[[Floats], ArrayLike],
    seed: int,
    replicas: int = REPLICAS,
    weights: Floats | None = None,
) -> Floats:
    """Standard error of a statistic of per-event sums, such as a ratio of totals.

    Args:
        contributions: ``(n, ...)`` what every event adds to the sums.
        statistic: maps the summed contributions ``(...)`` to a number or an array.
        seed: seed of the resampling.
        replicas: number of replicas.
        weights: ``(n,)`` the events' own weights.

    Returns:
        Standard deviation over replicas, shaped like the statistic.
    """
    n = same_length(contributions)
    flat = contributions.reshape(n, -1)
    shape = contributions.shape[1:]
    return bootstrap(lambda w: statistic((w @ flat).reshape(shape)), n, seed, replicas, weights)


def summed(contributions: Floats, weights: Floats | None) -> Floats:
    """Sum over events of contributions ``(n, ...)``, each times its weight."""
    if weights is None:
        return np.asarray(contributions.sum(axis=0))
    total: Floats = np.tensordot(weights, contributions, 1)
    return total


def weights_of_two(weights: Weights, n: int, m: int) -> Weights:
    """Weights of two samples of ``n`` and ``m`` events, each scaled to a mean of 1.

    Returns:
        both, or neither where all are equal.

    Raises:
        InputError: weights that are negative or mean nothing.
    """
    a, b = scaled(weights[0], n), scaled(weights[1], m)
    if a is None and b is None:
        return NO_WEIGHTS
    return np.ones(n) if a is None else a, np.ones(m) if b is None else b


def mean_metric(
    values: ArrayLike, definition: Definition = PLAIN, weights: ArrayLike | None = None
) -> Metric:
    """Mean over events ``(n,)`` of a quantity, with its standard error.

    The error is the standard deviation over sqrt(n); with weights ``(n,)``, of either sign, it is
    ``sqrt(sum w^2 (x - mean)^2) / sum w``, which is the same where all are equal.
    """
    array = np.asarray(values, np.float64)
    n = same_length(array)
    weight = scaled(weights, n, signed=True)
    if weight is None:
        error = array.std(ddof=1) / math.sqrt(n) if n > 1 else math.nan
        return definition.measured(array.mean(), error)
    mean = float(weight @ array / weight.sum())
    count = effective(weight)
    scatter = math.sqrt(float(weight**2 @ (array - mean) ** 2)) / weight.sum()
    error = scatter * math.sqrt(count / (count - 1)) if count > 1 else math.nan
    return definition.measured(mean, error)


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Callable[[Floats], ArrayLike] | None = None,
    *,
    seed: int,
    replicas: int = REPLICAS,
    weights: ArrayLike | None = None,
) -> Metric:
    """Difference ``a - b`` of two models measured on the same events, by paired bootstrap.

    The same events are drawn for both, so what the events have in common cancels.

    Args:
        a: ``(n, ...)`` per-event contributions of the first model.
        b: ``(n, ...)`` the same of the second, in the same order of events.
        statistic: maps summed contributions ``(...)`` to a number; by default the mean.
        seed: seed of the resampling.
        replicas: number of replicas.
        weights: ``(n,)`` event weights of either sign.

    Raises:
        InputError: the numbers of events differ, or weights that mean nothing.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    n = same_length(first, second, what="the two models' results")
    weight = scaled(weights, n, signed=True)
    of = statistic
    if of is None:
        # Of a mean, the sum of the weights belongs to what is drawn.
        first, second = (np.stack([x, np.ones_like(x)]).swapaxes(0, 1) for x in (first, second))
        of = lambda total: total[0] / total[1]  # noqa: E731

    def difference(total: Floats) -> Floats:
        gap: Floats = np.asarray(of(total[0]), float) - np.asarray(of(total[1]), float)
        return gap

    both = np.stack([first, second], axis=1)
    error = bootstrap_sums(both, difference, seed, replicas, weight)
    return Metric(float(difference(summed(both, weight))), float(error))
