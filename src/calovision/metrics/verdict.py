"""What a judge says of events that it has not learned from: scores, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    REPLICAS,
    Floats,
    Weights,
    event_weights,
    weights_of_two,
)
from calovision.metrics.classification import RankedScores
from calovision.metrics.value import Definition, Metric

#: of the AUC of any judge; each has a label and a text of its own
AUC = Definition("AUC", higher_is_better=False, target=0.5, ratio=False)
Rows = NDArray[np.bool_] | NDArray[np.int64] | slice


@dataclass(frozen=True)
class Part:
    """Scores of events that one classifier has not learned from.

    Attributes:
        a: ``(n,)`` log-odds that an event of A is one of B, as the classifier thinks. Both samples
            count as much, so ``exp(a)`` estimates the density of B over that of A.
        b: ``(m,)`` the same of events of B.
        weights: of these events.
        rows: which events of A and of B these are.
    """

    a: Floats
    b: Floats
    weights: Weights
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]

    def metric(self, *, paired: bool, seed: int) -> Metric:
        """Their AUC with its bootstrap error."""
        scores, sizes = np.concatenate([self.a, self.b]), (len(self.a), len(self.b))
        return two_sample_auc(scores, sizes, paired=paired, seed=seed, weights=self.weights)


@dataclass(frozen=True)
class Verdict:
    """What a judge says of two samples.

    Attributes:
        parts: scores of unseen events; several where folds take turns, and then those of different
            parts come from different classifiers.
        paired: event i of A and event i of B are an original and its reconstruction, which are
            drawn together for errors.
        seed: of the bootstrap.
        curve: number of events of both samples that a classifier has learned from, and its AUC; the
            last is that of ``parts``.

    Example:
        >>> import numpy as np
        >>> rows = np.arange(4), np.arange(4)
        >>> part = Part(np.array([-1.0, -2, 0, -1]), np.array([1.0, 2, 1, 0.5]), (None, None), rows)
        >>> Verdict((part,), False, 1).auc.value
        1.0
    """

    parts: tuple[Part, ...]
    paired: bool
    seed: int
    curve: tuple[tuple[int, Metric], ...] = ()

    @cached_property  # its bootstrap ranks all scores some hundred times
    def auc(self) -> Metric:
        """Mean AUC of the parts; 1/2 if the samples cannot be told apart."""
        found = [p.metric(paired=self.paired, seed=self.seed + k) for k, p in enumerate(self.parts)]
        return mean_of(found)

    @property
    def log_odds(self) -> tuple[Floats, Floats]:
        """``(n,)`` and ``(m,)`` log-odds of B over A of all unseen events of A and of B."""
        return np.concatenate([p.a for p in self.parts]), np.concatenate([p.b for p in self.parts])

    @property
    def weights(self) -> Weights:
        """Weights of the same events."""
        of = [weights_of_two(p.weights, len(p.a), len(p.b)) for p in self.parts]
        first, second = ([w[side] for w in of] for side in (0, 1))
        return _joined(first), _joined(second)

    def to_dict(self) -> dict[str, Any]:
        """AUC and curve, values and errors, ready for JSON."""
        curve = [{"events": events, "auc": _plain(auc)} for events, auc in self.curve]
        return {"auc": _plain(self.auc), "curve": curve}


def _plain(metric: Metric) -> dict[str, float]:
    return {"value": metric.value, "error": metric.error}


def _joined(weights: list[Floats | None]) -> Floats | None:
    known = [w for w in weights if w is not None]
    return np.concatenate(known) if known else None


def mean_of(metrics: Iterable[Metric]) -> Metric:
    """Mean of independent AUCs, their errors in quadrature."""
    found = list(metrics)
    error = np.sqrt(sum(m.error**2 for m in found)) / len(found)
    return AUC.measured(float(np.mean([m.value for m in found])), float(error), 0.5)


def log_odds(probability: ArrayLike) -> Floats:
    """Log-odds of probabilities; those of 0 and 1 are cut at what doubles can tell from them."""
    smallest = np.finfo(np.float64).eps
    p = np.clip(np.asarray(probability, np.float64), smallest, 1 - smallest)
    found: Floats = np.log(p) - np.log1p(-p)
    return found


def two_sample_auc(
    scores: ArrayLike,
    sizes: tuple[int, int],
    *,
    paired: bool,
    seed: int,
    weights: Weights = NO_WEIGHTS,
) -> Metric:
    """AUC of scores of two stacked samples, with an error that respects pairs.

    Args:
        scores: ``(n + m,)``, first the ``n`` originals, then the ``m`` others.
        sizes: ``(n, m)``.
        paired: event i and event n + i are drawn together.
        seed: seed of the bootstrap.
        weights: of the events of either sample, not negative.
    """
    n, m = sizes
    ranked, of = RankedScores(scores, np.repeat([0, 1], [n, m])), weights_of_two(weights, n, m)
    drawn_a = event_weights(n, seed, REPLICAS, of[0])
    drawn_b = event_weights(m, seed, REPLICAS, of[1], sample=0 if paired else 1)
    replicas = [ranked.auc(np.concatenate([w, v])) for w, v in zip(drawn_a, drawn_b, strict=True)]
    error = float(np.std(replicas, ddof=1))
    return AUC.measured(ranked.auc(stacked(of)), error, 0.5)


def part_of(weights: Weights, a: Rows, b: Rows) -> Weights:
    """Weights of some events of two samples."""
    first, second = weights
    return None if first is None else first[a], None if second is None else second[b]


def stacked(weights: Weights) -> Floats | None:
    """``(n + m,)`` weights of two samples, of :func:`weights_of_two`, one after the other."""
    a, b = weights
    return None if a is None or b is None else np.concatenate([a, b])
