"""Event weights: how much each event of a set counts.

A set says it in a per-event column ``weight``. Only ratios of weights matter: they are scaled to a
mean of 1, and weights that are all equal are the same as none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError

if TYPE_CHECKING:
    from calovision.events.events import Events
    from calovision.events.store import EventStore

Floats = NDArray[np.float64]
COLUMN = "weight"  #: name of the per-event column


def scaled(weights: ArrayLike | None, n: int, *, signed: bool = False) -> Floats | None:
    """Weights of ``n`` events, scaled to a mean of 1.

    Args:
        weights: ``(n,)`` in any unit, or ``None``.
        n: number of events.
        signed: whether negative weights have a meaning here.

    Returns:
        ``(n,)``, or ``None`` where there are none or all are equal.

    Raises:
        InputError: another number of weights, one that is not finite, a negative one without
            ``signed``, or a sum that is not above 0.
    """
    if weights is None:
        return None
    found = np.asarray(weights)
    if found.shape != (n,) or found.dtype.kind not in "biuf":
        raise InputError(
            f"event weights of type {found.dtype} and shape {found.shape} for {n} events",
            "give one number an event",
        )
    found = found.astype(np.float64)
    if (bad := ~np.isfinite(found)).any():
        place = int(np.argmax(bad))
        raise InputError(
            f"{int(bad.sum())} event weights are not finite, the first is {found[place]} of event"
            f" {place}",
            "correct or remove those events",
        )
    if not signed and (found < 0).any():
        raise InputError(negative(found), "remove those events, or reweight them to positive ones")
    if n and found.sum() <= 0:
        raise InputError(
            f"the event weights sum to {found.sum():g}", "a mean needs weights with a sum above 0"
        )
    if n == 0 or (found == found[0]).all():
        return None
    mean: Floats = found / found.mean()
    return mean


def negative(weights: NDArray[Any]) -> str:
    """Words for weights some of which are below 0: how many, and which comes first."""
    below = weights < 0
    place = int(np.argmax(below))
    return (
        f"{int(below.sum())} event weights are negative, the first is {weights[place]:g} of event"
        f" {place}"
    )


def check_weights(store: EventStore, chosen: NDArray[np.int64]) -> None:
    """Check the weights of training events, which enter a loss.

    Raises:
        InputError: a weight of the ``chosen`` events is negative or not finite, or all are 0.
    """
    if COLUMN in store.columns:
        weights = store.column(COLUMN).copy()
        left = np.setdiff1d(np.arange(len(weights)), chosen)
        weights[left] = 0  # so that messages count the events of the set
        try:
            scaled(weights, len(weights))
        except InputError as error:
            raise InputError(f"{store.path}: {error.problem}", error.remedy) from None


def of(events: Events, *, signed: bool = False) -> Floats | None:
    """:func:`scaled` weights of a set, from its column ``weight``."""
    return scaled(events.columns.get(COLUMN), len(events), signed=signed)


def counting(events: Events) -> Events:
    """The events whose weight is not 0."""
    weights = events.columns.get(COLUMN)
    if weights is None or np.all(weights):
        return events
    if not np.any(weights):
        raise InputError("the event weights are all 0", "give weights that sum to more than 0")
    return events[np.flatnonzero(weights)]


def effective(weights: NDArray[Any]) -> float:
    """Number of equally weighted events with the same relative error of their sum (Kish 1965)."""
    largest = float(np.abs(weights).max(initial=0.0))
    if not largest:
        return 0.0
    parts = np.asarray(weights, np.float64) / largest  # squares of large numbers are infinite
    return float(parts.sum() ** 2 / np.square(parts).sum())


def quantiles(values: ArrayLike, shares: ArrayLike, weights: Floats | None = None) -> Floats:
    """Smallest values at which the given shares of all weight lie at or below.

    Args:
        values: ``(n,)``, at least one.
        shares: ``(k,)`` in [0, 1].
        weights: ``(n,)``; all equal by default.

    Returns:
        ``(k,)`` in the values' unit.
    """
    value, wanted = np.asarray(values, np.float64), np.atleast_1d(np.asarray(shares, np.float64))
    order = np.argsort(value, kind="stable")
    weight = np.ones(len(value)) if weights is None else weights[order]
    # Sums of negative weights do not rise everywhere: the first place that is high enough counts.
    below = np.maximum.accumulate(np.cumsum(weight))
    places = np.searchsorted(below, wanted * weight.sum() * (1 - 1e-10))
    first = np.searchsorted(below, 0.0, side="right")  # values of weight 0 are not there
    found: Floats = value[order][np.clip(places, first, len(value) - 1)]
    return found
