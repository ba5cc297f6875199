"""Measure a trained model on an event set: the content of its results.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.evaluation import judges as bench
from calovision.evaluation.compare import compare
from calovision.evaluation.held_out import held_out
from calovision.evaluation.samples import Samples
from calovision.events import weighting
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.labels import both_classes
from calovision.features.observables import observable_matrix, observables
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.classification import checked_weights, classification_metrics
from calovision.metrics.definitions import definition
from calovision.metrics.emd import emd_metrics, emd_per_event
from calovision.metrics.image_quality import image_quality
from calovision.metrics.occupancy import occupancy_metrics
from calovision.metrics.response import response_metrics
from calovision.metrics.two_sample import probe_auc, tagger_auc
from calovision.metrics.value import Metric
from calovision.metrics.wasserstein import w1, w1_hits
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.classify import score
from calovision.models.config import preset_of
from calovision.models.generators.base import GeneratorTask, Request, generated
from calovision.models.reconstruct import reconstructions
from calovision.models.taggers.base import TaggerTask
from calovision.training.run import RunDir, versions
from calovision.training.task import Task
from calovision.utils import streams

FOLDS = 5  #: cross-fitting folds of the probe and the tagger
SLOW_EVENTS = 1000  #: events of the slow metrics unless told otherwise

Floats = NDArray[np.float64]


def evaluate(
    directory: RunDir,
    task: Task,
    store: EventSet,
    *,
    seed: int = 1,
    judges: bench.Names | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> dict[str, Any]:
    """Measure a run's trained task on what it has not seen of ``store``.

    Args:
        directory: the run.
        task: its task.
        store: events of the kind that it was trained on.
        seed: of the bootstrap and all else that is random.
        judges: names of those who tell what the model makes from true events; by default all.
        device: where networks among the judges learn.
        quiet: no progress bar.

    Returns:
        The content of results.json.

    Raises:
        InputError: too few unseen events, or of another geometry.
    """
    task.check_geometry(store.geometry)
    found = held_out(directory, store)
    events = weighting.counting(found.events)
    results = results_of(directory, store, len(events), seed, {})
    if isinstance(task, TaggerTask):
        results["metrics"] = as_json(classified(task, events, seed, quiet))
    elif isinstance(task, GeneratorTask) and not isinstance(task, AutoencoderTask):
        made = generated(task, len(events) // 2, Request(), seed=seed)
        options: dict[str, Any] = {"judges": judges, "device": device, "progress": not quiet}
        compared = compare(events, made, seed=seed, **options)
        results |= {key: compared[key] for key in ("metrics", "judges", "strictest")}
    else:
        assert isinstance(task, AutoencoderTask)
        weighting.of(events)  # refuses weights that make no sense before the work is done
        rebuilt, latent = reconstructions(task, events, seed, quiet)
        floors = truth_floor(events, seed)
        metrics, _ = measure(events, rebuilt, latent, seed, floors)
        opinions = told_apart(events, rebuilt, seed, judges, device)
        results["metrics"] = as_json(bench.metrics_of(opinions) | metrics)
        results |= bench.reported(opinions)
    results["data"] |= {"training_events": found.training, "repeated_events": found.repeated}
    return results


def as_json(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Metrics ready for JSON."""
    return {name: metric.to_dict() for name, metric in metrics.items()}


def classified(
    task: TaggerTask, events: Events, seed: int, quiet: bool = False
) -> dict[str, Metric]:
    """Classification metrics of a tagger, its rate, and the share of events it does not know.

    Raises:
        InputError: the events have no labels, others than 0 and 1, or one of them only.
    """
    label, weights = both_classes(events), events.columns.get(weighting.COLUMN)
    weights = checked_weights(weights, label)
    scores = score(task, events, quiet)
    metrics = classification_metrics(scores.probability, label, seed=seed, weights=weights)
    rate, unknown = f"{events.geometry.schema}_per_s", "out_of_distribution"
    metrics[rate] = definition(rate).measured(len(events) / scores.wall_s, 0.0)
    metrics[unknown] = mean_metric(scores.out_of_distribution, definition(unknown), weights)
    return metrics


def truth_floor(events: Events, seed: int) -> dict[str, float]:
    """What truth against truth reaches: one half of the originals against the other."""
    half = len(events) // 2
    halves = events[:half], events[half : 2 * half]
    found = w1_hits(*halves, paired=False, seed=seed)
    found |= _spectra(*halves, seed, paired=False)
    return {"emd": 0.0} | {k: m.value for k, m in found.items()}


def _spectra(a: Events, b: Events, seed: int, *, paired: bool) -> dict[str, Metric]:
    first = weighting.of(a)
    weights = first, (first if paired else weighting.of(b))
    options: dict[str, Any] = {"paired": paired, "seed": seed, "weights": weights}
    pairs = zip(observables(a).items(), observables(b).values(), strict=True)
    return {
        (key := f"w1_{name}"): w1(x, y, definition=definition(key), **options)
        for (name, x), y in pairs
    }


def measure(
    events: Events,
    rebuilt: Events,
    latent: NDArray[np.float32],
    seed: int,
    floors: dict[str, float],
    slow_events: int = SLOW_EVENTS,
) -> tuple[dict[str, Metric], Floats]:
    """All metrics of originals, their reconstructions and latent means ``(n, L)``.

    The first ``slow_events`` serve for the energy-mover distance and the image similarities.
    Judges stand apart, in :func:`told_apart`.

    Returns:
        the metrics, and the energy-mover distance per event and channel, GeV.
    """
    metrics = {
        **occupancy_metrics(events, rebuilt, seed=seed),
        **response_metrics(events, rebuilt, seed=seed),
        **w1_hits(events, rebuilt, paired=True, seed=seed),
        **image_quality(events, rebuilt, seed=seed, max_events=slow_events),
    }
    slow = events[:slow_events]
    distances = emd_per_event(slow, rebuilt[:slow_events])
    metrics |= emd_metrics(distances, events.geometry.channel_names, weighting.of(slow))
    metrics |= _spectra(events, rebuilt, seed, paired=True)
    metrics |= {k: metrics[k].with_floor(floors[k]) for k in metrics.keys() & floors.keys()}
    if "label" in events.columns and set(np.unique(events.label)) == {0, 1}:
        seen, weights = observable_matrix(events)[0], weighting.of(events)
        metrics["tagger_auc"] = cross_fitted(_tagger, seen, events.label, seed, weights)
        metrics["probe_auc"] = cross_fitted(_probe, latent, events.label, seed, weights)
    return metrics, distances


def told_apart(
    events: Events,
    rebuilt: Events,
    seed: int,
    judges: bench.Names | None = None,
    device: str = "auto",
) -> dict[str, bench.Opinion]:
    """What judges say who tell originals from their reconstructions; see :mod:`.judges`."""
    tables, (names, _) = zip(*map(observable_matrix, (events, rebuilt)), strict=True)
    samples = Samples((events, rebuilt), tables, names, paired=True)
    names = bench.asked(judges, events.geometry)
    return {name: bench.opinion(name, samples, seed, device) for name in names}


#: features, labels and, where there are any, weights of some events
Fold = tuple[NDArray[Any], NDArray[Any], Floats | None]


def _probe(train: Fold, test: Fold, seed: int) -> Metric:
    cut, (x, y, w) = int(0.85 * len(train[0])), train  # the rest chooses the regularisation
    parts = (x[:cut], y[:cut]), (x[cut:], y[cut:]), test[:2]
    weights = (None, None) if w is None else (w[:cut], w[cut:])
    return probe_auc(*parts, seed=seed, weights=(*weights, test[2]))


def _tagger(train: Fold, test: Fold, seed: int) -> Metric:
    return tagger_auc(*train[:2], *test[:2], seed=seed, weights=(train[2], test[2]))


def cross_fitted(
    score: Callable[[Fold, Fold, int], Metric],
    features: NDArray[Any],
    labels: NDArray[Any],
    seed: int,
    weights: Floats | None = None,
) -> Metric:
    """Mean over folds of a metric whose model has not seen the fold; errors in quadrature."""

    def rows(chosen: NDArray[np.int64]) -> Fold:
        return features[chosen], labels[chosen], None if weights is None else weights[chosen]

    order = streams.rng(streams.Stream.FOLDS, seed).permutation(len(labels))
    parts = []
    for number, fold in enumerate(np.array_split(order, FOLDS)):
        rest = np.setdiff1d(order, fold, assume_unique=True)
        streams.rng(streams.Stream.FOLD, seed, number).shuffle(rest)
        parts.append(score(rows(rest), rows(fold), seed))
    error = np.sqrt(sum(p.error**2 for p in parts)) / len(parts)
    return Metric(float(np.mean([p.value for p in parts])), float(error))


def results_of(
    run: RunDir,
    store: EventSet,
    events: int,
    seed: int,
    metrics: dict[str, Metric],
    about: str | None = None,
) -> dict[str, Any]:
    """The content of results.json, with what the model is in words; by default its preset's."""
    config = run.describe()["config"]
    return {
        "task": config["task"],
        "model": config["model"],
        "about": preset_of(config["task"], config["model"]).about if about is None else about,
        "data": {
            "path": store.where,
            "hash": store.hash,
            "events": events,
            "split": "events not seen in training",
        },
        "seed": seed,
        "budget": run.budget(),
        "metrics": as_json(metrics),
        "versions": versions(),
    }
