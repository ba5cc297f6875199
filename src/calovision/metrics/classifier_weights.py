"""Weights of a classifier: how events would have to be weighted for two samples to agree.

A classifier that gives a judged event the probability ``p`` says that the density of true events
there is ``w = (1 - p) / p`` times that of judged ones, both samples counting as much. The spread of
these weights and their tails tell more than an AUC: judged events of small weight are too frequent
or should not exist, true events of large weight are hardly ever made (arXiv:2305.16774). The
probabilities are calibrated first: weights of a classifier that is too sure mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from calovision.errors import InputError
from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    REPLICAS,
    Floats,
    Weights,
    check_finite,
    event_weights,
    weights_of_two,
)
from calovision.metrics.classification import ece
from calovision.metrics.groups import WHOLE
from calovision.metrics.value import Definition, Metric
from calovision.utils import streams

FACTOR = 10.0  #: weights above it, or below its inverse, are in the tails
SMALLEST = 1e-9  #: probability; weights stay finite where samples are told apart without a doubt
MIN_EVENTS = 50
DEFINITIONS = {
    "weight_spread": Definition(
        "spread of the weights",
        "Standard deviation of ln w of judged events; w is the weight that the strictest judge, "
        "calibrated, would give an event for the samples to agree.",
        WHOLE,
        higher_is_better=False,
        good="The floor; 0.7 means that typical weights are off by a factor of two.",
        source="arXiv:2305.16774",
    ),
    "weight_low": Definition(
        "judged events with weights below 0.1",
        "Share of judged events that are ten times as frequent as true ones like them.",
        WHOLE,
        higher_is_better=False,
        ratio=False,
        good="0: no event that should not exist.",
        source="arXiv:2305.16774",
    ),
    "weight_high": Definition(
        "true events with weights above 10",
        "Share of true events that are ten times as frequent as judged ones like them.",
        WHOLE,
        higher_is_better=False,
        ratio=False,
        good="0: no event that is missing.",
        source="arXiv:2305.16774",
    ),
    "weight_efficiency": Definition(
        "effective share of weighted events",
        "(sum w)^2 / (n sum w^2) of judged events: what is left of their statistical power once "
        "they are weighted to look like true ones.",
        WHOLE,
        ratio=False,
        good="1: all weights are equal.",
        source="arXiv:2305.16774",
    ),
    "weight_calibration": Definition(
        "calibration error of the weights' classifier",
        "Expected calibration error of the probabilities that the weights are made of.",
        WHOLE,
        higher_is_better=False,
        ratio=False,
        good="Below 0.02, else the weights are not to be trusted.",
        source="arXiv:1706.04599",
    ),
}


def classifier_weights(
    a: ArrayLike, b: ArrayLike, *, seed: int, weights: Weights = NO_WEIGHTS
) -> tuple[Floats, Floats]:
    """Density of true over judged events at every event, from the scores of a classifier.

    The log-odds of a probability are a line in the score, fitted on one half of the events for the
    other. (Isotonic regression would give the last few events weights of any size.)

    Args:
        a: ``(n,)`` scores, such as log-odds, of unseen true events; higher ones look more like
            judged events.
        b: ``(m,)`` the same of judged events.
        seed: seed of the halves.
        weights: of the events of either sample, not negative.

    Returns:
        ``(n,)`` and ``(m,)`` weights ``w``.

    Raises:
        InputError: fewer than 50 events, scores not finite, or weights that mean nothing here.
    """
    scores = [np.asarray(x, np.float64) for x in (a, b)]
    if min(map(len, scores)) < MIN_EVENTS:
        raise InputError("too few scored events", f"give at least {MIN_EVENTS} of each sample")
    for score in scores:
        check_finite(score, "the scores")
    of = weights_of_two(weights, *map(len, scores))
    first = [
        streams.rng(streams.Stream.JUDGE_HALVES, seed, k).permutation(len(x)) < len(x) // 2
        for k, x in enumerate(scores)
    ]
    found = np.empty(len(scores[0])), np.empty(len(scores[1]))
    for half in (False, True):
        learned = [mine == half for mine in first]
        curve = _calibration(
            [x[rows] for x, rows in zip(scores, learned, strict=True)],
            [None if w is None else w[rows] for w, rows in zip(of, learned, strict=True)],
        )
        for values, x, rows in zip(found, scores, learned, strict=True):
            p = curve(x[~rows])
            values[~rows] = (1 - p) / p
    return found


def weight_metrics(
    a: ArrayLike, b: ArrayLike, *, seed: int, weights: Weights = NO_WEIGHTS
) -> dict[str, Metric]:
    """Spread, tails and calibration of the weights of a classifier, pure numbers.

    Args:
        a: as of :func:`classifier_weights`.
        b: likewise.
        seed: seed of halves and bootstrap.
        weights: of the events of either sample, not negative.

    Returns:
        ``weight_spread``, ``weight_low``, ``weight_high``, ``weight_efficiency`` and
        ``weight_calibration``, with bootstrap errors.

    Raises:
        InputError: as of :func:`classifier_weights`.
    """
    of_true, of_judged = classifier_weights(a, b, seed=seed, weights=weights)
    n, m = len(of_true), len(of_judged)
    of = weights_of_two(weights, n, m)
    logarithm = np.log(of_judged)
    p = 1 / (1 + np.concatenate([of_true, of_judged]))
    label = np.repeat([0, 1], [n, m])

    def everything(v: Floats | None, w: Floats | None) -> Floats:
        v, w = np.ones(n) if v is None else v, np.ones(m) if w is None else w
        v, w = v / v.sum(), w / w.sum()
        spread = np.sqrt(w @ (logarithm - w @ logarithm) ** 2)
        low, high = w @ (of_judged < 1 / FACTOR), v @ (of_true > FACTOR)
        share = (w @ of_judged) ** 2 / (w @ of_judged**2)
        return np.array([spread, low, high, share, ece(p, label, np.concatenate([v, w]))])

    drawn = zip(
        event_weights(n, seed, REPLICAS, of[0]),
        event_weights(m, seed, REPLICAS, of[1], sample=1),
        strict=True,
    )
    errors = np.std([everything(v, w) for v, w in drawn], axis=0, ddof=1)
    values = zip(DEFINITIONS.items(), everything(*of), errors, strict=True)
    return {key: about.measured(value, error) for (key, about), value, error in values}


def _calibration(scores: list[Floats], weights: list[Floats | None]) -> Callable[[Floats], Floats]:
    """Scores to probabilities of a judged event, both samples counting as much."""
    from sklearn.linear_model import LogisticRegression

    together = np.concatenate(scores)
    middle, spread = together.mean(), together.std() or 1.0
    of = [np.ones(len(x)) if w is None else w for x, w in zip(scores, weights, strict=True)]
    total = np.concatenate([len(together) / 2 * w / w.sum() for w in of])
    # Both numbers are known to far better than what this regularisation changes.
    line = LogisticRegression(C=1e3)
    line.fit(((together - middle) / spread)[:, None], np.repeat([0, 1], [*map(len, scores)]), total)

    def probability(score: Floats) -> Floats:
        found: Floats = line.predict_proba(((score - middle) / spread)[:, None])[:, 1]
        return np.clip(found, SMALLEST, 1 - SMALLEST)

    return probability
