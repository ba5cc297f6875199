"""How far are events from the truth? Two event sets beside truth against truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from calovision.api.results import Results
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
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
            the true and the judged events and give a number; by default all there are.
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
        >>> found = cv.compare(crops[:400], crops[400:], metrics=["w1_n_hits_energy"], quiet=True)
        >>> found["w1_n_hits_energy"].unit
        ''
    """
    from calovision.studies.comparing import compare as measure

    sets = [None if s is None else _events(s) for s in (a, b, floor, training)]
    first, second, third, known = sets
    assert first is not None
    assert second is not None
    content = measure(
        first,
        second,
        seed=seed,
        floor=third,
        training=known,
        label=label,
        pt=pt,
        limit=limit,
        progress=not quiet,
    )
    if metrics is not None:
        content["metrics"] = _chosen(content["metrics"], metrics, first, second, third, seed)
    return Results(content)


def _events(events: EventSet | str | Path) -> Events:
    from calovision.events.reading import read_events

    return events.load() if isinstance(events, EventSet) else read_events(events)[0]


def _chosen(
    found: dict[str, dict[str, object]],
    wanted: Sequence[str | OwnMetric],
    truth: Events,
    made: Events,
    more: Events | None,
    seed: int,
) -> dict[str, dict[str, object]]:
    """The metrics of the names and functions asked for.

    Raises:
        InputError: there is no metric of a name.
    """
    kept: dict[str, dict[str, object]] = {}
    for one in wanted:
        if callable(one):
            kept[one.__name__] = own(one, truth, made, more, seed).to_dict()
        elif one in found:
            kept[one] = found[one]
        else:
            raise InputError(f"no metric {one!r}", f"there are {', '.join(found)}")
    return kept


def own(
    metric: OwnMetric,
    truth: Events,
    made: Events,
    more: Events | None,
    seed: int,
    replicas: int = 20,
) -> Metric:
    """A metric of one's own with its floor, and an error by the bootstrap if it tells none.

    Args:
        metric: function of true and judged events.
        truth: true events.
        made: events to judge.
        more: other true events, which give the floor; by default halves of ``truth``.
        seed: of the bootstrap.
        replicas: of the bootstrap.
    """
    half = len(truth) // 2
    pair = (truth[:half], truth[half:]) if more is None else (truth, more)
    value, level = metric(truth, made), metric(*pair)
    if isinstance(value, Metric):
        return value if value.floor is not None else value.with_floor(_number(level))
    from calovision import streams

    drawn = []
    for replica in range(replicas):
        rng = streams.rng(streams.Stream.BOOTSTRAP, seed, replica)
        rows = [rng.integers(0, len(s), len(s)) for s in (truth, made)]
        drawn.append(_number(metric(truth[rows[0]], made[rows[1]])))
    error = float(np.std(drawn, ddof=1))
    return Metric(float(value), error, floor=_number(level), higher_is_better=False)


def _number(value: float | Metric) -> float:
    return value.value if isinstance(value, Metric) else float(value)
