from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events import Events
from calovision.events.formats import convert as convert_module
from calovision.events.formats import hdf5 as hdf5_module
from calovision.events.formats.convert import convert

# Processes are forked only where no other thread runs, so not within pytest-xdist.
RUN = """
import sys
from calovision.events.formats import convert as c, hdf5
from calovision.parallel import processes as workers
c.SHARD_EVENTS = hdf5.STEP_EVENTS = 8
processes = workers._processes
def counted(tasks, make, count):
    print("processes", count, flush=True)
    return processes(tasks, make, count)
workers._processes = counted
try:
    c.convert([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]))
except c.InputError as error:
    sys.exit(str(error))
"""
# Endless work; each task first leaves a file with the number of its process.
ENDLESS = """
import os, sys, time
from pathlib import Path
from calovision.parallel.processes import shared_out
def make(task):
    (Path(sys.argv[1]) / str(os.getpid())).touch()
    while True:
        time.sleep(0.05)
        yield task
with shared_out([1, 2, 3], make, 2) as results:
    for result in results:
        pass
"""


def run(source: Path, out: Path, workers: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, str(source), str(out), str(workers)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_any_number_of_workers_gives_the_same_bytes(
    toy_jets: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)
    monkeypatch.setattr(convert_module, "SHARD_EVENTS", 8)
    monkeypatch.setattr(hdf5_module, "STEP_EVENTS", 8)
    alone = convert([path], tmp_path / "1")
    shared = run(path, tmp_path / "3", 3)
    assert shared.stdout == "processes 3\n"
    names = sorted(p.name for p in alone.path.iterdir())
    assert len(names) == 64 // 8 + 1
    assert sorted(p.name for p in (tmp_path / "3").iterdir()) == names
    for name in names:
        assert (tmp_path / "3" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()


def test_the_first_of_several_bad_pixels_is_told_and_nothing_is_left(
    toy_jets: Events, tmp_path: Path
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)
    with h5py.File(path, "r+") as file:
        for event in (31, 32, 41, 63):
            file["X_jets"][event, 3, 4, 1] = np.nan
    failed = run(path, tmp_path / "set", 2)
    assert "event 31 has a value in channel 'ecal'" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "set").exists()


def test_no_workers_is_refused(toy_jets: Events, tmp_path: Path) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets[:2])
    with pytest.raises(InputError, match="number of workers is 0"):
        convert([path], tmp_path / "set", workers=0)
    assert not (tmp_path / "set").exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    main = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell in the background has its children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    if number == signal.SIGINT:
        os.killpg(main.pid, number)  # as the keyboard does
    else:
        main.send_signal(number)
    _, text = main.communicate(timeout=60)
    assert main.returncode == -number
    assert text.count("Traceback") == (number == signal.SIGINT)
    wait_until(lambda: not any(is_running(int(p.name)) for p in tmp_path.iterdir()))


def test_a_worker_that_is_killed_ends_the_conversion(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    main = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)
    _, text = main.communicate(timeout=60)
    assert main.returncode == 1
    assert "a worker process was killed" in text


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"
