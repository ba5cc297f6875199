"""Processes that train one model together: started here, by torchrun or by Slurm."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.strategies import DDPStrategy

from calovision import cache
from calovision.errors import InputError

_HOME = "127.0.0.1"
_GRACE = 30.0  #: seconds that a process may take to end, once there is nothing left to do
_NOTICE = 10.0  #: seconds from a lost connection to the end of the process behind it
_FIRST_PORT = 15_000  #: for Slurm jobs, which get one by their number


@dataclass(frozen=True)
class Team:
    """Where this process stands among those that train together.

    Attributes:
        rank: its number; number 0 writes the run.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def strategy(self, partial: bool) -> DDPStrategy | str:
        """What a Lightning trainer needs to know.

        Args:
            partial: whether some steps learn from a part of the weights only.
        """
        if self.size == 1:
            return "auto"
        return DDPStrategy(
            cluster_environment=_Given(self.rank),
            process_group_backend="gloo",
            find_unused_parameters=partial,
        )


class _Given(LightningEnvironment):
    """Tells Lightning that all processes are there, and sees no nodes, only ranks."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        """Leave the environment alone: by it, this process knows its place afterwards too."""


def placed() -> Team:
    """The place that torchrun, Slurm's ``srun`` or :func:`together` gave this process.

    Slurm's variables are translated to those of torchrun, which PyTorch reads.
    """
    here = os.environ
    tasks = int(here.get("SLURM_STEP_NUM_TASKS", 1))
    if "RANK" not in here and tasks > 1:
        first = SLURMEnvironment.resolve_root_node_address(here["SLURM_STEP_NODELIST"])
        port = _FIRST_PORT + int(here["SLURM_JOB_ID"]) % 10_000
        here["RANK"], here["WORLD_SIZE"] = here["SLURM_PROCID"], str(tasks)
        here.setdefault("MASTER_ADDR", first)
        here.setdefault("MASTER_PORT", str(port))
    size = int(here.get("WORLD_SIZE", 1))
    return Team(int(here["RANK"]), size) if size > 1 else Team()


@contextmanager
def together(processes: int, run: Path) -> Iterator[Team]:
    """Join the processes that train ``run``; those not started from outside are started.

    All must come to the end of the context; none leaves before the others.

    Args:
        processes: how many there shall be.
        run: folder of the run, which tells the others what to train.

    Raises:
        InputError: one of the processes started here ended too early.
    """
    team = placed()
    if processes == 1:
        yield team
        return
    others: list[subprocess.Popen[bytes]] = []
    threads, meeting = torch.get_num_threads(), "env://"
    if team.size == 1:
        torch.set_num_threads(max(threads // processes, 1))
        team, port = Team(0, processes), _free_port()
        others = [_started(rank, processes, port, run) for rank in range(1, processes)]
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())
        meeting = f"tcp://{_HOME}:{port}"
    try:
        if not all(other.stdout and other.stdout.read(1) for other in others):
            raise RuntimeError("a process did not start")
        dist.init_process_group("gloo", meeting, rank=team.rank, world_size=team.size)
        yield team
        dist.barrier()
        for other in others:
            other.wait(_GRACE)
    except RuntimeError as error:
        # A lost connection is seen before the end of the process that it led to.
        ended = _first_ended(others)
        if ended is None:
            raise
        raise InputError(
            f"process {ended[0]} of the training ended too early ({ended[1]})",
            "see that there is memory for all of them, then go on with --resume",
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        torch.set_num_threads(threads)
        for other in others:
            other.kill()
            other.wait()


def averaged(values: dict[str, float]) -> dict[str, float]:
    """Means over those processes that have a value of the name; all must call this."""
    if not dist.is_initialized():
        return values
    found: list[dict[str, float]] = [{}] * dist.get_world_size()
    dist.all_gather_object(found, values)
    names = dict.fromkeys(name for one in found for name in one)
    return {k: float(np.mean([one[k] for one in found if k in one])) for k in names}


def summed(value: float) -> float:
    """The sum over processes; all must call this."""
    total = torch.tensor(value, dtype=torch.float64)
    if dist.is_initialized():
        dist.all_reduce(total)
    return float(total)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_HOME, 0))
        port: int = found.getsockname()[1]
        return port


def _loopback() -> str:
    return "lo0" if sys.platform == "darwin" else "lo"


def _started(rank: int, size: int, port: int, run: Path) -> subprocess.Popen[bytes]:
    """Another process, which says when it is ready, and ends when its standard input does."""
    given = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": _HOME, "MASTER_PORT": port}
    threads = {"OMP_NUM_THREADS": torch.get_num_threads(), cache.TOLD: 1}
    place = {"GLOO_SOCKET_IFNAME": _loopback()}
    variables = {k: str(v) for k, v in (threads | place | os.environ | given).items()}
    command = [sys.executable, "-m", "calovision.tasks.member", str(run)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe)


def _first_ended(others: list[subprocess.Popen[bytes]]) -> tuple[int, str] | None:
    """Number and exit of a process that ended, if one did."""
    for rank, other in enumerate(others, 1):
        with suppress(subprocess.TimeoutExpired):
            code = other.wait(_NOTICE / len(others))
            return rank, f"signal {-code}" if code < 0 else f"exit code {code}"
    return None
