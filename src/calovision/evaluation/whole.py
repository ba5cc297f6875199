"""What two samples have in common as a whole: substructure, coverage, correlations, significance.

Every measure stands beside its floor, A against more of the truth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calovision.evaluation.samples import Samples
from calovision.events.events import Events
from calovision.features.substructure import EEC_WIDTH, energy_correlator, n_subjettiness
from calovision.metrics.classifier_weights import DEFINITIONS as WEIGHTS
from calovision.metrics.classifier_weights import classifier_weights, weight_metrics
from calovision.metrics.correlations import correlation_metrics
from calovision.metrics.definitions import definition
from calovision.metrics.precision_recall import precision_recall
from calovision.metrics.sliced import sliced_distances, sliced_p_values
from calovision.metrics.value import Metric
from calovision.metrics.verdict import Verdict
from calovision.metrics.wasserstein import distance, w1, w1_spectra
from calovision.metrics.worth import MIN_EVENTS, events_worth

Metrics = dict[str, Metric]
JOINTLY = "events_worth_jointly"
WEIGHT_DECADES, WEIGHT_BINS = 2.0, 40  #: of the histogram of weights, to either side and in all
#: what the scores of a judge tell beside its AUC
OF_SCORES = (*WEIGHTS, JOINTLY)
NULL_P = 0.5  #: median of a p-value of equal distributions


def is_substructure(name: str) -> bool:
    """Whether a metric is a distance of N-subjettiness or of an energy correlator."""
    return name.startswith(("w1_tau", "w1_eec"))


def substructure(samples: Samples, seed: int) -> Metrics:
    """W1 of N-subjettiness and of energy correlators, with their floors; none without jets.

    ``w1_tau1``, ``w1_tau2``, ``w1_tau3``, ``w1_tau21``, ``w1_tau32``; ``w1_eec`` of the
    calorimeters together and ``w1_eec_{channel}`` of each tracker.
    """
    geometry = samples.events[0].geometry
    if geometry.schema != "jets":
        return {}
    found: Metrics = {}
    (of_two, of_floor) = samples.weights
    if any(geometry.calorimeters):
        tables = [n_subjettiness(e) for e in samples.events]
        for name in tables[0]:
            x, y, z = (t[name] for t in tables)
            about: dict[str, Any] = {"seed": seed, "definition": definition(f"w1_{name}")}
            metric = w1(x, y, weights=of_two, **about)
            found[f"w1_{name}"] = metric.with_floor(distance(x, z, of_floor))
    for name, channels in correlators(samples.events[0]).items():
        x, y, z = (energy_correlator(e, channels) for e in samples.events)
        about = {"seed": seed, "definition": definition(f"w1_{name}")}
        metric = w1_spectra(x, y, EEC_WIDTH, weights=of_two, **about)
        floor = w1_spectra(x, z, EEC_WIDTH, weights=of_floor, replicas=2, **about)
        if np.isfinite([metric.value, floor.value]).all():  # there are pairs of hits
            found[f"w1_{name}"] = metric.with_floor(floor.value)
    return found


def correlators(events: Events) -> dict[str, tuple[bool, ...]]:
    """Names of energy correlators, and which channels each counts."""
    channels = events.geometry.channels
    found = {"eec": events.geometry.calorimeters} if any(events.geometry.calorimeters) else {}
    for channel in channels:
        if channel.kind == "tracker":
            found[f"eec_{channel.name}"] = tuple(c is channel for c in channels)
    return found


def coverage(samples: Samples) -> Metrics:
    """Precision, recall, density and coverage, with their floors."""
    a, b, more = samples.tables
    of_two, of_floor = samples.weights
    floor = precision_recall(a, more, weights=of_floor)
    found = precision_recall(a, b, weights=of_two)
    return {k: m.with_floor(floor[k].value) for k, m in found.items()}


def correlations(samples: Samples, seed: int) -> Metrics:
    """Differences of the correlation matrices, with their floors."""
    a, b, more = samples.tables
    of_two, of_floor = samples.weights
    floor = correlation_metrics(a, more, seed=seed, weights=of_floor)
    found = correlation_metrics(a, b, seed=seed, weights=of_two)
    return {k: m.with_floor(floor[k].value) for k, m in found.items()}


def significance(samples: Samples, seed: int) -> Metrics:
    """Sliced distances with their floors, and how likely they are by chance."""
    a, b, more = samples.tables
    of_two, of_floor = samples.weights
    floor = sliced_distances(a, more, seed=seed, weights=of_floor)
    found = sliced_distances(a, b, seed=seed, weights=of_two)
    found = {k: m.with_floor(floor[k].value) for k, m in found.items()}
    p = sliced_p_values(a, b, seed=seed, weights=of_two)
    return found | {k: m.with_floor(NULL_P) for k, m in p.items()}


def worth(samples: Samples, seed: int) -> Metrics:
    """How many true events B is worth, observable by observable, with its floor."""
    a, b, more = samples.tables
    of_two, of_floor = samples.weights
    floor = events_worth(a, more, seed=seed, weights=of_floor)
    found = events_worth(a, b, seed=seed, weights=of_two)
    return {"events_worth": found.with_floor(floor.value)}


def of_scores(verdict: Verdict, truth: Verdict, seed: int) -> Metrics:
    """What the scores of a judge say beside its AUC: weights, and how many true events B is worth.

    The latter needs as many scored events as any comparison, and is left out with fewer.

    Args:
        verdict: of A and B.
        truth: of A and more of the truth, for the floors.
        seed: of calibration and bootstrap.
    """
    found, floor = (_of_scores(v, seed) for v in (verdict, truth))
    return {k: m.with_floor(floor[k].value) for k, m in found.items() if k in floor}


def _of_scores(verdict: Verdict, seed: int) -> Metrics:
    a, b = verdict.log_odds
    options: dict[str, Any] = {"seed": seed, "weights": verdict.weights}
    found = weight_metrics(a, b, **options)
    if min(len(a), len(b)) < MIN_EVENTS:
        return found
    joint = events_worth(a[:, None], b[:, None], definition=definition(JOINTLY), **options)
    return found | {JOINTLY: joint}


def histogram(verdict: Verdict, seed: int) -> dict[str, list[float]]:
    """Weights of the events that a judge has scored.

    Returns:
        ``edges`` of log10 of the weight, and the shares of ``truth`` and ``made`` events between
        them; those beyond are in the outer bins.
    """
    edges = np.linspace(-WEIGHT_DECADES, WEIGHT_DECADES, WEIGHT_BINS + 1)
    found = {"edges": edges.tolist()}
    both = classifier_weights(*verdict.log_odds, seed=seed, weights=verdict.weights)
    for name, weights, of in zip(("truth", "made"), both, verdict.weights, strict=True):
        inside = np.clip(np.log10(weights), edges[0], edges[-1])
        shares = np.histogram(inside, edges, weights=of)[0]
        found[name] = (shares / shares.sum()).tolist()
    return found
