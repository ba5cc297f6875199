"""Judges: classifiers that learn to tell two samples apart, none of them told how they were made.

Each gives a :class:`~calovision.metrics.verdict.Verdict`: the log-odds of events that it has not
learned from, and with them AUC, error, curve of learning, and whatever else follows from scores.
The strictest, with the largest AUC, is the one to quote (arXiv:1610.06545).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from calovision.evaluation.samples import Samples
from calovision.metrics.verdict import Verdict

#: of samples, the seed of everything random, and the device of networks
Function = Callable[[Samples, int, str], Verdict]


@dataclass(frozen=True)
class Judge:
    """One way to tell samples apart.

    Attributes:
        metric: key of its AUC.
        title: what it is, for figures and tables.
        judged: what it says of A and B of some samples.
    """

    metric: str
    title: str
    judged: Function


def _trees(samples: Samples, seed: int, device: str) -> Verdict:
    del device
    return trees(*samples.tables[:2], paired=samples.paired, seed=seed, weights=samples.weights[0])


def _patterns(samples: Samples, seed: int, device: str) -> Verdict:
    del device
    return trees(*samples.patterns[:2], paired=samples.paired, seed=seed, weights=samples.weights[0])


#: by the names under which they are asked for, the fastest first
JUDGES: dict[str, Judge] = {}
