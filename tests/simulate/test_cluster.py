"""A real Dask cluster: scheduler and workers as processes of their own, one of them killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.simulate import cluster, driver
from calovision.simulate.driver import simulate_jets

DASK = [sys.executable, "-m", "dask"]


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*DASK, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < until, "the scheduler did not start"
        time.sleep(0.1)


def test_killed_worker_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "CHUNK", 10)
    found = tmp_path / "scheduler.json"
    address = ("--scheduler-file", str(found))
    local = ("--host", "127.0.0.1", "--no-dashboard")
    worker = ("worker", *address, *local, "--nthreads", "1", "--no-nanny")
    with started("scheduler", *address, *local, "--port", "0"):
        wait_for(found)
        import json

        scheduler = json.loads(found.read_text())["address"]
        with started(*worker) as first, started(*worker):
            from distributed import Client

            with Client(scheduler, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=90)

            def kill_one(done: int, before: bool) -> None:
                if done and not before and first.poll() is None:
                    os.kill(first.pid, signal.SIGKILL)

            simulate_jets(tmp_path / "hit", 80, 3, scheduler=scheduler, progress=kill_one)
            assert first.wait(timeout=5) == -signal.SIGKILL
    simulate_jets(tmp_path / "quiet", 80, 3)
    hit, quiet = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("hit", "quiet")
    )
    assert len(hit) == 9  # eight shards and the manifest
    assert hit == quiet


def test_missing_scheduler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        simulate_jets(tmp_path, 4, 1, scheduler="tcp://127.0.0.1:9")
