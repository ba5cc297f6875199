"""A real Dask cluster: scheduler and workers as processes of their own, one after another hurt."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import distributed
import pytest

import toys
from calovision.errors import InputError
from calovision.events.formats import convert as convert_module
from calovision.events.formats import hdf5
from calovision.events.formats.convert import convert
from calovision.events.store import StoreWriter
from calovision.parallel import cluster
from calovision.simulation.egamma import driver
from calovision.simulation.egamma.driver import simulate_egamma

DASK = [sys.executable, "-m", "dask"]
LOCAL = ("--host", "127.0.0.1", "--no-dashboard")
PATIENCE = 300  #: seconds to start something on a busy machine
PAUSE = 5.0  #: seconds that a worker stands still


class Cluster:
    """A scheduler and workers; whoever is killed can be started again."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.file, self.stack = folder / "scheduler.json", stack
        self.address = "tcp://127.0.0.1:0"
        self.start()

    def start(self) -> None:
        """Start the scheduler, at the same place as before if there was one, and a worker."""
        self.file.unlink(missing_ok=True)
        port = self.address.rpartition(":")[2]
        self.scheduler = self._started(
            "scheduler", *LOCAL, "--port", port, "--scheduler-file", str(self.file)
        )
        until = time.monotonic() + PATIENCE
        while not self.file.exists() or not self.file.read_text().strip():
            assert time.monotonic() < until, "the scheduler did not start"
            time.sleep(0.1)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers = [self._worker()]

    def complete(self) -> None:
        """Have two workers."""
        self.workers.append(self._worker())
        with distributed.Client(self.address, set_as_default=False, timeout=PATIENCE) as client:
            client.wait_for_workers(2, timeout=PATIENCE)

    def stop_for_a_while(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGSTOP)
        threading.Timer(PAUSE, process.send_signal, [signal.SIGCONT]).start()

    def lose_scheduler(self) -> None:
        """Kill the scheduler, wait for the end of its workers, start again."""
        self.scheduler.kill()
        for process in (self.scheduler, *self.workers):
            process.wait(PATIENCE)
        self.start()

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._started("worker", self.address, *LOCAL, "--nthreads", "1", "--no-nanny")

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*DASK, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        yield Cluster(tmp_path_factory.mktemp("cluster"), stack)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def simulate(out: Path, scheduler: str | None) -> object:
    return simulate_egamma(out, 80, 3, scheduler=scheduler)


def convert_some(out: Path, scheduler: str | None) -> object:
    path = out.parent / "jets.h5"
    if not path.exists():
        toys.write_hdf5(path, toys.toy_jets(32, 1), compression="lzf", chunks=(4, 125, 125, 3))
    return convert([path], out, scheduler=scheduler)


@pytest.mark.timeout(1200)  # many processes start, which takes long on a busy machine
@pytest.mark.parametrize("make", [simulate, convert_some])
def test_nothing_is_lost_or_doubled(
    make: Callable[[Path, str | None], object],
    dask: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(driver.CHUNK, "fast", 10)
    monkeypatch.setattr(convert_module, "SHARD_EVENTS", 4)
    monkeypatch.setattr(hdf5, "BAND_BYTES", 1)
    make(tmp_path / "quiet", None)
    written: list[int] = []
    write = StoreWriter.write_bytes

    def write_and_hit(self: StoreWriter, index: int, payload: bytes) -> None:
        write(self, index, payload)
        written.append(index)
        if len(written) == 1:
            dask.stop_for_a_while(dask.workers[1])
            dask.workers[0].kill()
        elif len(written) == 4:
            dask.lose_scheduler()

    monkeypatch.setattr(StoreWriter, "write_bytes", write_and_hit)
    close = distributed.Client.close

    def close_badly(self: distributed.Client) -> None:
        closed = self.status == "closed"
        close(self)
        if not closed:
            raise OSError("lost while it was reconnecting")

    dask.complete()
    monkeypatch.setattr(distributed.Client, "close", close_badly)
    make(tmp_path / "hit", dask.address)
    assert sorted(set(written)) == sorted(written)
    assert len(files(tmp_path / "hit")) == 9  # eight shards and the manifest
    assert files(tmp_path / "hit") == files(tmp_path / "quiet")


def test_missing_scheduler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        simulate_egamma(tmp_path, 4, 1, scheduler="tcp://127.0.0.1:9")
