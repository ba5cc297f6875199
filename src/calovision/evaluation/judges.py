"""Judges: classifiers that learn to tell two samples apart, none of them told how they were made.

Each gives a :class:`~calovision.metrics.verdict.Verdict`: the log-odds of events that it has not
learned from, and with them AUC, error, curve of learning, and whatever else follows from scores.
The strictest, with the largest AUC, is the one to quote (arXiv:1610.06545). Beside each stands what
it says of truth and more of the truth, which is 1/2 but for chance.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from calovision.errors import InputError
from calovision.evaluation import challenge, network_judges
from calovision.evaluation.samples import Samples
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.metrics.definitions import definition
from calovision.metrics.two_sample import trees
from calovision.metrics.value import Metric
from calovision.metrics.verdict import Verdict


class Function(Protocol):
    """A judge at work."""

    def __call__(
        self, samples: Samples, other: int, seed: int, device: str, *, curve: bool = True
    ) -> Verdict:
        """What it says of the first of some samples and of that of number ``other``.

        Args:
            samples: what is judged.
            other: number of the sample that is told from the first.
            seed: of everything random.
            device: where networks compute.
            curve: whether it learns from parts of the events, too.
        """


Names = str | Collection[str]
SHARES = (4, 2, 1)  #: trees' curve has one event in so many
NETWORK_EVENTS = 10_000  #: of each sample, for a network
STRICTEST = "classifier_auc_strictest"


@dataclass(frozen=True)
class Judge:
    """One way to tell samples apart.

    Attributes:
        metric: key of its AUC.
        function: gives its verdict.
        is_network: whether it is slow, and computes on a device.
        on_request: whether it judges only where it is asked by its name.
    """

    metric: str
    function: Function
    is_network: bool = False
    on_request: bool = False


def _trees(
    samples: Samples, other: int, seed: int, device: str, *, curve: bool = True, local: bool = False
) -> Verdict:
    """The verdict of trees on observables, and on ``local`` patterns beside them."""
    del device
    tables = [samples.tables[k] for k in (0, other)]
    if local:
        tables = [np.hstack([samples.patterns[k], samples.tables[k]]) for k in (0, other)]
    options: dict[str, Any] = {"paired": samples.paired, "weights": samples.weights[other - 1]}
    options["shares"] = SHARES if curve else SHARES[-1:]
    return trees(*tables, seed=seed, **options)


#: by the names under which they are asked for, the fastest first
JUDGES: dict[str, Judge] = {
    "trees": Judge("classifier_auc", _trees),
    "patterns": Judge("classifier_auc_patterns", partial(_trees, local=True)),
    "cells": Judge("classifier_auc_cells", network_judges.cells, is_network=True),
    "hits": Judge("classifier_auc_hits", network_judges.hits, is_network=True),
    **{
        name: Judge(f"classifier_auc_{name.replace('-', '_')}", function, True, on_request=True)
        for name, function in challenge.JUDGED.items()
    },
}
QUICK = ("trees", "patterns")  #: done in a minute


@dataclass(frozen=True)
class Opinion:
    """What one judge has found.

    Attributes:
        judge: its name.
        verdict: of A and B.
        truth: of A and more of the truth.
        wall_s: seconds that both took.
    """

    judge: str
    verdict: Verdict
    truth: Verdict
    wall_s: float

    @property
    def metric(self) -> Metric:
        """Its AUC, beside that on truth."""
        auc, key = self.verdict.auc, JUDGES[self.judge].metric
        return definition(key).measured(auc.value, auc.error, self.truth.auc.value)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: both AUCs with their errors, the curve, and the time."""
        return {
            "metric": JUDGES[self.judge].metric,
            **self.verdict.to_dict(),
            "truth": self.truth.to_dict(),
            "wall_s": round(self.wall_s, 1),
        }


def asked(judges: Names | None, geometry: Geometry = JET_IMAGES) -> tuple[str, ...]:
    """Names of judges in their order; ``None`` are all but those that judge on request.

    Of showers, ``None`` are trees and the judges of the challenge, of which they are.

    A text may name several, with commas.

    Raises:
        InputError: an unknown one, or none.
    """
    if judges is None and geometry.schema == "showers":
        fitting = {"trees", *challenge.judges_of(geometry)}
        return tuple(name for name in JUDGES if name in fitting)
    if judges is None:
        return tuple(name for name, judge in JUDGES.items() if not judge.on_request)
    names = judges.split(",") if isinstance(judges, str) else judges
    if not isinstance(names, Collection):
        raise InputError(f"judges are {judges!r}", f"name some of {', '.join(JUDGES)}")
    names = [str(name).strip() for name in names]
    if unknown := [name for name in names if name not in JUDGES]:
        raise InputError(f"no judge {unknown[0]!r}", f"there are {', '.join(JUDGES)}")
    if not names:
        raise InputError("no judges are asked", f"name some of {', '.join(JUDGES)}")
    return tuple(name for name in JUDGES if name in names)


def opinion(
    name: str, samples: Samples, seed: int, device: str, events: int = NETWORK_EVENTS
) -> Opinion:
    """What a judge says of some samples, and of truth against truth.

    Args:
        name: of the judge.
        samples: A, B and, unless they are pairs, more of the truth; of pairs it is one half of the
            originals against the other.
        seed: of everything random.
        device: where networks compute.
        events: of each sample that a network takes at most.
    """
    judge, begun = JUDGES[name], time.perf_counter()
    if judge.is_network:
        samples = samples.first(events)
    verdict = judge.function(samples, 1, seed, device)
    truth, other = (samples, 2) if len(samples.events) > 2 else (samples.halves(), 1)
    floor = judge.function(truth, other, seed, device, curve=False)
    return Opinion(name, verdict, floor, time.perf_counter() - begun)


def strictest(opinions: Mapping[str, Opinion]) -> tuple[str, Metric]:
    """The judge with the largest AUC, and that AUC with its error.

    The largest of several is above 1/2 by chance; so is its floor, the largest on truth.
    """
    name = max(opinions, key=lambda k: opinions[k].verdict.auc.value)
    auc = opinions[name].verdict.auc
    floor = max(o.truth.auc.value for o in opinions.values())
    return name, definition(STRICTEST).measured(auc.value, auc.error, floor)


def reported(opinions: Mapping[str, Opinion]) -> dict[str, Any]:
    """The entries of a result: ``judges`` by name, and which is the ``strictest``."""
    if not opinions:
        return {"judges": {}, "strictest": None}
    return {
        "judges": {name: o.to_dict() for name, o in opinions.items()},
        "strictest": strictest(opinions)[0],
    }


def metrics_of(opinions: Mapping[str, Opinion]) -> dict[str, Metric]:
    """The strictest AUC, then that of every judge."""
    if not opinions:
        return {}
    each = {JUDGES[name].metric: o.metric for name, o in opinions.items()}
    return {STRICTEST: strictest(opinions)[1], **each}
