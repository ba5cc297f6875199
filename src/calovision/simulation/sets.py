"""Simulated sets, in memory or in a folder: with a progress bar, and told of their relatives."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.simulation.chunks import Progress
from calovision.simulation.same_seed import relatives, remember
from calovision.utils.waiting import showing_waits


def simulate_set(
    make: Callable[..., EventStore],
    out: str | Path | None,
    events: int,
    unit: str,
    made_by: Mapping[str, Any],
    quiet: bool,
) -> Events | EventStore:
    """Make a set with a progress bar: in memory, or in a folder; sets of the same seed are told.

    Args:
        make: called with the folder and ``progress``; see
            :class:`~calovision.simulation.chunks.Where`.
        out: the folder; none for events in memory.
        events: number of events, for the bar.
        unit: what an event is called.
        made_by: entries of the provenance that decide the particles.
        quiet: no progress bar.
    """
    if out is None:
        with _progress(events, unit, quiet) as progress, TemporaryDirectory() as folder:
            return make(Path(folder) / "set", progress=progress).load()
    if others := relatives(Path(out), made_by):
        path, number = others[0]
        more = f" (and {len(others) - 1} more sets do)" if len(others) > 1 else ""
        warnings.warn(
            f"{path} holds {number} {unit}s of the same seed, {made_by['seed']}{more}: the new set"
            " repeats them; to test a model on events that it has not seen, give another seed",
            stacklevel=4,
        )
    with _progress(events, unit, quiet) as progress:
        store = make(Path(out), progress=progress)
    remember(store.path)
    return store


@contextmanager
def _progress(events: int, unit: str, quiet: bool) -> Iterator[Progress]:
    """A bar on standard error that shows finished chunks, and what else is waited for."""
    with (
        tqdm(total=max(events, 0), unit=unit, desc="simulate", disable=quiet) as bar,
        showing_waits(lambda what: bar.set_description(what or "simulate")),
    ):

        def finished(done: int, found: bool) -> None:
            if found:  # from an earlier run: not part of the rate
                bar.initial = done
            bar.update(done)

        yield finished
