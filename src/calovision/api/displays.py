"""Events that a display shows of a folder: an event set, several of them, a run or a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.formats.reading import read_events
from calovision.events.store import EventStore
from calovision.reports.view import Shown, beside

if TYPE_CHECKING:
    from calovision.training.task import Task

MANIFEST, CONFIG = "manifest.json", "config.yaml"
ORIGINAL, SIMULATED = "original", "simulated"
#: where studies keep what can be looked at, and with which set it is compared
STUDY_SETS = (("examples", None), ("generated", "data/test"))
POOL = 1000  #: events among which those are sought that are like the ones beside them
Excerpt = Callable[[EventSet | Path], Events]  #: the events to show of a set


def shown(
    what: EventSet | Path,
    first: int,
    events: int,
    *,
    data: EventSet | Path | None = None,
    task: Task | None = None,
    seed: int = 1,
    skip_corrupt: bool = False,
) -> list[Shown]:
    """Rows of a display.

    Args:
        what: event set, in memory or on disk; public file; folder of event sets, of which
            ``original`` comes first; run directory; or study.
        first: number of the first event.
        events: most events shown.
        data: events of a run; by default those that it was trained on.
        task: of a run, if it is loaded already.
        seed: of reconstructions and generated events.
        skip_corrupt: leave out damaged shards, with a warning.

    Raises:
        InputError: nothing to show there.
    """
    if first < 0 or events < 1:
        raise InputError(f"{events} events from number {first}", "ask for one from 0 on")
    excerpt = partial(_excerpt, first=first, events=events, skip_corrupt=skip_corrupt)
    pool = partial(_excerpt, first=first, events=max(events, POOL), skip_corrupt=skip_corrupt)
    if isinstance(what, EventSet):
        return [Shown("events", excerpt(what))]
    folder = what
    if folder.is_file() or (folder / MANIFEST).is_file():
        return [Shown(folder.name, excerpt(folder))]
    if (folder / CONFIG).is_file():
        return _of_run(folder, task, data, seed, excerpt, slice(first, first + events))
    for place, other in STUDY_SETS:
        sets = _sets(folder / place)
        if sets:
            return _side_by_side(sets, folder / other if other else None, excerpt, pool)
    sets = _sets(folder)
    if not sets:
        raise InputError(
            f"{folder} is neither an event set nor a run nor a study",
            "give the --out of 'calovision data', 'train', 'generate' or 'study'",
        )
    return _side_by_side(sets, None, excerpt, pool)


def _excerpt(source: EventSet | Path, *, first: int, events: int, skip_corrupt: bool) -> Events:
    """Events ``first`` to ``first + events`` of a set or a file."""
    if isinstance(source, Path) and source.is_dir():
        source = EventStore.open(source, skip_corrupt=skip_corrupt)
    if isinstance(source, EventSet):
        found, name = source[first : first + events].load(), source.where
    else:
        found, name = read_events(source, first + events)[0][first:], str(source)
    if not len(found):
        raise InputError(f"{name} has no event {first}", "ask for an earlier one")
    return found


def _sets(folder: Path) -> list[Path]:
    """Event sets in a folder, the originals first."""
    found = sorted(p.parent for p in folder.glob(f"*/{MANIFEST}"))
    return sorted(found, key=lambda p: p.name != ORIGINAL)


def _side_by_side(
    sets: list[Path], other: Path | None, excerpt: Excerpt, pool: Excerpt
) -> list[Shown]:
    """Several sets, one below the other; those of other events are matched with the first."""
    rows = [] if other is None else [(SIMULATED, other, excerpt(other))]
    rows += [(s.name, s, excerpt(s)) for s in sets]
    length = min(len(events) for *_, events in rows)
    (name, _, events), *below = rows
    first = events[:length]
    shown = [Shown(name, first)]
    for name, place, events in below:
        same = _same(first, events[:length])
        shown.append(Shown(name, events[:length]) if same else beside(name, pool(place), first))
    return shown


def _same(one: Events, other: Events) -> bool:
    """Whether two sets are of the same events, as far as their columns tell."""
    known = [k for k in ("event_id", "label", "gen_pt", "eta") if k in one.columns]
    if not known or not set(known) <= other.columns.keys():
        return False
    return all(np.array_equal(one.columns[k], other.columns[k]) for k in known)


def _of_run(
    folder: Path,
    task: Task | None,
    data: EventSet | Path | None,
    seed: int,
    excerpt: Excerpt,
    wanted: slice,
) -> list[Shown]:
    """Events of a run, with what its model makes of them.

    A generator whose training events are gone shows the ``wanted`` of its own alone.
    """
    # Here, since a display of a set needs no PyTorch.
    from calovision.models.autoencoders.base import AutoencoderTask
    from calovision.models.generators.base import GeneratorTask, Request, generated
    from calovision.models.load import load_task
    from calovision.models.reconstruct import reconstructions
    from calovision.models.taggers.base import TaggerTask
    from calovision.models.taggers.out_of_distribution import domain_features
    from calovision.training.run import RunDir

    run = RunDir(folder)
    task = task or load_task(run)
    described = run.describe()
    source = Path(described["data"]["path"]) if data is None else data
    name = described["config"]["model"]
    if isinstance(source, Path) and not source.exists():
        if data is None and isinstance(task, GeneratorTask):
            made = generated(task, wanted.stop, Request(), seed=seed)
            return [Shown(name, made[wanted])]
        raise InputError(f"the events of the run, {source}, are gone", "give others by --data")
    original = excerpt(source)
    task.check_geometry(original.geometry)
    if isinstance(task, AutoencoderTask):
        made, _ = reconstructions(task, original, seed, quiet=True)
        return [Shown(ORIGINAL, original), Shown(name, made)]
    if isinstance(task, GeneratorTask):
        made = generated(task, len(original), Request(), seed=seed)
        return [Shown(SIMULATED, original), beside(name, made, original)]
    if isinstance(task, TaggerTask):
        scores = {
            "probability": task.probabilities(task.logits(task.dataset(original))),
            "out_of_distribution": task.domain.out_of_distribution(domain_features(original)),
        }
        columns = {**original.columns, **scores}
        return [Shown(ORIGINAL, replace(original, columns=columns))]
    return [Shown(ORIGINAL, original)]
