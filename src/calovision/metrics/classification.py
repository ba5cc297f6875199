"""How well scores separate two classes: AUC, accuracy, rejection, calibration.

Scores ``(n,)`` are larger for class 1 (the signal); labels ``(n,)`` are 0 or 1; weights
``(n,)`` are optional event weights, of either sign, which is also how the bootstrap enters; a
class needs a sum above 0. Only their ratios matter. Errors come from a bootstrap over events.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.events.weighting import effective, scaled
from calovision.metrics.bootstrap import REPLICAS, Floats, bootstrap, same_length
from calovision.metrics.groups import CLASSIFICATION
from calovision.metrics.value import Definition, Metric

EFFICIENCIES = (0.3, 0.5)  #: signal efficiencies at which the rejection is quoted
ECE_BINS = 15  #: equal-width bins of the calibration error
DEFINITIONS = {
    "auc": Definition(
        "ROC AUC",
        "Take one signal and one background event at random: the chance that the tagger gives the "
        "signal the higher score. It does not depend on where one cuts.",
        CLASSIFICATION,
        ratio=False,
        good="0.5 is guessing, 1 is perfect. Quark and gluon jets overlap by nature, 0.81 was the "
        "best published on CMS images of them; so do electrons and converted photons.",
        source="Hanley and McNeil, Radiology 143 (1982) 29; CMS images: arXiv:1902.08276",
        short="AUC",
    ),
    "accuracy": Definition(
        "accuracy",
        "Share of events on the right side of a probability of 0.5.",
        CLASSIFICATION,
        ratio=False,
        good="0.5 is guessing where both classes are equally frequent. Read the AUC first: the "
        "accuracy changes with the mixture of classes.",
        short="accuracy",
    ),
    "rejection_30": Definition(
        "rejection at 30 %",
        "Cut so that 30 % of the signal is kept; one in so many background events is kept too.",
        CLASSIFICATION,
        good="Guessing gives 3.3. This is what a search with a tight cut gains.",
        source="arXiv:1902.09914",
        short="rejection at 30 %",
    ),
    "rejection_50": Definition(
        "rejection at 50 %",
        "Cut so that half of the signal is kept; one in so many background events is kept too.",
        CLASSIFICATION,
        good="Guessing gives 2. A rejection of 8 means that 12.5 % of the background is left.",
        source="arXiv:1902.09914",
        short="at 50 %",
    ),
    "ece": Definition(
        "calibration error",
        "Among events that are called signal with 70 %, are 70 % signal? The mean gap between the "
        f"stated probability and the true fraction (expected calibration error), over {ECE_BINS} "
        "bins.",
        CLASSIFICATION,
        higher_is_better=False,
        good="0 is perfect; up to 0.02 the score can be used as a probability.",
        source="arXiv:1706.04599",
        short="ECE",
    ),
}
QUALITY = tuple(k for k, d in DEFINITIONS.items() if d.short)  #: of :func:`classification_metrics`


def check(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """Scores and labels as arrays ``(n,)``.

    Raises:
        InputError: lengths differ, a score is not finite, a label is not 0 or 1, or a class
            is missing.
    """
    score, label = np.asarray(scores, np.float64), np.asarray(labels)
    same_length(score, label, what="scores and labels")
    if not np.isfinite(score).all():
        raise InputError("scores contain NaN or infinity", "check the classifier's output")
    if set(np.unique(label)) != {0, 1}:
        raise InputError("labels must be 0 and 1, with both present", "check the label column")
    return score, label.astype(np.int64)


def checked_weights(weights: ArrayLike | None, label: NDArray[Any]) -> Floats | None:
    """Weights of events of two classes, scaled to a mean of 1; ``None`` where all are equal.

    Raises:
        InputError: weights that do not fit, or a class whose weights do not sum to more than 0.
    """
    weight = scaled(weights, len(label), signed=True)
    if weight is not None:
        for k in (0, 1):
            if weight[label == k].sum() <= 0:
                raise InputError(
                    f"the weights of the events of class {k} do not sum to more than 0",
                    "give a set in which both classes have weight",
                )
    return weight


class RankedScores:
    """Scores sorted once, so that a weighted AUC costs O(n); ties count one half."""

    def __init__(self, scores: ArrayLike, labels: ArrayLike) -> None:
        score, self._label = check(scores, labels)
        _, self._rank = np.unique(score, return_inverse=True)

    def auc(self, weights: Floats | None = None) -> float:
        """Area under the ROC curve, the probability that a signal event outranks a background one.

        Equals the Mann-Whitney U statistic over ``n_0 n_1`` (Hanley and McNeil, Radiology 143
        (1982) 29). Pure number in [0, 1].
        """
        weight = np.ones(len(self._label)) if weights is None else weights
        size = int(self._rank.max()) + 1
        signal = np.bincount(self._rank, weight * self._label, size)
        background = np.bincount(self._rank, weight * (1 - self._label), size)
        below = np.cumsum(background) - background / 2
        kinds = signal.sum(), background.sum()
        # With negative weights a replica may have none left of a class.
        return float(signal @ below / (kinds[0] * kinds[1])) if min(kinds) > 0 else float("nan")


def auc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under the ROC curve; see :meth:`RankedScores.auc`."""
    return RankedScores(scores, labels).auc(checked_weights(weights, check(scores, labels)[1]))


def roc_curve(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """The ROC curve at every distinct score, from (0, 0) to (1, 1).

    Returns:
        Background efficiency, signal efficiency and threshold (``score >= threshold`` selects),
        each ``(k,)``; the first threshold is infinite.
    """
    score, label = check(scores, labels)
    cuts, signal, background = _passing(score, label, checked_weights(weights, label))
    false = np.concatenate([[0.0], background / background[-1]])
    true = np.concatenate([[0.0], signal / signal[-1]])
    return false, true, np.concatenate([[np.inf], cuts])


def _passing(
    score: Floats, label: NDArray[np.int64], weights: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Every distinct score, the highest first, and the signal and background at or above it."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    weight = np.ones(len(label)) if weights is None else weights
    signal, background = (
        np.cumsum((weight * of_class)[order])[last] for of_class in (label, 1 - label)
    )
    return ranked[last], signal, background


def accuracy(probabilities: ArrayLike, labels: ArrayLike, weights: Floats | None = None) -> float:
    """Fraction of events whose probability lies on the right side of 0.5."""
    probability, label = check(probabilities, labels)
    return float(np.average((probability >= 0.5) == label, weights=weights))


def rejection(
    scores: ArrayLike,
    labels: ArrayLike,
    efficiency: float,
    weights: Floats | None = None,
    least: float = 1.0,
) -> float:
    """Background rejection ``1 / eps_B`` at a signal efficiency ``eps_S``.

    The threshold is the highest score at which at least ``efficiency`` of the signal passes.
    When no background passes, the lower bound ``n_B`` is returned instead of infinity.

    Args:
        scores: ``(n,)`` classifier scores.
        labels: ``(n,)`` 0 or 1.
        efficiency: signal efficiency in (0, 1].
        weights: ``(n,)`` event weights.
        least: weight of a single background event, which ``n_B`` is counted in.
    """
    score, label = check(scores, labels)
    if not 0 < efficiency <= 1:
        raise InputError(f"signal efficiency {efficiency} is not in (0, 1]", "use 0.3 or 0.5")
    _, signal, background = _passing(score, label, weights)
    at = np.argmax(signal >= efficiency * signal[-1] * (1 - 1e-10))
    return float(background[-1] / (background[at] if background[at] > 0 else least))


def ece(
    probabilities: ArrayLike,
    labels: ArrayLike,
    weights: Floats | None = None,
    bins: int = ECE_BINS,
) -> float:
    """Expected calibration error of the probability of class 1.

    Mean over equal-width bins of ``|mean probability - fraction of class 1|``, weighted by the
    bins' events (arXiv:1706.04599). In [0, 1], 0 is perfect.

    Raises:
        InputError: a probability lies outside [0, 1].
    """
    probability, label = check(probabilities, labels)
    if probability.min() < 0 or probability.max() > 1:
        raise InputError("probabilities outside [0, 1]", "apply the sigmoid first")
    weight = np.ones(len(label)) if weights is None else weights
    index = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gap = np.bincount(index, weight * (probability - label), bins)
    return float(np.abs(gap).sum() / weight.sum())


def auc_metric(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    seed: int,
    replicas: int = REPLICAS,
    weights: ArrayLike | None = None,
) -> Metric:
    """ROC AUC with its bootstrap error; ``weights`` ``(n,)`` are event weights of either sign."""
    ranked, (_, label) = RankedScores(scores, labels), check(scores, labels)
    weight = checked_weights(weights, label)
    error = bootstrap(ranked.auc, len(label), seed, replicas, weight)
    return DEFINITIONS["auc"].measured(ranked.auc(weight), float(error))


def classification_metrics(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    seed: int,
    replicas: int = REPLICAS,
    weights: ArrayLike | None = None,
) -> dict[str, Metric]:
    """All classification metrics with bootstrap errors.

    Args:
        probabilities: ``(n,)`` probability of class 1.
        labels: ``(n,)`` 0 or 1.
        seed: seed of the bootstrap.
        replicas: number of bootstrap replicas.
        weights: ``(n,)`` event weights of either sign.

    Returns:
        ``auc``, ``accuracy``, ``rejection_30``, ``rejection_50`` and ``ece``.

    Raises:
        InputError: probabilities, labels or weights that do not fit.
    """
    probability, label = check(probabilities, labels)
    weight = checked_weights(weights, label)
    ranked, least = RankedScores(probability, label), 1.0
    if weight is not None:  # as many events as have the same relative error
        background = weight[label == 0]
        least = float(background.sum()) / effective(background)

    def everything(weights: Floats | None) -> Floats:
        reject = [rejection(probability, label, e, weights, least) for e in EFFICIENCIES]
        hits = accuracy(probability, label, weights)
        return np.array([ranked.auc(weights), hits, *reject, ece(probability, label, weights)])

    values = everything(weight)
    errors = bootstrap(everything, len(label), seed, replicas, weight)
    return {
        name: DEFINITIONS[name].measured(v, e)
        for name, v, e in zip(QUALITY, values, errors, strict=True)
    }


def auc_difference(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    labels: ArrayLike,
    *,
    seed: int,
    replicas: int = REPLICAS,
    weights: ArrayLike | None = None,
) -> Metric:
    """AUC of model a minus AUC of model b on the same events, by paired bootstrap."""
    a, b = RankedScores(scores_a, labels), RankedScores(scores_b, labels)

    def difference(weights: Floats | None) -> float:
        return a.auc(weights) - b.auc(weights)

    weight = checked_weights(weights, check(scores_a, labels)[1])
    error = bootstrap(difference, len(np.asarray(labels)), seed, replicas, weight)
    return Metric(difference(weight), float(error))
