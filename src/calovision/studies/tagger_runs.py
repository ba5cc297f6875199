"""Runs of taggers in a study: scores of the test events, and metrics over seeds."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.evaluation.evaluate import results_of
from calovision.events.store import EventStore
from calovision.metrics.classification import auc_difference, classification_metrics
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.models.classify import score
from calovision.models.load import load_tagger
from calovision.models.taggers.boosted_trees import ABOUT, TREES, grow, tree_settings
from calovision.reports.sources import save_arrays
from calovision.studies.artifacts import save_curves, save_examples
from calovision.studies.runner import Step, StudyFolder, difference
from calovision.studies.trainings import Training
from calovision.training.run import RunDir
from calovision.training.seen_events import training_events
from calovision.utils.files import write_bytes

SCORES = "scores.npz"  #: in every run: what it says about the test events
EXAMPLES = 500  #: test events of which the examples are chosen
#: what a coin reaches
FLOOR = {"auc": 0.5, "accuracy": 0.5, "rejection_30": 1 / 0.3, "rejection_50": 2.0}


@dataclass(frozen=True)
class TaggerRuns:
    """The runs of one model that differ in their seed alone.

    Attributes:
        label: name in tables.
        runs: one folder a seed.
        probabilities: ``(seeds, n)`` calibrated probability of class 1 of the test events.
        wall_s: ``(seeds,)`` time that scoring took on one thread, s.
    """

    label: str
    runs: list[RunDir]
    probabilities: NDArray[np.float64]
    wall_s: NDArray[np.float64]


def train_and_score(study: StudyFolder, training: Training) -> None:
    """Carry out one training, and write what the model says about the test events to its run.

    Raises:
        InputError: a training that begins with the weights of another knows test events by it.
    """
    run, test = study.path / training.folder, study.test
    if training.model == TREES:
        settings = tree_settings(training.task, training.settings)
        arrays: dict[str, Any] = grow(settings, study.training, test, run)
    else:
        made = study.train(training)
        if training.pretrained and training_events(made, test).any():
            raise InputError(
                "the model that comes with the package has learned from test events of this study",
                "give another --seed",
            )
        scores = score(load_tagger(made), test, quiet=True)
        arrays = {
            "probability": scores.probability,
            "out_of_distribution": scores.out_of_distribution,
            "wall_s": np.array(scores.wall_s),
        }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(run / SCORES, buffer.getvalue())


def scored(study: StudyFolder, training: Training) -> bool:
    """Whether :func:`train_and_score` has finished."""
    return (study.path / training.folder / SCORES).exists()


TRAIN_AND_SCORE = Step("train", train_and_score, scored)


def read(label: str, folders: Sequence[Path]) -> TaggerRuns:
    """The scores in the run folders of one model."""
    files = [np.load(f / SCORES, allow_pickle=False) for f in folders]
    return TaggerRuns(
        label,
        [RunDir(f) for f in folders],
        np.stack([f["probability"] for f in files]),
        np.array([float(f["wall_s"]) for f in files]),
    )


def by_model(study: StudyFolder, trainings: Sequence[Training]) -> list[TaggerRuns]:
    """The finished runs, those of one model together, in the order of the trainings."""
    folders: dict[str, list[Path]] = {}
    for training in trainings:
        folders.setdefault(training.label, []).append(study.path / training.folder)
    return [read(label, paths) for label, paths in folders.items()]


def over_seeds(metrics: Sequence[Metric]) -> Metric:
    """Mean over seeds; the error of one test set, which all share, and of the mean over seeds."""
    values = [m.value for m in metrics]
    spread = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    error = math.hypot(float(np.mean([m.error for m in metrics])), float(spread))
    return replace(metrics[0], value=float(np.mean(values)), error=error, floor=None)


def results(runs: TaggerRuns, test: EventStore, seed: int) -> dict[str, Any]:
    """A results.json object of one model, with each seed's values beside the means.

    Args:
        runs: of the model.
        test: the events that they have scored.
        seed: of the bootstrap.
    """
    label, kind = test.column("label"), test.geometry.schema
    each = [classification_metrics(p, label, seed=seed) for p in runs.probabilities]
    speed = definition(f"{kind}_per_s")
    on_one_core = replace(speed, unit=f"{speed.unit} on one core")
    for metrics, rate in zip(each, len(test) / runs.wall_s, strict=True):
        metrics[f"{kind}_per_s"] = on_one_core.measured(float(rate), 0.0)
    found = {name: over_seeds([m[name] for m in each]) for name in each[0]}
    found = {k: m.with_floor(FLOOR[k]) if k in FLOOR else m for k, m in found.items()}
    content = results_of(
        runs.runs[0], test, len(test), seed, found, ABOUT if runs.label == TREES else None
    )
    seeds = {name: [m[name].value for m in each] for name in each[0]}
    return content | {"model": runs.label, "seeds": seeds} | _begun_with(runs.runs[0])


def _begun_with(run: RunDir) -> dict[str, Any]:
    """Training events of the model whose weights a run began with, if it did."""
    start = run.describe()["data"].get("start")
    if start is None:
        return {}
    first = RunDir(Path(str(start["run"]))).describe()["data"]
    return {"begun_with": int(first["split"]["train"])}


def begun_with(comparison: Mapping[str, Any], many: str) -> list[str]:
    """A line for every model of a comparison that began with the weights of another."""
    return [
        f"{result['model']} begins with the model that comes with the package ({number:,} training "
        f"{many}): this scale has too few for a network that begins from nothing"
        for result in comparison["models"]
        if (number := result.get("begun_with"))
    ]


def differences(
    ours: TaggerRuns, others: Sequence[TaggerRuns], label: NDArray[Any], seed: int
) -> list[dict[str, Any]]:
    """AUC of ours minus that of every other model on the same events, seed by seed."""
    found = []
    for other in others:
        pairs = zip(ours.probabilities, other.probabilities, strict=False)
        metric = over_seeds([auc_difference(a, b, label, seed=seed) for a, b in pairs])
        found.append(difference(ours.label, other.label, "auc", metric.value, metric.error))
    return found


def compare(
    study: StudyFolder, models: Sequence[TaggerRuns], columns: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """What comparison.json says of all models, ours first; artifacts are written to the study.

    Args:
        study: the folder.
        models: runs of all models.
        columns: of the test events, ``label`` among them, that are kept beside the scores.
    """
    test = study.test
    first = {f"score/{m.label}": m.probabilities[0].astype(np.float32) for m in models}
    save_arrays(study.path / SCORES, {**columns, **first})
    save_curves(study.path, {m.label: m.runs[0] for m in models})
    save_examples(study.path, test[: min(len(test), EXAMPLES)], {}, study.seed)
    return {
        "models": [results(m, test, study.seed) for m in models],
        "differences": differences(models[0], models[1:], columns["label"], study.seed),
        "floor": FLOOR,
    }
