"""Comparison of two event sets, beside truth against truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calovision.api.given import events_or_path
from calovision.api.results import Results
from calovision.errors import InputError
from calovision.evaluation.own_metrics import Wanted, asked, measured
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.fingerprints import FingerprintIndex
from calovision.events.training_fingerprints import find_index
from calovision.utils.counts import count

Sample = EventSet | str | Path


def compare(
    truth: Sample,
    made: Sample,
    *,
    floor: Sample | None = None,
    training: Sample | None = None,
    label: str | int | None = None,
    pt: tuple[float, float] | None = None,
    metrics: Wanted | None = None,
    judges: str | Sequence[str] | None = None,
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
        label: compare events of this class alone, such as ``"gluon"``, or its number.
        pt: compare events alone whose pt lies between these, GeV.
        metrics: a name, such as ``"fpd"``, a function of one's own that takes the true and the
            judged events that are compared and gives a number, or several of these; only what they
            need is computed. By default all there are, and those of each class.
        judges: of ``"trees"`` on observables, trees on local ``"patterns"``, a network on
            ``"cells"`` and one on ``"hits"``, those that are asked; by default all of these. The
            first two are done in a minute. The CaloChallenge's ``"challenge-high-level"``,
            ``"challenge-dense"`` and ``"challenge-cnn"`` judge where they are named, and showers in
            a cylinder, with trees, by default.
        events: at most so many events of each set, the first ones.
        seed: of halves, batches, networks and bootstraps.
        device: where networks among the judges compute: ``"auto"``, ``"cpu"``, ``"cuda"``,
            ``"cuda:N"``, ``"mps"``.
        skip_corrupt: leave out damaged shards, with a warning.
        quiet: no progress bar.

    Returns:
        Metrics with errors and floors; of the sets of the CaloChallenge also its results, with this
        one in its place: ``content["published"]``.

    Raises:
        InputError: sets of different geometry, too few events, an unknown metric, two of one name,
            or one that gives no number, or an unknown judge.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(600, seed=1)
        >>> found = cv.compare(crops[:400], crops[400:], metrics=["w1_n_hit_energy"], quiet=True)
        >>> found["w1_n_hit_energy"].unit
        'hits'
    """
    from calovision.evaluation.compare import compare as measure
    from calovision.evaluation.compare import known_metric

    most = count("events", events)
    seed = count("seed", seed, 0)
    wanted = {}
    if metrics is not None:
        wanted = asked(metrics, known_metric, training is not None)
    functions = {name: own for name, own in wanted.items() if own is not None}
    # Which events are asked for is known when all are read.
    first = most if label is None and pt is None else None
    a, of_a = read(truth, first, skip_corrupt)
    b, of_b = read(made, first, skip_corrupt)
    more, of_more = (None, None) if floor is None else read(floor, first, skip_corrupt)
    trained, of_training = (None, None) if training is None else read(training, None, skip_corrupt)
    content = measure(
        a,
        b,
        seed=seed,
        floor=more,
        training=trained,
        known=known_training(made),
        label=label,
        pt=pt,
        limit=most,
        judges=judges,
        device=device,
        only=None if metrics is None else [k for k in wanted if k not in functions],
        own=(lambda samples: measured(functions, samples.events, seed)) if functions else None,
        progress=not quiet,
    )
    compared = {"compared": content["a"]["events"]}
    content |= {"a": of_a | compared, "b": of_b | compared}
    content |= {"floor": of_more, "training": of_training}
    there = content["metrics"]
    if unknown := [name for name in wanted if name not in there]:
        raise InputError(
            f"{unknown[0]} is no metric of these events", f"there are {', '.join(there) or 'none'}"
        )
    if metrics is not None:
        content["metrics"] = {name: there[name] for name in wanted}
    return Results(content)


def read(events: Sample, first: int | None, skip_corrupt: bool) -> tuple[Events, dict[str, Any]]:
    """The first events of a sample, and where they come from."""
    from calovision.events.formats.reading import read_events

    events = events_or_path(events)
    if not isinstance(events, EventSet):
        held, found = read_events(events, first, skip_corrupt=skip_corrupt)
    else:
        held = events[:first].load()
        found = {"path": events.where, "hash": events.hash, "events": len(held)}
    if not len(held):
        raise InputError(f"a set in {found['path']} is empty", "compare sets with events")
    return held, found


def known_training(events: Sample) -> FingerprintIndex | None:
    """Fingerprints of the events that the generator of ``events`` was trained on, if they tell."""
    folder = events.origin if isinstance(events, EventSet) else Path(events)
    if folder is None:
        return None
    return find_index(folder, f"delete it and give the training events, or make {folder} again")
