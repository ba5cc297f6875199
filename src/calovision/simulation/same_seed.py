"""Simulated sets of the same seed: their events are the same, so that one cannot test the other.

Looked for beside the new set and among the sets that were made on this machine before, of which a
file in the cache folder keeps the paths.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calovision.events.shards import MANIFEST
from calovision.utils.cache import folder

MAX_PATHS = 500  #: paths that are kept, and folders beside a set that are looked into


def relatives(out: Path, made_by: Mapping[str, Any]) -> list[tuple[Path, int]]:
    """Other sets that hold the same events, and how many they hold.

    Args:
        out: folder of the new set.
        made_by: entries of its provenance that decide the particles.
    """
    out, found = out.absolute(), {}
    for path in _candidates(out):
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
        kept = [p for p in _remembered() if p != path.absolute()]
        text = "".join(f"{p}\n" for p in [*kept, path.absolute()][-MAX_PATHS:])
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(text)


def _candidates(out: Path) -> Iterator[Path]:
    yield from _remembered()
    with contextlib.suppress(OSError):
        beside = sorted(p for p in out.parent.iterdir() if p.is_dir())
        yield from beside[:MAX_PATHS]


def _remembered() -> list[Path]:
    with contextlib.suppress(OSError, UnicodeError):
        return [Path(line) for line in _file().read_text().splitlines() if line][-MAX_PATHS:]
    return []


def _file() -> Path:
    return folder() / "simulated.txt"
