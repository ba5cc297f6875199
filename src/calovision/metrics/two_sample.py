"""Classifier tests: can boosted trees tell originals from reconstructions, quarks from gluons?

The two-sample test trains a classifier on labelled halves and quotes its AUC on events it has
not seen: 0.5 if the samples cannot be told apart, 1.0 if every event gives itself away
(arXiv:1610.06545).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from calovision.errors import InputError
from calovision.events.weighting import scaled
from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    Floats,
    Weights,
    same_length,
    weights_of_two,
)
from calovision.metrics.classification import RankedScores, auc_metric, check, checked_weights
from calovision.metrics.groups import GENERATED, LATENT, TWO_SAMPLES
from calovision.metrics.value import Definition, Metric
from calovision.metrics.verdict import Part, Verdict, log_odds, part_of, stacked
from calovision.utils import streams

FOLDS = 4
#: fixed settings of all boosted trees, so that results stay comparable between studies
TREES = {
    "max_iter": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 50,
    "l2_regularization": 1.0,
    "early_stopping": False,
}
MIN_EVENTS = 50  #: per sample; below this trees with 50 events a leaf learn nothing
PROBE_C = tuple(10.0 ** np.arange(-4, 2))  #: inverse regularisation strengths tried
DEFINITIONS = {
    **{
        key: Definition(label, text, TWO_SAMPLES, higher_is_better=False, target=0.5, ratio=False)
        for key, label, text in (
            (
                "classifier_auc_strictest",
                "AUC, strictest judge",
                "The largest AUC of all judges that were asked. One judge that can tell the "
                "samples apart is enough; the others have not seen how.",
            ),
            (
                "classifier_auc",
                "AUC, trees on observables",
                "Boosted trees on observables, trained to tell the two samples apart.",
            ),
            (
                "classifier_auc_patterns",
                "AUC, trees on patterns",
                "Boosted trees on local numbers of every channel, trained to tell the two samples "
                "apart: energies near thresholds, neighbours and what lies around a hit, isolated "
                "hits, connected areas, the hottest cell, and how channels lie on each other.",
            ),
            (
                "classifier_auc_cells",
                "AUC, network on cells",
                "A convolutional network on the cells of all channels, trained to tell the two "
                "samples apart.",
            ),
            (
                "classifier_auc_hits",
                "AUC, network on hits",
                "A transformer on the hardest hits, with a coarse image of all, trained to tell "
                "the two samples apart.",
            ),
            (
                "classifier_auc_challenge_high_level",
                "AUC, CaloChallenge's high-level features",
                "The CaloChallenge's dense network on energies, centres and widths of all channels "
                "(arXiv:2410.21611).",
            ),
            (
                "classifier_auc_challenge_dense",
                "AUC, CaloChallenge's network on cells",
                "The CaloChallenge's dense network on the energies of all cells.",
            ),
            (
                "classifier_auc_challenge_cnn",
                "AUC, CaloChallenge's residual network",
                "The CaloChallenge's residual network of 18 layers on images.",
            ),
        )
    },
    "tagger_auc_ratio": Definition(
        "relative AUC of a tagger trained on them",
        "Trees learn quark from gluon on generated jets and are tested on simulated ones; their "
        "AUC over that of trees trained on as many simulated jets.",
        GENERATED,
        target=1.0,
        ratio=False,
        good="1: whoever trains on generated jets loses nothing.",
    ),
    "probe_auc": Definition(
        "AUC, linear probe of the code",
        "A linear classifier of the two classes that sees the latent code alone.",
        LATENT,
        ratio=False,
    ),
    "tagger_auc": Definition(
        "AUC, tagger on observables",
        "Boosted trees that tell the two classes of originals apart.",
        LATENT,
        ratio=False,
    ),
}


def tree_scores(
    train: ArrayLike,
    labels: ArrayLike,
    test: ArrayLike,
    *,
    seed: int,
    weights: Floats | None = None,
) -> Floats:
    """Boosted trees with the fixed settings (scikit-learn HistGradientBoostingClassifier).

    Args:
        train: ``(n, k)`` observables.
        labels: ``(n,)`` 0 or 1.
        test: ``(m, k)`` observables of the events to score.
        seed: seed of the trees.
        weights: ``(n,)`` event weights, not negative.

    Returns:
        ``(m,)`` probability of class 1.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(**TREES, random_state=seed)
    trees.fit(np.asarray(train), np.asarray(labels), sample_weight=weights)
    scores: Floats = trees.predict_proba(np.asarray(test))[:, 1]
    return scores


def tagger_auc(
    train: ArrayLike,
    train_labels: ArrayLike,
    test: ArrayLike,
    test_labels: ArrayLike,
    *,
    seed: int,
    weights: Weights = NO_WEIGHTS,
) -> Metric:
    """Quark/gluon AUC of boosted trees on observables, with its bootstrap error.

    Args:
        train: ``(n, k)`` observables of the training jets.
        train_labels: ``(n,)`` gluon 0, quark 1.
        test: ``(m, k)`` observables of other jets.
        test_labels: ``(m,)``.
        seed: seed of the trees and the bootstrap.
        weights: of the training events and of the others, not negative.
    """
    n = same_length(train, train_labels, what="training observables and labels")
    scores = tree_scores(train, train_labels, test, seed=seed, weights=scaled(weights[0], n))
    return auc_metric(scores, test_labels, seed=seed, weights=weights[1])


def trees(
    real: ArrayLike,
    other: ArrayLike,
    *,
    paired: bool,
    seed: int,
    folds: int = FOLDS,
    weights: Weights = NO_WEIGHTS,
    shares: Sequence[int] = (1,),
) -> Verdict:
    """Two-sample test: boosted trees telling ``real`` from ``other``.

    Every event is scored by trees that have not seen it (``folds``-fold); the AUC is the mean of
    the folds', since scores of different trees are not to be mixed. Its error is a bootstrap
    over events within the folds; with ``paired`` an original and its reconstruction stay in the
    same fold and are drawn together, or the trees would recognise events they were trained on.

    Args:
        real: ``(n, k)`` numbers of the originals; NaN is what an event does not have.
        other: ``(m, k)`` the same of the other sample; class 1.
        paired: row i of both is the same event (then ``n == m``).
        seed: seed of folds, trees and bootstrap.
        folds: number of folds, at least 2.
        weights: of the events of either sample, not negative; each sample counts as much.
        shares: the curve has the AUC of trees that learn from one event in so many, falling to
            1; but for the last, of one fold.

    Raises:
        InputError: samples too small, paired samples of different size, or weights that mean
            nothing here.
    """
    a, b = np.asarray(real), np.asarray(other)
    if paired:
        same_length(a, b, what="paired samples")
    if min(len(a), len(b)) < MIN_EVENTS or folds < 2:
        raise InputError(
            f"{min(len(a), len(b))} events in {folds} folds are too few for a two-sample test",
            f"give at least {MIN_EVENTS} of each and 2 folds",
        )
    rng = streams.rng(streams.Stream.TWO_SAMPLE, seed)
    fold_a = rng.permutation(len(a)) % folds
    fold_b = fold_a if paired else rng.permutation(len(b)) % folds
    of = weights_of_two(weights, len(a), len(b))
    curve: list[tuple[int, Metric]] = []
    parts: list[Part] = []
    for share in shares:
        parts, learned = [], 0
        used = folds if share == 1 else 1
        for fold in range(used):
            seen_a, seen_b = (np.flatnonzero(f != fold)[::share] for f in (fold_a, fold_b))
            new_a, new_b = (np.flatnonzero(f == fold) for f in (fold_a, fold_b))
            scores = tree_scores(
                np.concatenate([a[seen_a], b[seen_b]]),
                np.repeat([0, 1], [len(seen_a), len(seen_b)]),
                np.concatenate([a[new_a], b[new_b]]),
                seed=seed + fold,
                weights=stacked(part_of(of, seen_a, seen_b)),
            )
            # Trees believe that there are as many of each as among what they have learned from.
            odds = log_odds(scores) - np.log(len(seen_b) / len(seen_a))
            split = odds[: len(new_a)], odds[len(new_a) :]
            parts.append(Part(*split, part_of(of, new_a, new_b), (new_a, new_b)))
            learned += len(seen_a) + len(seen_b)
        curve.append((learned // used, Verdict(tuple(parts), paired, seed).auc))
    return Verdict(tuple(parts), paired, seed, tuple(curve))


def classifier_auc(
    real: ArrayLike,
    other: ArrayLike,
    *,
    paired: bool,
    seed: int,
    folds: int = FOLDS,
    weights: Weights = NO_WEIGHTS,
) -> Metric:
    """AUC of boosted trees on observables; see :func:`trees`."""
    return trees(real, other, paired=paired, seed=seed, folds=folds, weights=weights).auc


def probe_auc(
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    *,
    seed: int,
    weights: tuple[Floats | None, Floats | None, Floats | None] = (None, None, None),
) -> Metric:
    """Linear probe: AUC of a logistic regression on latent codes.

    Latents are standardised with the training events' mean and deviation; the regularisation is
    the one of :data:`PROBE_C` with the best validation AUC. The test events are used once.

    Args:
        train: latents ``(n, d)`` and labels ``(n,)`` (0 or 1).
        validation: the same of other events, which choose the regularisation.
        test: the same of the events that give the result.
        seed: seed of the bootstrap.
        weights: of the events of these three, not negative.

    Raises:
        InputError: a label is not 0 or 1, lengths differ, or weights that mean nothing here.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    _, train_labels = check(np.zeros(len(np.asarray(train[0]))), train[1])
    of_train = scaled(weights[0], len(train_labels))
    of_others = [
        checked_weights(w, check(np.zeros(len(np.asarray(y))), y)[1])
        for w, (_, y) in zip(weights[1:], (validation, test), strict=True)
    ]
    scaler = StandardScaler().fit(np.asarray(train[0], np.float64), sample_weight=of_train)
    inputs = [scaler.transform(np.asarray(x, np.float64)) for x, _ in (train, validation, test)]
    best, best_scores = -np.inf, np.zeros(0)
    for strength in PROBE_C:
        # 200 steps: a weakly regularised probe need not converge to be judged on validation
        probe = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(inputs[0], train_labels, sample_weight=of_train)
        ranked = RankedScores(probe.decision_function(inputs[1]), validation[1])
        quality = ranked.auc(of_others[0])
        if quality > best:
            best, best_scores = quality, probe.decision_function(inputs[2])
    return auc_metric(best_scores, test[1], seed=seed, weights=of_others[1])
