"""Does a generator repeat its training events? Nearest neighbours, and exact copies.

A generator that has learned the distribution comes no nearer to its training events than other
true events do; one that memorised comes nearer (the test of arXiv:2004.05675, here on
observables). Copies are looked for on the hits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from calovision.events.weighting import effective, quantiles
from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    Floats,
    Weights,
    bootstrap,
    checked_tables,
    weights_of_two,
)
from calovision.metrics.groups import GENERATED
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from calovision.events.events import Events

QUANTILE = 0.01  #: share of true events that are as near to a training event by chance
MIN_EVENTS = 50
DEFINITIONS = {
    "memorised": Definition(
        "share near a training jet",
        "Generated jets that lie nearer to a training jet, in all observables, than 99 % of "
        "other simulated jets do.",
        GENERATED,
        higher_is_better=False,
        ratio=False,
        good="0.01 is chance; much more means that training jets are repeated.",
        source="arXiv:2004.05675",
    ),
    "copied": Definition(
        "copies of training jets",
        "Generated jets that are a training jet, hit by hit.",
        GENERATED,
        unit="events",
        higher_is_better=False,
        ratio=False,
        good="0.",
    ),
}


def memorised(
    generated: ArrayLike,
    training: ArrayLike,
    held_out: ArrayLike,
    *,
    seed: int,
    quantile: float = QUANTILE,
    weights: Weights = NO_WEIGHTS,
) -> Metric:
    """Share of generated events that lie as near to a training event as few true events do.

    Observables are standardised with the training events' mean and deviation; constant ones are
    left out. The distance below which ``quantile`` of the held-out events find their nearest
    training event is the threshold.

    Args:
        generated: ``(n, k)`` observables.
        training: ``(t, k)`` observables of the generator's training events.
        held_out: ``(m, k)`` observables of other true events.
        seed: seed of the bootstrap over generated and held-out events.
        quantile: in (0, 1).
        weights: of the generated and of the held-out events, not negative.

    Returns:
        The share, with ``quantile`` as its floor: near it nothing is memorised. Its error is at
        least one event.

    Raises:
        InputError: fewer than 50 events, other numbers of observables, or values not finite.
    """
    known, new, true = checked_tables(
        MIN_EVENTS, training=training, generated=generated, held_out=held_out
    )
    deviation = known.std(axis=0)
    varying = deviation > 0
    centre, scale = known.mean(axis=0)[varying], deviation[varying]
    known, new, true = ((x[:, varying] - centre) / scale for x in (known, new, true))
    near, usual = nearest_distance(new, known), nearest_distance(true, known)

    of_new, of_true = weights_of_two(weights, len(near), len(usual))
    both = None if of_new is None or of_true is None else np.concatenate([of_new, of_true])

    def share(drawn: Floats) -> float:
        mine, theirs = drawn[: len(near)], drawn[len(near) :]
        return float(mine @ (near < quantiles(usual, quantile, theirs)[0]) / mine.sum())

    value = share(np.ones(len(near) + len(usual)) if both is None else both)
    events = len(near) if of_new is None else effective(of_new)
    spread = float(bootstrap(share, len(near) + len(usual), seed, weights=both))
    error = max(spread, 1 / events)
    return DEFINITIONS["memorised"].measured(value, error, quantile)


def nearest_distance(points: Floats, others: Floats) -> Floats:
    """``(n,)`` Euclidean distance of every point ``(n, k)`` to the nearest of ``others``."""
    from sklearn.metrics import pairwise_distances_argmin

    nearest = pairwise_distances_argmin(points, others)
    # taken anew: the search finds the distance of two equal points only to about 1e-7
    distance: Floats = np.linalg.norm(points - others[nearest], axis=1)
    return distance


def copies(generated: Events, training: Events) -> int:
    """Number of generated events that are one of the training events, hit by hit.

    Equal are events with the same cells and codes whose values agree when rounded to 8
    significant bits (0.4 %), so that rounding errors hide no copy. Events without hits do not
    count. Two different events are taken for equal with a probability of about 1e-19.

    Args:
        generated: any events.
        training: events of the same geometry.
    """
    from calovision.events.fingerprints import UNKNOWN, image_prints

    new, known = image_prints(generated), image_prints(training)
    return int(np.isin(new[new != UNKNOWN], known).sum())
