"""How far are events from the truth? Two event sets beside truth against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

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


def compare(
    a: EventSet | str | Path,
    b: EventSet | str | Path,
    *,
    floor: EventSet | str | Path | None = None,
    training: EventSet | str | Path | None = None,
    label: str | None = None,
    pt: tuple[float, float] | None = None,
    metrics: Sequence[str | OwnMetric] | None = None,
    seed: int = 1,
    limit: int | None = None,
    quiet: bool = False,
) -> Results:
    """Measure how far events ``b`` are from the true events ``a``, beside truth against truth.

    Args:
        a: true events, or their folder or file.
        b: events to judge.
        floor: other true events; by default the second half of ``a``.
        training: events that the generator of ``b`` was trained on.
        label: compare events of this class alone.
        pt: compare events alone whose pt lies between these, GeV.
        metrics: names of what to keep, such as ``"fpd"``, and functions of one's own that take
            the true and the judged events that are compared and give a number; by default all
            there are.
        seed: of halves, batches, networks and bootstraps.
        limit: at most so many events of each set.
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
    from calovision.studies.comparing import compare as measure

    wanted = list(metrics or ())
    functions = [one for one in wanted if callable(one)]
    sets = [None if s is None else _events(s) for s in (a, b, floor, training)]
    first, second, third, trained = sets
    assert first is not None
    assert second is not None
    content = measure(
        first,
        second,
        seed=seed,
        floor=third,
        training=trained,
        known=_known(b),
        label=label,
        pt=pt,
        limit=limit,
        own=lambda samples: {f.__name__: own(f, samples.events, seed) for f in functions},
        progress=not quiet,
    )
    names = [one.__name__ if callable(one) else one for one in wanted]
    if unknown := [name for name in names if name not in content["metrics"]]:
        there = ", ".join(content["metrics"])
        raise InputError(f"no metric {unknown[0]!r}", f"there are {there}")
    if metrics is not None:
        content["metrics"] = {name: content["metrics"][name] for name in names}
    return Results(content)


def _events(events: EventSet | str | Path) -> Events:
    from calovision.events.reading import read_events

    return events.load() if isinstance(events, EventSet) else read_events(events)[0]


def _known(events: EventSet | str | Path) -> Known | None:
    """Fingerprints of the events that the generator of ``events`` was trained on, if they tell."""
    folder = events.origin if isinstance(events, EventSet) else Path(events)
    return None if folder is None else known_in(folder, "make the generated set again")


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
