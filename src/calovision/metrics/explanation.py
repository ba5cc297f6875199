"""What a score is made of: its correlation with observables, and how far these explain it.

Correlation says which observables move with the score, one at a time. Trees that predict the
score from all observables together say how much of it they hold (R^2), and, by shuffling one
observable at a time, which of them the prediction rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.metrics.bootstrap import REPLICAS, Floats, bootstrap, bootstrap_sums, same_length
from calovision.metrics.two_sample import TREES
from calovision.metrics.value import Definition, Metric
from calovision.utils import streams

MIN_EVENTS = 200  #: with fewer, trees with 50 events a leaf say nothing about a score
SHUFFLES = 5  #: times each observable is shuffled
DEFINITIONS = {
    "occlusion": Definition(
        "occlusion",
        "Hits of one layer and one ring around the centre are taken away and the jet is scored "
        "again; the change of the logit (the score before it becomes a probability) tells how "
        "much the tagger rests on them.",
        good="There is no good value; large changes show where it looks.",
        source="arXiv:1311.2901",
    ),
    "spearman": Definition(
        "rank correlation",
        "Spearman's correlation between the ranks of the score and of an observable.",
        good="+1: the larger, the more quark-like; -1: the more gluon-like; 0: no trend. Gluon "
        "jets have more and softer particles and are wider, so multiplicity and girth should be "
        "negative, and pTD positive.",
        source="arXiv:1408.3122",
    ),
    "r2": Definition(
        "R²",
        "Share of the score's scatter from jet to jet that boosted trees reproduce from the "
        "observables.",
        good="1: the tagger computes nothing but these observables; what is missing to 1 it has "
        "found beside them.",
    ),
    "importance": Definition(
        "importance",
        "By how much R² falls when the values of one observable are shuffled among the jets.",
        good="Observables that say the same share their importance, so a small one can still "
        "matter.",
    ),
}


@dataclass(frozen=True)
class TreeExplanation:
    """How much of a score trees on observables reproduce.

    Attributes:
        r2: share of the score's variance that they explain, on events they have not seen; 1 is
            all of it.
        importance: observable to the loss of R^2 when its values are shuffled among events.
            Observables that say the same share their importance.
    """

    r2: Metric
    importance: dict[str, float]


class _Ranked:
    """Values sorted once, so that the ranks in a bootstrap replica cost O(n)."""

    def __init__(self, values: Floats) -> None:
        _, self._place = np.unique(values, return_inverse=True)

    def ranks(self, weights: Floats) -> Floats:
        """``(n,)`` mean rank of each value where event ``i`` occurs ``weights[i]`` times."""
        count = np.bincount(self._place, weights)
        ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[self._place]
        return ranks


def _correlation(a: Floats, b: Floats, weights: Floats) -> float:
    """Weighted linear correlation, NaN if one of the two is constant."""
    a, b = (x - np.average(x, weights=weights) for x in (a, b))
    scale = np.sqrt((weights @ a**2) * (weights @ b**2))
    return float((weights * a) @ b / scale) if scale else float("nan")


def spearman(
    scores: ArrayLike, values: ArrayLike, *, seed: int, replicas: int = REPLICAS
) -> Metric:
    """Spearman's rank correlation with its bootstrap error.

    Args:
        scores: ``(n,)``; any rising function of them gives the same result.
        values: ``(n,)`` an observable.
        seed: seed of the bootstrap.
        replicas: number of bootstrap replicas.

    Returns:
        In [-1, 1]; NaN if one of the two is constant.

    Raises:
        InputError: different lengths, or numbers that are not finite.
    """
    score, value = _finite(scores, "scores"), _finite(values, "values")
    n = same_length(score, value, what="scores and values")
    first, second = _Ranked(score), _Ranked(value)

    def of(weights: Floats) -> float:
        return _correlation(first.ranks(weights), second.ranks(weights), weights)

    return DEFINITIONS["spearman"].measured(of(np.ones(n)), float(bootstrap(of, n, seed, replicas)))


def explained_by_trees(
    scores: ArrayLike, observables: Mapping[str, NDArray[Any]], *, seed: int
) -> TreeExplanation:
    """How much of a score boosted trees reproduce from observables, and from which.

    The trees (scikit-learn HistGradientBoostingRegressor) learn on a random half of the events;
    everything is measured on the other half.

    Args:
        scores: ``(n,)``, best the logit: probabilities crowd at their ends.
        observables: name to ``(n,)`` values.
        seed: seed of the halves, the trees, the shuffles and the bootstrap.

    Raises:
        InputError: too few events, different lengths, or numbers that are not finite.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.inspection import permutation_importance

    score = _finite(scores, "scores")
    n = same_length(score, *observables.values(), what="scores and observables")
    if n < MIN_EVENTS or not observables:
        raise InputError(
            f"{n} events with {len(observables)} observables explain nothing",
            f"give at least {MIN_EVENTS} events and one observable",
        )
    table = np.stack([_finite(v, name) for name, v in observables.items()], axis=1)
    order = streams.rng(streams.Stream.EXPLANATION, seed).permutation(n)
    train, test = order[: n // 2], order[n // 2 :]
    trees = HistGradientBoostingRegressor(**TREES, random_state=seed)
    trees.fit(table[train], score[train])
    shuffled = permutation_importance(
        trees, table[test], score[test], scoring="r2", n_repeats=SHUFFLES, random_state=seed
    )
    importance = dict(zip(observables, map(float, shuffled.importances_mean), strict=True))
    return TreeExplanation(_r2(score[test], trees.predict(table[test]), seed), importance)


def _r2(true: Floats, predicted: Floats, seed: int) -> Metric:
    """Share of the variance explained, with its bootstrap error."""
    true, predicted = (x - true.mean() for x in (true, predicted))

    def of(sums: Floats) -> float:
        n, total, squares, residual = sums
        spread = squares - total**2 / n
        return float(1 - residual / spread) if spread > 0 else float("nan")

    parts = np.stack([np.ones(len(true)), true, true**2, (true - predicted) ** 2], axis=1)
    return DEFINITIONS["r2"].measured(of(parts.sum(axis=0)), float(bootstrap_sums(parts, of, seed)))


def _finite(values: ArrayLike, name: str) -> Floats:
    """The values as floats.

    Raises:
        InputError: one is not finite.
    """
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name} contain NaN or infinity", "check them")
    return array
