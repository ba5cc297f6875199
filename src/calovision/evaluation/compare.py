"""Compare two event sets: how far is the second from the first, beside truth against truth?

The first set ``A`` is the truth, the second ``B`` is judged. Every distance is measured twice on
samples of one size: A against B, and A against more of the truth, which is the floor that a
perfect generator reaches. More of the truth is a third set C or, without one, the second half of
A; then only the first half is compared with B.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from calovision.errors import InputError
from calovision.evaluation import judges as bench
from calovision.evaluation import matching, published, whole
from calovision.evaluation.independence import independent
from calovision.evaluation.own_metrics import measured
from calovision.evaluation.samples import MIN_EVENTS, Samples, draw
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.fingerprints import FingerprintIndex
from calovision.features.observables import observable_matrix
from calovision.metrics.bootstrap import Floats, bootstrap, weights_of_two
from calovision.metrics.classification import RankedScores, checked_weights
from calovision.metrics.definitions import COMPARED, definition
from calovision.metrics.memorisation import copies, memorised
from calovision.metrics.physics_distance import fpd, fpd_spread, kpd
from calovision.metrics.two_sample import MIN_EVENTS as CLASS_EVENTS
from calovision.metrics.two_sample import classifier_auc, tree_scores
from calovision.metrics.value import Metric
from calovision.metrics.verdict import stacked
from calovision.metrics.wasserstein import distance, hit_key, hit_values, of_hits, w1
from calovision.training.devices import chosen_device
from calovision.training.run import versions

CHUNK = 10_000  #: training events whose observables are computed at a time


def _gives(judge: bench.Judge) -> Callable[[str], bool]:
    return lambda name: name in (judge.metric, bench.STRICTEST, *whole.OF_SCORES)


#: steps of a comparison, as the progress bar calls them, and which metrics each gives
STEPS: dict[str, Callable[[str], bool]] = {
    "distributions": lambda name: name.startswith("w1_") and not whole.is_substructure(name),
    "substructure": whole.is_substructure,
    "physics distances": lambda name: name in ("fpd", "kpd"),
    **{f"judge: {name}": _gives(judge) for name, judge in bench.JUDGES.items()},
    "tagger": lambda name: name == "tagger_auc_ratio",
    "coverage": lambda name: name in ("precision", "recall", "density", "coverage"),
    "correlations": lambda name: name.startswith("correlation_"),
    "significance": lambda name: "sliced_" in name,
    "worth": lambda name: name == "events_worth",
    "memory": lambda name: name in ("memorised", "copied"),
}


def known_metric(name: str) -> bool:
    """Whether a metric of that name can be asked for."""
    return name in COMPARED or any(gives(name) for gives in STEPS.values())


def compare(
    a: Events,
    b: Events,
    *,
    seed: int,
    floor: Events | None = None,
    training: Events | None = None,
    known: FingerprintIndex | None = None,
    label: str | int | None = None,
    pt: tuple[float, float] | None = None,
    limit: int | None = None,
    judges: bench.Names | None = None,
    slow_events: int = bench.NETWORK_EVENTS,
    only: Collection[str] | None = None,
    own: Callable[[Samples], dict[str, Metric]] | None = None,
    device: str = "auto",
    progress: bool = False,
) -> dict[str, Any]:
    """Everything that tells ``b`` from ``a``, with errors and floors.

    Events count by their column ``weight``, where a set has one.

    Args:
        a: true events. Those that are in ``b``, in ``training`` or ``known``, or there twice are
            left out, of ``floor`` too; see :func:`~calovision.evaluation.independence.independent`.
        b: the events to judge.
        seed: seed of halves, batches, networks and bootstraps.
        floor: other true events; by default the second half of ``a``.
        training: events that the generator of ``b`` was trained on.
        known: fingerprints of such events, where the events themselves are not at hand.
        label: compare events of this class alone, such as ``"gluon"``.
        pt: compare events alone whose ``pt`` lies between these, GeV.
        limit: at most so many of these events of each set, the first ones; by default all.
        judges: names of those of :data:`~calovision.evaluation.judges.JUDGES` that are asked; by
            default all but those on request, of showers trees and the challenge's own.
        slow_events: events of each sample for the judges that are networks; of showers all.
        only: names of metrics; what none of them needs is not computed. By default all, and those
            of each class.
        own: further metrics of the samples that are compared.
        device: where networks among the judges learn.
        progress: show a progress bar on standard error.

    Returns:
        ``a``, ``b`` (events compared), ``left_out`` (numbers of true events), ``metrics``,
        ``classes`` (the W1s and ``classifier_auc`` of each class where labels exist), ``warnings``
        (what makes the sets unlike before any image is looked at), ``judges`` (of each its AUC, its
        curve of AUC against training events, and its AUC on truth), ``strictest`` (the name of the
        judge with the largest AUC), ``published`` (results that others have published of such
        events, with this one in its place, see :func:`~calovision.evaluation.published.placed`;
        ``None`` where there are none), ``weights`` (a histogram of what that judge says, see
        :func:`~calovision.evaluation.whole.histogram`), ``seed`` and ``versions``, ready for JSON.
        Metrics: ``classifier_auc_strictest``, the AUC of every judge, ``w1_{observable}``,
        ``w1_hit_energy_{channel}`` (of times ``w1_hit_{channel}``), ``fpd``, ``kpd``, what
        :mod:`~calovision.evaluation.whole` measures, with labels ``tagger_auc_ratio``, with
        ``training`` ``memorised`` and ``copied``.

    Raises:
        InputError: sets of different geometry or too few events, numbers that are not finite,
            negative weights, or an unknown judge.
    """
    chosen_device(device)  # refused before anything is computed
    names = bench.asked(judges, a.geometry)
    given = {matching.A: a, matching.B: b, matching.FLOOR: floor, matching.TRAINING: training}
    sets = matching.checked({name: events for name, events in given.items() if events is not None})
    training = sets.pop(matching.TRAINING, None)
    sets = {name: events[:limit] for name, events in matching.chosen(sets, label, pt).items()}
    b = sets[matching.B]
    truth = independent(sets[matching.A], b, sets.get(matching.FLOOR), training, known, MIN_EVENTS)
    samples = draw(truth.a, b, truth.floor, seed)
    opinions: dict[str, bench.Opinion] = {}
    # What stands beside published numbers takes all events.
    most = samples.size if a.geometry.schema == "showers" else slow_events

    def judged(name: str) -> dict[str, Metric]:
        opinions[name] = bench.opinion(name, samples, seed, device, most)
        return {}

    steps: dict[str, Callable[[], dict[str, Metric]]] = {
        "distributions": partial(spectra, samples, seed),
        "substructure": partial(whole.substructure, samples, seed),
        "physics distances": partial(physics_distances, samples, seed),
        "coverage": partial(whole.coverage, samples),
        "correlations": partial(whole.correlations, samples, seed),
        "significance": partial(whole.significance, samples, seed),
        "worth": partial(whole.worth, samples, seed),
        **{f"judge: {name}": partial(judged, name) for name in names},
    }
    if samples.have_classes(CLASS_EVENTS):
        steps["tagger"] = lambda: {"tagger_auc_ratio": tagger_auc_ratio(samples, seed)}
    if training is not None:
        steps["memory"] = partial(memory, samples, training, seed)
    classes: tuple[str, ...] = ()
    if only is not None:
        steps = {name: step for name, step in steps.items() if any(map(STEPS[name], only))}
    elif samples.have_classes(CLASS_EVENTS):
        classes = b.geometry.classes
        steps |= {name: partial(_of_class, samples, k, seed) for k, name in enumerate(classes)}
    further = {k: function for k, function in COMPARED.items() if only is None or k in only}
    if further:
        steps["further metrics"] = partial(measured, further, samples.events, seed)
    if own is not None:
        steps["own metrics"] = partial(own, samples)
    found: dict[str, dict[str, Any]] = {}
    with tqdm(steps.items(), unit=" steps", disable=not progress) as bar:
        for name, step in bar:
            bar.set_description(name)
            found[name] = {k: m.to_dict() for k, m in step().items()}
    per_class = {name: found.pop(name) for name in classes}
    of_judges = {k: m.to_dict() for k, m in bench.metrics_of(opinions).items()}
    weights: dict[str, list[float]] = {}
    if opinions and (only is None or any(name in whole.OF_SCORES for name in only)):
        judge = opinions[bench.strictest(opinions)[0]]
        said = whole.of_scores(judge.verdict, judge.truth, seed)
        of_judges |= {k: m.to_dict() for k, m in said.items()}
        weights = whole.histogram(judge.verdict, seed)
    if only is not None:
        of_judges = {k: m for k, m in of_judges.items() if k in only}
    measured_here = of_judges | {k: m for part in found.values() for k, m in part.items()}
    return {
        **{name: {"events": samples.size} for name in ("a", "b")},
        "left_out": truth.left_out,
        "seed": seed,
        "metrics": measured_here,
        **bench.reported(opinions),
        "published": published.placed(a.geometry.name, measured_here, samples.size),
        "classes": per_class,
        "weights": weights,
        "warnings": matching.differences(sets),
        "versions": versions(),
    }


def spectra(samples: Samples, seed: int) -> dict[str, Metric]:
    """W1 of every observable and of the hit energies of every channel, with its floor."""
    found = {}
    weights, others = samples.weights
    for k, name in enumerate(samples.names):
        x, y, z = (t[:, k] for t in samples.tables)
        about = definition(f"w1_{name}")
        metric = w1(x, y, seed=seed, definition=about, weights=weights)
        found[f"w1_{name}"] = metric.with_floor(distance(x, z, others))
    for c, channel in enumerate(samples.events[0].geometry.channels):
        (x, of_x), (y, of_y), (z, of_z) = (hit_values(e, c) for e in samples.events)
        options: dict[str, Any] = {"seed": seed, "weights": weights}
        options["definition"] = definition(hit_key(channel))
        metric = w1(x, y, owner_a=of_x, owner_b=of_y, **options)
        apart = distance(x, z, (of_hits(others[0], of_x), of_hits(others[1], of_z)))
        found[hit_key(channel)] = metric.with_floor(apart)
    return found


def physics_distances(samples: Samples, seed: int) -> dict[str, Metric]:
    """FPD and KPD with their floors; the error of FPD is also that of a finite sample."""
    real, other, more = samples.physics
    mine, others = (dict[str, Any](seed=seed, weights=w) for w in samples.weights)
    frechet = fpd(real, other, **mine)
    error = float(np.hypot(frechet.error, fpd_spread(real, other, **mine)))
    return {
        "fpd": replace(frechet, error=error).with_floor(fpd(real, more, **others).value),
        "kpd": kpd(real, other, **mine).with_floor(kpd(real, more, **others).value),
    }


def _trees(samples: Samples, seed: int) -> dict[str, Metric]:
    """AUC of boosted trees that tell B from A by its observables."""
    a, b = samples.tables[:2]
    weights = samples.weights[0]
    return {"classifier_auc": classifier_auc(a, b, paired=False, seed=seed, weights=weights)}


def _of_class(samples: Samples, label: int, seed: int) -> dict[str, Metric]:
    of_class = samples.of(label)
    return spectra(of_class, seed) | _trees(of_class, seed)


def tagger_auc_ratio(samples: Samples, seed: int) -> Metric:
    """AUC on true events of trees trained on B, over that of trees trained on as many of A.

    Both are tested on the same further true events, which are drawn together for the error; it
    leaves out what other training events would change. 1 is perfect.
    """
    test, label = samples.tables[2], samples.events[2].label
    own = checked_weights(samples.events[2].columns.get(weighting.COLUMN), label)
    trained_on_a, trained_on_b = (
        RankedScores(tree_scores(t, e.label, test, seed=seed, weights=w), label)
        for t, e, w in zip(samples.tables, samples.events, samples.weights[0], strict=False)
    )

    def ratio(weights: Floats | None) -> float:
        return trained_on_b.auc(weights) / trained_on_a.auc(weights)

    error = bootstrap(ratio, len(label), seed, weights=own)
    return definition("tagger_auc_ratio").measured(ratio(own), float(error), 1.0)


def memory(samples: Samples, training: Events, seed: int) -> dict[str, Metric]:
    """Share of B that is as near to a training event as few true events, and exact copies.

    Raises:
        InputError: training events of another geometry or without B's columns.
    """
    columns = tuple(k.removeprefix("column_") for k in samples.names if k.startswith("column_"))
    missing = [k for k in columns if k not in training.columns]
    if training.geometry != samples.events[0].geometry or missing:
        raise InputError(
            "the training events are of another kind than the compared ones",
            "give the set that the generator was trained on",
        )
    starts = range(0, len(training), CHUNK)
    known = np.concatenate([observable_matrix(training[i : i + CHUNK], columns)[0] for i in starts])
    true = np.concatenate([samples.tables[0], samples.tables[2]])
    of_true = stacked(weights_of_two(samples.weights[1], samples.size, samples.size))
    weights = samples.weights[0][1], of_true
    copied = copies(samples.events[1], training)
    return {
        "memorised": memorised(samples.tables[1], known, true, seed=seed, weights=weights),
        "copied": definition("copied").measured(copied, 0.0, 0.0),
    }
