"""The ``calovision`` command with everything small, in forked processes that can kill themselves.

Everything slow (imports, compilation, the library of collisions) is done once, in this process;
each command then runs in a copy of it, which takes a fraction of a second to start.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

WRITING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: exit code, or minus the signal.
        seconds: from start to end.
        operations: file operations in the watched folder; 0 if the command was killed.
        told: what it wrote to the terminal.
        orphans: processes that it left behind.
    """

    status: int
    seconds: float
    operations: int
    told: str
    orphans: int


def toys() -> ModuleType:
    """The random events of the test suite."""
    spec = importlib.util.spec_from_file_location("toys", Path(__file__).parent.parent / "toys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def warm_up() -> None:
    """Load and compile what the commands use, and make their parts small."""
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    import torch
    import tqdm

    torch.set_num_threads(1)
    tqdm.tqdm.monitor_interval = 0  # a thread would not survive the fork
    from calovision.events.formats import convert
    from calovision.models import generate
    from calovision.models.generators.hits import task
    from calovision.simulation import driver, jets
    from calovision.simulation.egamma import driver as crops
    from calovision.studies import egamma

    driver.CHUNK = 2
    crops.CHUNK |= {"fast": 40}
    convert.SHARD_VALUES = 64 * 3 * 125 * 125
    generate.SHARD = 1
    task.HitsTask.chunk = 4
    less = {"epochs": 2, "validate_every": 1}

    def brief(size: egamma.Scale, seed: int) -> list[egamma.Training]:
        return [
            t if t.model == egamma.TREES else replace(t, settings=t.settings | less)
            for t in egamma.trainings(size, seed)
        ]

    tiny = {"quick": egamma.Scale(160, 120, 1e6, 1)}
    egamma.STUDY = replace(egamma.STUDY, scales=tiny, trainings=brief)
    jets.warm_up()


def run(
    words: list[str],
    folder: Path,
    *,
    fuse: int = 0,
    kill_after: float | None = None,
    log: Path | None = None,
) -> Ended:
    """Run a command in a process of its own.

    Args:
        words: of the command.
        folder: watched for file operations.
        fuse: the command kills itself just before its so-manieth operation in ``folder``.
        kill_after: seconds after which it is killed from here.
        log: file for what the command writes to the terminal, by default beside ``folder``.
    """
    log = log or folder.with_name(folder.name + ".log")
    counted = log.with_suffix(".operations")
    counted.unlink(missing_ok=True)
    begin = time.monotonic()
    process = os.fork()
    if process == 0:
        _be(words, folder, log, counted, fuse)
    killed = False
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            break
        if kill_after is not None and not killed and time.monotonic() - begin > kill_after:
            os.kill(process, signal.SIGKILL)
            killed = True
        time.sleep(0.005)
    seconds = time.monotonic() - begin
    operations = int(counted.read_text()) if counted.exists() else 0
    told = log.read_text(errors="replace")
    left = _orphans(process)
    return Ended(os.waitstatus_to_exitcode(status), seconds, operations, told, left)


def _be(words: list[str], folder: Path, log: Path, counted: Path, fuse: int) -> None:
    """Become the command; never returns."""
    status = 1
    try:
        os.setsid()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(file, stream)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1) for n in (1, 2))
        operations = _watch(folder, fuse)
        from calovision.cli.app import main

        sys.argv = ["calovision", *words]
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        counted.write_text(str(len(operations)))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _watch(folder: Path, fuse: int) -> list[str]:
    """Note every operation that changes ``folder``; kill this process at number ``fuse``."""
    seen: list[str] = []
    start = str(folder)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event not in WRITING:
            return
        if str(arguments[0]).startswith(start):
            seen.append(event)
            if len(seen) == fuse:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def _orphans(session: int, patience: float = 30.0) -> int:
    """Processes of a session that live on; waits for them, then ends them."""
    deadline = time.monotonic() + patience
    while (left := _of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in left:
        os.kill(process, signal.SIGKILL)
    return len(left)


def _of_session(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, _, mine = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if mine == str(session) and state != "Z":
            found.append(int(entry.name))
    return found


def without_times(content: object) -> object:
    """JSON content without what depends on the clock."""
    if isinstance(content, dict):
        timed = ("wall_s", "cpu_s", "_per_s")
        return {k: without_times(v) for k, v in content.items() if not str(k).endswith(timed)}
    return [without_times(v) for v in content] if isinstance(content, list) else content


def rows(path: Path) -> object:
    """Rows of a training log, without times."""
    return without_times([json.loads(line) for line in path.read_text().splitlines()])
