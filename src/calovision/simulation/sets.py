"""Simulated sets, in memory or in a folder, with a progress bar.

Sets of one seed hold the same events, so that one cannot test a model that was trained on the
other. A new set is therefore compared with those beside it and with those that were simulated on
this machine before, the paths of which are kept in a file in the cache folder.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from calovision.events.events import Events
from calovision.events.shards import MANIFEST
from calovision.events.store import EventStore
from calovision.simulation.chunks import Progress
from calovision.utils.cache import folder
from calovision.utils.waiting import showing_waits

MAX_PATHS = 500  #: paths that are kept, and folders beside a set that are looked into


def simulate_set(
    simulate: Callable[..., EventStore],
    out: str | Path | None,
    events: int,
    unit: str,
    made_by: Mapping[str, Any],
    quiet: bool,
) -> Events | EventStore:
    """Simulate a set with a progress bar; warn of other sets on this machine with its events.

    Args:
        simulate: called with the folder and ``progress``; see
            :class:`~calovision.simulation.chunks.RunOptions`.
        out: the folder; none for events in memory.
        events: number of events, for the bar.
        unit: what an event is called.
        made_by: entries of the provenance that decide the particles.
        quiet: no progress bar.
    """
    if out is None:
        with _progress(events, unit, quiet) as progress, TemporaryDirectory() as scratch:
            return simulate(Path(scratch) / "set", progress=progress).load()
    if others := same_events(Path(out), made_by):
        path, number = others[0]
        more = f" (and {len(others) - 1} more sets do)" if len(others) > 1 else ""
        warnings.warn(
            f"{path} holds {number} {unit}s of the same seed, {made_by['seed']}{more}: the new set"
            " repeats them; to test a model on events that it has not seen, give another seed",
            stacklevel=4,
        )
    with _progress(events, unit, quiet) as progress:
        store = simulate(Path(out), progress=progress)
    remember(store.path)
    return store


@contextlib.contextmanager
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


def same_events(out: Path, made_by: Mapping[str, Any]) -> list[tuple[Path, int]]:
    """Other sets that hold the same events, and how many they hold.

    Args:
        out: folder of the new set.
        made_by: entries of its provenance that decide the particles.
    """
    out, found = out.absolute(), {}
    for path in _other_sets(out):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            manifest = json.loads((path / MANIFEST).read_text())
            provenance = manifest["provenance"]
            if all(provenance.get(k) == v for k, v in made_by.items()):
                found[path.resolve()] = int(manifest["events"])
    found.pop(out.resolve(), None)
    return sorted(found.items())


def remember(path: Path) -> None:
    """Keep the path of a set that was simulated; a cache that cannot be written is no fault."""
    with contextlib.suppress(OSError):
        kept = [p for p in _simulated_before() if p != path.absolute()]
        text = "".join(f"{p}\n" for p in [*kept, path.absolute()][-MAX_PATHS:])
        _paths_file().parent.mkdir(parents=True, exist_ok=True)
        _paths_file().write_text(text)


def _other_sets(out: Path) -> Iterator[Path]:
    yield from _simulated_before()
    with contextlib.suppress(OSError):
        beside = sorted(p for p in out.parent.iterdir() if p.is_dir())
        yield from beside[:MAX_PATHS]


def _simulated_before() -> list[Path]:
    with contextlib.suppress(OSError, UnicodeError):
        return [Path(line) for line in _paths_file().read_text().splitlines() if line][-MAX_PATHS:]
    return []


def _paths_file() -> Path:
    return folder() / "simulated.txt"
