"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib
import importlib.util
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES


def _load(path: Path) -> ModuleType:
    """Import a file under its own name, whatever the directory pytest runs in."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
    return sys.modules[path.stem]


# toys.py and other modules of no tests are importable, whatever the directory pytest runs in
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def docs_script() -> Callable[[str], ModuleType]:
    """Import a script of ``docs/`` by its name."""
    return lambda name: _load(Path(__file__).parent.parent / "docs" / f"{name}.py")


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The script that measures what every model computes."""
    return _load(Path(__file__).parent / "reference" / "measure.py")


@pytest.fixture(scope="session")
def toy_jets() -> Events:
    """64 random jets with the occupancy of the public set."""
    events: Events = importlib.import_module("toys").toy_jets(64, seed=1)
    return events


@pytest.fixture(scope="session")
def toy_crops() -> Events:
    """64 random electron/photon crops."""
    events: Events = importlib.import_module("toys").toy_crops(64, seed=2)
    return events


@pytest.fixture(scope="session")
def make_jets() -> Callable[[int, int], Events]:
    """The function ``toy_jets(n, seed)``, for tests that need another number."""
    function: Callable[[int, int], Events] = importlib.import_module("toys").toy_jets
    return function


@pytest.fixture(scope="session")
def make_crops() -> Callable[[int, int], Events]:
    """The function ``toy_crops(n, seed)``, for tests that need another number."""
    function: Callable[[int, int], Events] = importlib.import_module("toys").toy_crops
    return function


@pytest.fixture(scope="session")
def calovision() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command ``calovision`` with some words in a process of its own."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "calovision.cli.app", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def _hears_interrupts() -> None:
    # A shell that runs tests in the background has its processes ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def started() -> Callable[..., subprocess.Popen[str]]:
    """Start ``calovision`` with some words, as leader of a group that hears Ctrl-C."""

    def start(*words: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "calovision.cli.app", *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
            preexec_fn=_hears_interrupts,
        )

    return start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest file: at the end it would keep one process busy alone."""
    items.sort(key=lambda item: item.path.name != "test_tutorials.py")


Hit = tuple[int, int, int, float]  # channel, row, col, energy of the whole cell in GeV


def _build(*events: list[Hit]) -> Events:
    """Jet images from hand-written hits."""
    rows = []
    for i, hits in enumerate(events):
        for channel, row, col, energy in hits:
            kind = JET_IMAGES.channels[channel]
            value = energy / kind.gev_per_unit / kind.block**2
            rows.append((i, channel, row * JET_IMAGES.cols + col, value))
    rows.sort()
    owner, code, cell, value = np.array(rows).reshape(-1, 4).T
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner.astype(int), None, len(events)))])
    return Events(
        JET_IMAGES,
        offsets.astype(np.int64),
        cell.astype(np.uint16),
        code.astype(np.uint8),
        value.astype(np.float32),
    )


@pytest.fixture(scope="session")
def make_events() -> Callable[..., Events]:
    return _build


@pytest.fixture(scope="session")
def blank(toy_jets: Events) -> Events:
    """As many events as the toy jets, all without a hit."""
    none = slice(0, 0)
    return Events(
        toy_jets.geometry,
        np.zeros(len(toy_jets) + 1, np.int64),
        toy_jets.cell[none],
        toy_jets.code[none],
        toy_jets.value[none],
        toy_jets.columns,
    )
