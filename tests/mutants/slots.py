"""Copies of the repository, and tests that run in forked processes there.

Everything slow that is not the package itself is imported before the fork. A copy has a cache of
its own: compiled functions that a change reaches are taken out of it, so that what runs is what is
written, and all others need not be compiled again.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import numba
import pytest
from numba.core import caching

HEAVY = (
    *("numpy", "torch", "numba", "scipy.optimize", "scipy.stats", "h5py", "pyarrow.parquet"),
    *("awkward", "sklearn.ensemble", "safetensors.torch", "ot"),
    *("matplotlib.pyplot", "torch_geometric.data", "pydantic", "typer", "hypothesis", "dask"),
)
MEMORY = 48 << 30  #: bytes of addresses that a process may take
FILE = 1 << 30  #: bytes of a file that it may write


def prepare() -> None:
    """Import what all tests need, but not the package."""
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="agg", PYTHONDONTWRITEBYTECODE="1")
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)
    sys.dont_write_bytecode = True


@dataclass(frozen=True)
class Slot:
    """A copy of the repository with a cache of its own.

    Attributes:
        root: folder that holds the copy ``tree`` and the ``cache``.
    """

    root: Path

    @classmethod
    def made(cls, root: Path, repository: Path) -> Slot:
        """A fresh copy of what git knows of, or would add."""
        shutil.rmtree(root, ignore_errors=True)
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            source, target = repository / name, root / "tree" / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        return cls(root)

    @property
    def tree(self) -> Path:
        """The copy."""
        return self.root / "tree"

    @property
    def source(self) -> Path:
        """The package in it."""
        return self.tree / "src" / "calovision"

    @property
    def cache(self) -> Path:
        """Where compiled functions are kept."""
        return self.root / "cache"

    def share(self, cache: Path) -> None:
        """Use, and fill, a cache together with other slots."""
        self._forget()
        self.cache.symlink_to(cache)

    def warm(self, cache: Path, without: Iterable[str]) -> None:
        """Begin with what is in a cache, but for compiled functions of some modules."""
        self._forget()
        stems = tuple(f"{name.rpartition('.')[2]}." for name in without)
        for folder, _, names in os.walk(cache):
            target = self.cache / Path(folder).relative_to(cache)
            target.mkdir()
            for name in names:
                if not (name.endswith((".nbi", ".nbc")) and name.startswith(stems)):
                    os.link(Path(folder, name), target / name)

    def _forget(self) -> None:
        if self.cache.is_symlink():
            self.cache.unlink()
        shutil.rmtree(self.cache, ignore_errors=True)

    def _folder(self, file: str) -> str:
        """Where Numba keeps the functions of a file: the same in all slots."""
        return Path(os.path.relpath(file, self.tree)).parent.as_posix().replace("/", "-")

    def start(self, work: Callable[[], int], log: Path) -> int:
        """Fork a process that does some work in the copy; returns its id."""
        log.parent.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        sys.stderr.flush()
        if pid := os.fork():
            return pid
        status = 70
        try:
            os.setsid()
            told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(told, stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
            os.chdir(self.tree)
            os.environ["XDG_CACHE_HOME"] = str(self.root / "cache")
            os.environ["NUMBA_CACHE_DIR"] = str(self.root / "cache" / "numba")
            os.environ["PYTHONPATH"] = str(self.tree / "src")
            os.environ["TMPDIR"] = str(self.root)
            numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
            caching._CacheLocator.get_suitable_cache_subpath = self._folder
            sys.path.insert(0, str(self.tree / "src"))
            found = importlib.util.find_spec("calovision")
            assert found is not None
            assert str(found.origin).startswith(str(self.source)), found
            status = work()
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            sys.stdout.flush()
            os._exit(status)


class Only:
    """Runs some tests of those that are found, in the given order."""

    def __init__(self, nodes: list[str]) -> None:
        self.order = {node: i for i, node in enumerate(nodes)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]


class Watched:
    """Writes down which lines every test runs, its fixtures' among them, and how long it takes."""

    def __init__(self, source: Path) -> None:
        self.cover = coverage.Coverage(data_file=None, config_file=False, source=[str(source)])
        self.source, self.tests = source, {}
        self.parts: dict[str, list[str]] = {}
        self.context: list[str] = [""]

    @contextlib.contextmanager
    def _within(self, context: str) -> Iterator[None]:
        self.context.append(context)
        self.cover.switch_context(context)
        try:
            yield
        finally:
            self.context.pop()
            self.cover.switch_context(self.context[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        start = time.perf_counter()
        with self._within(item.nodeid):
            result = yield
        self.tests[item.nodeid] = {"seconds": round(time.perf_counter() - start, 3), "ok": True}
        names = getattr(item, "fixturenames", ())
        self.parts[item.nodeid] = [item.nodeid, *(f"fixture {n}" for n in names)]
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        with self._within(f"fixture {fixturedef.argname}"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any) -> Any:
        report = yield
        if not report.passed:
            self.parts.setdefault("bad", []).append(item.nodeid)
        return report

    def lines(self) -> dict[str, Any]:
        """Per test its seconds, and per file the lines that it ran."""
        data, by = self.cover.get_data(), {}
        for path in data.measured_files():
            name = Path(path).relative_to(self.source).as_posix()
            for line, contexts in data.contexts_by_lineno(path).items():
                for context in contexts:
                    by.setdefault(context, {}).setdefault(name, set()).add(line)
        bad, found = set(self.parts.get("bad", ())), {}
        for node, told in self.tests.items():
            merged: dict[str, set[int]] = {}
            for part in self.parts[node]:
                for name, lines in by.get(part, {}).items():
                    merged.setdefault(name, set()).update(lines)
            found[node] = {
                **told,
                "ok": node not in bad,
                "lines": {name: sorted(lines) for name, lines in merged.items()},
            }
        return found


OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=line"]


def watched(slot: Slot, file: str, out: Path) -> int:
    """Run one file of tests, and write down what each of them runs."""
    watch = Watched(slot.source)
    watch.cover.start()
    base = f"--basetemp={slot.root / 'temporary'}"
    status = int(pytest.main([file, *OPTIONS, base], plugins=[watch]))
    watch.cover.stop()
    part = out.with_suffix(".part")
    part.write_text(json.dumps(watch.lines()))
    part.replace(out)
    return status


def first_failure(slot: Slot, tests: list[tuple[str, list[str]]]) -> int:
    """Run tests, file by file; 1 as soon as one fails, 0 if none does."""
    base = f"--basetemp={slot.root / 'temporary'}"
    for file, nodes in tests:
        status = int(pytest.main([file, "-x", *OPTIONS, base], plugins=[Only(nodes)]))
        if status not in (0, 5):
            return 1
    return 0


def ended(pid: int, status: int) -> int:
    """Exit status of a process, negative for a signal; what it left behind is ended too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status)
