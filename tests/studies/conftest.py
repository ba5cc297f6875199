"""What tests of several studies share: toy stores in place of a simulation, a finished study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, save

Study = Callable[..., tuple[dict[str, Any], Path, list[str]]]
Done = tuple[Path, dict[str, Any], list[str]]


@pytest.fixture(scope="session")
def toy_stores() -> Callable[[Callable[[int, int], Events]], Callable[..., EventStore]]:
    """Turn ``make(number, seed)`` into what studies call to simulate a set or open it again."""

    def simulator(make: Callable[[int, int], Events]) -> Callable[..., EventStore]:
        def toys(path: Path, number: int, seed: int, *_: Any, **__: Any) -> EventStore:
            if (path / "manifest.json").exists():
                return EventStore.open(path)
            return save(make(number, seed % 1000 + len(path.name)), path, provenance={})

        return toys

    return simulator


@pytest.fixture(scope="session")
def finish() -> Callable[[Study, Path], Done]:
    """Do a quick study twice: the second time nothing changes."""

    def finish(study: Study, out: Path) -> Done:
        comparison, page, lines = study(out, scale="quick", workers=1, quiet=True)
        assert page == out / "report.html"
        again, _, _ = study(out, scale="quick", workers=1, quiet=True)
        assert again == comparison
        return out, comparison, lines

    return finish
