"""Classifier tests: can boosted trees tell originals from reconstructions, quarks from gluons?

The two-sample test trains a classifier on labelled halves and quotes its AUC on events it has
not seen: 0.5 if the samples cannot be told apart, 1.0 if every event gives itself away
(arXiv:1610.06545). The network on hits lives in :mod:`calovision.metrics.two_sample_hits`.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision import streams
from calovision.errors import InputError
from calovision.metrics.classification import RankedScores, auc_metric, check
from calovision.metrics.value import REPLICAS, Floats, Metric, event_weights, same_length

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


def tree_scores(train: ArrayLike, labels: ArrayLike, test: ArrayLike, *, seed: int) -> Floats:
    """Boosted trees with the fixed settings (scikit-learn HistGradientBoostingClassifier).

    Args:
        train: ``(n, k)`` observables.
        labels: ``(n,)`` 0 or 1.
        test: ``(m, k)`` observables of the events to score.
        seed: seed of the trees.

    Returns:
        ``(m,)`` probability of class 1.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(**TREES, random_state=seed)
    trees.fit(np.asarray(train), np.asarray(labels))
    scores: Floats = trees.predict_proba(np.asarray(test))[:, 1]
    return scores


def tagger_auc(
    train: ArrayLike, train_labels: ArrayLike, test: ArrayLike, test_labels: ArrayLike, *, seed: int
) -> Metric:
    """Quark/gluon AUC of boosted trees on observables, with its bootstrap error.

    Args:
        train: ``(n, k)`` observables of the training jets.
        train_labels: ``(n,)`` gluon 0, quark 1.
        test: ``(m, k)`` observables of other jets.
        test_labels: ``(m,)``.
        seed: seed of the trees and the bootstrap.
    """
    same_length(train, train_labels, what="training observables and labels")
    return auc_metric(tree_scores(train, train_labels, test, seed=seed), test_labels, seed=seed)


def classifier_auc(
    real: ArrayLike, other: ArrayLike, *, paired: bool, seed: int, folds: int = FOLDS
) -> Metric:
    """Two-sample test: AUC of boosted trees telling ``real`` from ``other``.

    Every event is scored by trees that have not seen it (``folds``-fold); the AUC is the mean of
    the folds', since scores of different trees are not to be mixed. Its error is a bootstrap
    over events within the folds; with ``paired`` an original and its reconstruction stay in the
    same fold and are drawn together, or the trees would recognise events they were trained on.

    Args:
        real: ``(n, k)`` observables of the originals.
        other: ``(m, k)`` observables of the other sample; class 1.
        paired: row i of both is the same event (then ``n == m``).
        seed: seed of folds, trees and bootstrap.
        folds: number of folds, at least 2.

    Raises:
        InputError: samples too small, or paired samples of different size.
    """
    a, b = np.asarray(real, np.float64), np.asarray(other, np.float64)
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
    values, variances = [], []
    for fold in range(folds):
        train = np.concatenate([a[fold_a != fold], b[fold_b != fold]])
        labels = _labels((fold_a != fold).sum(), (fold_b != fold).sum())
        test = np.concatenate([a[fold_a == fold], b[fold_b == fold]])
        sizes = int((fold_a == fold).sum()), int((fold_b == fold).sum())
        scores = tree_scores(train, labels, test, seed=seed + fold)
        metric = two_sample_auc(scores, sizes, paired=paired, seed=seed + fold)
        values.append(metric.value)
        variances.append(metric.error**2)
    error = np.sqrt(np.sum(variances)) / folds
    return Metric(float(np.mean(values)), float(error), "", 0.5, higher_is_better=False)


def _labels(n: int, m: int) -> NDArray[np.int64]:
    """``n`` zeros, then ``m`` ones."""
    return np.repeat([0, 1], [n, m])


def two_sample_auc(scores: ArrayLike, sizes: tuple[int, int], *, paired: bool, seed: int) -> Metric:
    """AUC of scores of two stacked samples, with an error that respects pairs.

    Args:
        scores: ``(n + m,)``, first the ``n`` originals, then the ``m`` others.
        sizes: ``(n, m)``.
        paired: event i and event n + i are drawn together.
        seed: seed of the bootstrap.
    """
    n, m = sizes
    ranked = RankedScores(scores, _labels(n, m))
    drawn_b = event_weights(m, seed, REPLICAS, sample=0 if paired else 1)
    replicas = [
        ranked.auc(np.concatenate([w, v]))
        for w, v in zip(event_weights(n, seed, REPLICAS), drawn_b, strict=True)
    ]
    return Metric(ranked.auc(), float(np.std(replicas, ddof=1)), "", 0.5, higher_is_better=False)


def probe_auc(
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    *,
    seed: int,
) -> Metric:
    """Linear probe: AUC of a logistic regression on latent codes.

    Latents are standardised with the training events' mean and deviation; the regularisation is
    the one of :data:`PROBE_C` with the best validation AUC. The test events are used once.

    Args:
        train: latents ``(n, d)`` and labels ``(n,)`` (0 or 1).
        validation: the same of other events, which choose the regularisation.
        test: the same of the events that give the result.
        seed: seed of the bootstrap.

    Raises:
        InputError: a label is not 0 or 1, or lengths differ.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    _, train_labels = check(np.zeros(len(np.asarray(train[0]))), train[1])
    scaler = StandardScaler().fit(np.asarray(train[0], np.float64))
    inputs = [scaler.transform(np.asarray(x, np.float64)) for x, _ in (train, validation, test)]
    best, best_scores = -np.inf, np.zeros(0)
    for strength in PROBE_C:
        # 200 steps: a weakly regularised probe need not converge to be judged on validation
        probe = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(inputs[0], train_labels)
        quality = RankedScores(probe.decision_function(inputs[1]), validation[1]).auc()
        if quality > best:
            best, best_scores = quality, probe.decision_function(inputs[2])
    return auc_metric(best_scores, test[1], seed=seed)
