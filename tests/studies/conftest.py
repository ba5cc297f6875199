"""What tests of several studies share: toy stores in place of a simulation, a finished study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.studies.runner import Description, run

Done = tuple[Path, dict[str, Any], list[str]]


@pytest.fixture(scope="session")
def toy_stores() -> Callable[[Callable[[int, int], Events]], Callable[..., EventStore]]:
    """Turn ``make(number, seed)`` into what studies call to simulate a set."""

    def simulator(make: Callable[[int, int], Events]) -> Callable[..., EventStore]:
        def toys(path: Path, number: int, seed: int, **_: Any) -> EventStore:
            return save(make(number, seed % 1000 + len(path.name)), path, provenance={})

        return toys

    return simulator


@pytest.fixture(scope="session")
def finish() -> Callable[[Description, Path], Done]:
    """Do a quick study twice: the second time nothing changes."""

    def finish(study: Description, out: Path) -> Done:
        comparison, page, lines = run(study, out, scale="quick", workers=1, quiet=True)
        assert page == out / "report.html"
        before = {file: file.stat().st_mtime_ns for file in out.glob("runs/**/*") if file.is_file()}
        again, _, _ = run(study, out, scale="quick", workers=1, quiet=True)
        assert again == comparison
        assert all(file.stat().st_mtime_ns == time for file, time in before.items())
        return out, comparison, lines

    return finish
