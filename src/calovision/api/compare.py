"""How far are events from the truth? Two event sets beside truth against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calovision import streams
from calovision.api.results import Results
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.fingerprints import Known
from calovision.events.packed_prints import known_in
from calovision.metrics.value import Metric

#: one's own metric: true and judged events to a number or a :class:`Metric`
OwnMetric = Callable[[Events, Events], float | Metric]


Sample = EventSet | str | Path


def compare(
    truth: Sample,
    made: Sample,
    *,
    floor: Sample | None = None,
    training: Sample | None = None,
    label: str | None = None,
    pt: tuple[float, float] | None = None,
    metrics: Sequence[str | OwnMetric] | None = None,
    events: int = 20_000,
    seed: int = 1,
    device: str = "auto",
    skip_corrupt: bool = False,
    quiet: bool = False,
) -> Results:
    """Measure how far events are from true ones, beside truth against truth.

    Args:
        truth: true events, or their folder or file; those that the generator of the others was
            trained on, or that are among them, are left out and counted.
        made: events to judge, likewise.
        floor: other true events; by default the second half of ``truth``.
        training: events that the generator of ``made`` was trained on: is it a memory of them?
        label: compare events of this class alone, such as ``"gluon"``.
        pt: compare events alone whose pt lies between these, GeV.
        metrics: names, such as ``"fpd"``, and functions of one's own that take the true and the
            judged events that are compared and give a number; only what they need is computed. By
            default all there are, and those of each class.
        events: at most so many events of each set, the first ones.
        seed: of halves, batches, networks and bootstraps.
        device: where networks among the judges compute: ``"auto"``, ``"cpu"``, ``"cuda"``,
            ``"cuda:N"``, ``"mps"``.
        skip_corrupt: leave out damaged shards, with a warning.
        quiet: no progress bar.

    Returns:
        Metrics with errors and floors.

    Raises:
        InputError: sets of different geometry, too few events, or an unknown metric.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(600, seed=1)
        >>> found = cv.compare(crops[:400], crops[400:], metrics=["w1_n_hit_energy"], quiet=True)
        >>> found["w1_n_hit_energy"].unit
        'hits'
    """
    from calovision.studies.comparing import STEPS
    from calovision.studies.comparing import compare as measure

    wanted = list(metrics or ())
    functions = [one for one in wanted if callable(one)]
    plain = [one for one in wanted if not callable(one)]
    if unknown := [name for name in plain if not any(gives(name) for gives in STEPS.values())]:
        raise InputError(
            f"no metric {unknown[0]!r}",
            "there are fpd, kpd, classifier_auc, classifier_auc_hits, tagger_auc_ratio, memorised,"
            " copied and w1_ of every observable",
        )
    # Which events are asked for is known when all are read.
    first = events if label is None and pt is None else None
    a, of_a = _read(truth, first, skip_corrupt)
    b, of_b = _read(made, first, skip_corrupt)
    more, of_more = (None, None) if floor is None else _read(floor, first, skip_corrupt)
    trained, of_training = (None, None) if training is None else _read(training, None, skip_corrupt)
    content = measure(
        a,
        b,
        seed=seed,
        floor=more,
        training=trained,
        known=_known(made),
        label=label,
        pt=pt,
        limit=events,
        device=device,
        only=None if metrics is None else plain,
        own=lambda samples: {f.__name__: own(f, samples.events, seed) for f in functions},
        progress=not quiet,
    )
    compared = {"compared": content["a"]["events"]}
    content |= {"a": of_a | compared, "b": of_b | compared}
    content |= {"floor": of_more, "training": of_training}
    names = [one.__name__ if callable(one) else one for one in wanted]
    if unknown := [name for name in names if name not in content["metrics"]]:
        there = ", ".join(content["metrics"])
        raise InputError(f"no metric {unknown[0]!r}", f"there are {there}")
    if metrics is not None:
        content["metrics"] = {name: content["metrics"][name] for name in names}
    return Results(content)


def _read(events: Sample, first: int | None, skip_corrupt: bool) -> tuple[Events, dict[str, Any]]:
    """The first events of a sample, and where they come from."""
    from calovision.events.reading import read_events

    if not isinstance(events, EventSet):
        return read_events(events, first, skip_corrupt=skip_corrupt)
    held = events[:first].load()
    return held, {"path": events.where, "hash": events.hash, "events": len(held)}


def _known(events: Sample) -> Known | None:
    """Fingerprints of the events that the generator of ``events`` was trained on, if they tell."""
    folder = events.origin if isinstance(events, EventSet) else Path(events)
    if folder is None:
        return None
    return known_in(folder, f"delete it and give the training events, or make {folder} again")


def own(
    metric: OwnMetric, samples: tuple[Events, Events, Events], seed: int, replicas: int = 20
) -> Metric:
    """A metric of one's own with its floor, and an error by the bootstrap if it tells none.

    Args:
        metric: function of true and judged events.
        samples: true events, events to judge, and further true events for the floor.
        seed: of the bootstrap.
        replicas: of the bootstrap.
    """
    truth, made, more = samples
    value, floor = metric(truth, made), _number(metric(truth, more))
    if isinstance(value, Metric):
        return value if value.floor is not None else value.with_floor(floor)
    drawn = []
    for replica in range(replicas):
        rng = streams.rng(streams.Stream.OWN_METRIC, seed, replica)
        rows = [rng.integers(0, len(s), len(s)) for s in (truth, made)]
        drawn.append(_number(metric(truth[rows[0]], made[rows[1]])))
    error = float(np.std(drawn, ddof=1))
    return Metric(float(value), error, floor=floor, higher_is_better=False)


def _number(value: float | Metric) -> float:
    return value.value if isinstance(value, Metric) else float(value)
