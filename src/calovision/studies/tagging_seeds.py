"""What the runs of a tagging study reach: metrics over seeds, paired differences, scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.evaluation.evaluate import results_of
from calovision.events.store import EventStore
from calovision.metrics.classification import auc_difference, classification_metrics
from calovision.metrics.definitions import definition
from calovision.metrics.two_sample import tagger_auc
from calovision.metrics.value import Metric
from calovision.models.taggers.boosted_trees import tree_settings
from calovision.studies.jobs import SCORES, Job
from calovision.training.parts import parts_of
from calovision.training.run import RunDir

#: what a coin reaches
FLOOR = {"auc": 0.5, "accuracy": 0.5, "rejection_30": 1 / 0.3, "rejection_50": 2.0}

#: what the ceiling is told: the generator-level jet, before pile-up and detector (GeV, rad)
TRUTH = ("gen_pt", "gen_m0", "gen_n", "gen_n_charged", "gen_girth", "gen_ptd")


@dataclass(frozen=True)
class Trained:
    """The runs of one model that differ in their seed alone.

    Attributes:
        label: name in tables.
        runs: one folder a seed.
        probabilities: ``(seeds, n)`` calibrated probability of quark of the test events.
        wall_s: ``(seeds,)`` seconds that scoring took on one thread.
    """

    label: str
    runs: list[RunDir]
    probabilities: NDArray[np.float64]
    wall_s: NDArray[np.float64]


def read(label: str, folders: Sequence[Path]) -> Trained:
    """The scores in the run folders of one model."""
    files = [np.load(f / SCORES, allow_pickle=False) for f in folders]
    return Trained(
        label,
        [RunDir(f) for f in folders],
        np.stack([f["probability"] for f in files]),
        np.array([float(f["wall_s"]) for f in files]),
    )


def over_seeds(each: Sequence[Metric]) -> Metric:
    """Mean over seeds; the error of one test set, which all share, and of the mean over seeds."""
    values = [m.value for m in each]
    spread = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    error = math.hypot(float(np.mean([m.error for m in each])), float(spread))
    return replace(each[0], value=float(np.mean(values)), error=error, floor=None)


def results(
    trained: Trained, test: EventStore, seed: int, rate: str = "jets_per_s"
) -> dict[str, Any]:
    """A results.json object of one model, with each seed's values beside the means.

    Args:
        trained: the runs of the model.
        test: the events that they have scored.
        seed: of the bootstrap.
        rate: key of the events scored per second.
    """
    label = test.column("label")
    each = [classification_metrics(p, label, seed=seed) for p in trained.probabilities]
    rates = len(test) / trained.wall_s
    on_one_core = replace(definition(rate), unit=f"{definition(rate).unit} on one core")
    for metrics, value in zip(each, rates, strict=True):
        metrics[rate] = on_one_core.measured(value, 0.0)
    found = {name: over_seeds([m[name] for m in each]) for name in each[0]}
    found = {k: m.with_floor(FLOOR[k]) if k in FLOOR else m for k, m in found.items()}
    content = results_of(trained.runs[0], test, len(test), seed, found)
    seeds = {name: [m[name].value for m in each] for name in each[0]}
    return content | {"model": trained.label, "seeds": seeds}


def differences(
    ours: Trained, others: Sequence[Trained], label: NDArray[Any], seed: int
) -> list[dict[str, Any]]:
    """AUC of ours minus that of every other model on the same events, seed by seed."""
    found = []
    for other in others:
        pairs = zip(ours.probabilities, other.probabilities, strict=False)
        metric = over_seeds([auc_difference(a, b, label, seed=seed) for a, b in pairs])
        names = {"a": ours.label, "b": other.label, "metric": "auc"}
        found.append(names | {"value": metric.value, "error": metric.error})
    return found


def ceiling(trees: Job, training: EventStore, test: EventStore, seed: int) -> Metric:
    """AUC of boosted trees on :data:`TRUTH`, trained on the training jets of ``trees``.

    What a perfect detector without pile-up would add to the trees on observables; no bound on what
    the images allow, since the truth too is a few numbers a jet.
    """
    chosen = parts_of(training, tree_settings(trees.task, trees.overrides))["train"]

    def truth(store: EventStore) -> NDArray[Any]:
        return np.stack([store.column(name) for name in TRUTH], axis=1)

    return tagger_auc(
        truth(training)[chosen],
        training.column("label")[chosen],
        truth(test),
        test.column("label"),
        seed=seed,
    )
