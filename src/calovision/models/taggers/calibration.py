"""Platt scaling: logits of a classifier to calibrated probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def platt(
    logits: NDArray[np.float64],
    labels: NDArray[np.float64],
    weights: NDArray[np.floating[Any]] | None = None,
) -> tuple[float, float]:
    """Slope and offset of ``sigmoid(slope * logit + offset)`` with the highest likelihood.

    Platt's scaling; with the offset fixed to 0 it is the temperature of arXiv:1706.04599.

    Args:
        logits: ``(n,)`` of events that the classifier was not trained on.
        labels: ``(n,)`` 0 or 1.
        weights: ``(n,)`` how much each event counts, not negative.

    Returns:
        ``(1, 0)`` if only one class is there.
    """
    if len(np.unique(labels if weights is None else labels[weights > 0])) < 2:
        return 1.0, 0.0
    # SciPy takes a second to load, which lists of models need not wait for.
    from scipy.optimize import minimize
    from scipy.special import expit

    of = None if weights is None else weights.astype(np.float64)

    def mean(values: NDArray[np.float64]) -> np.float64:
        return np.float64(np.mean(values) if of is None else of @ values / of.sum())

    def loss(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = p[0] * logits + p[1]
        error = expit(z) - labels
        value = float(mean(np.logaddexp(0, z) - labels * z))
        return value, np.array([mean(error * logits), mean(error)])

    # A slope below zero would turn the order of the events round.
    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(1e-3, 1e3), (-50, 50)])
    return float(found.x[0]), float(found.x[1])


def auc_and_error(
    logits: NDArray[np.float64], labels: NDArray[np.floating[Any]]
) -> tuple[float, float] | None:
    """Area under the ROC curve and its standard error (Hanley and McNeil, 1982).

    Args:
        logits: ``(n,)``.
        labels: ``(n,)`` 0 or 1.

    Returns:
        None if only one class is there.
    """
    from scipy.stats import rankdata

    ones = int((labels == 1).sum())
    zeros = len(labels) - ones
    if not ones or not zeros:
        return None
    auc = (rankdata(logits)[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    more, less = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = (auc * (1 - auc) + (ones - 1) * more + (zeros - 1) * less) / (ones * zeros)
    return float(auc), float(np.sqrt(max(variance, 0.0)))
