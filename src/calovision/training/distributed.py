"""Processes that train one model together: started here, by torchrun or by Slurm."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from calovision.errors import InputError
from calovision.training.devices import chosen_device
from calovision.training.launchers import check_rendezvous, local_rank, rank_and_size
from calovision.utils import cache

_HOME = "127.0.0.1"
_END_S = 30.0  #: that a process may take to end, once there is nothing left to do
_LOST_S = 10.0  #: from a lost connection to the end of the process behind it

Found = TypeVar("Found")

_ended_groups: list[Any] = []  #: process groups of trainings that are over


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that train one model together, seen from this one.

    Attributes:
        rank: its number; number 0 writes the run.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def data_parallel(self, network: nn.Module) -> nn.Module:
        """The network with gradients that are averaged over the group.

        Args:
            network: of this process.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(network)

    def from_first(self, find: Callable[[], Found]) -> Found:
        """What the first process finds, broadcast to all; all must call this."""
        found: list[Any] = [find() if self.rank == 0 else None]
        if self.size > 1:
            dist.broadcast_object_list(found)
        result: Found = found[0]
        return result

    def any(self, here: bool) -> bool:
        """Whether it is so in any process; all must call this."""
        return bool(largest(float(here)))


def current_group() -> ProcessGroup:
    """The group that torchrun, Slurm's ``srun`` or :func:`session` started this process in.

    Raises:
        InputError: variables of the environment contradict each other.
    """
    return ProcessGroup(*rank_and_size(os.environ))


def own_device(name: str, processes: int) -> torch.device:
    """The device of this process: of several that take GPUs, each has its own.

    Raises:
        InputError: it is not there, or there are more processes than GPUs.
    """
    device = chosen_device(name)
    if processes == 1 or device.type == "cpu":
        return device
    if name not in ("auto", "cuda"):
        raise InputError(
            f"{name} is one GPU, but {processes} processes train together",
            "give --device cuda, so that each takes its own, or --device cpu",
        )
    number, here = local_rank(os.environ, processes)
    gpus = torch.cuda.device_count()
    if max(number + 1, here or 1) > gpus:
        raise InputError(
            f"{here or number + 1} processes of the training are to share {gpus} GPU"
            f"{'s' if gpus > 1 else ''}, but each needs its own",
            "start fewer, or give --device cpu",
        )
    return torch.device("cuda", number)


def _backend(device: torch.device) -> str:
    """How processes exchange tensors; numbers that steer a training stay on the CPU."""
    return "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"


@contextmanager
def session(processes: int, run: Path, device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes that train ``run``; those not started from outside are started.

    All must come to the end of the context; none leaves before the others.

    Args:
        processes: how many there shall be.
        run: folder of the run, which tells the others what to train.
        device: of this process.

    Raises:
        InputError: one of the processes started here ended too early.
    """
    group = current_group()
    if processes == 1:
        yield group
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    others: list[subprocess.Popen[bytes]] = []
    threads, meeting = torch.get_num_threads(), "env://"
    if group.size == 1:
        torch.set_num_threads(max(threads // processes, 1))
        group, port = ProcessGroup(0, processes), _free_port()
        others = [_started(rank, processes, port, run) for rank in range(1, processes)]
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())
        meeting = f"tcp://{_HOME}:{port}"
    else:
        check_rendezvous(os.environ)
    try:
        if not all(other.stdout and other.stdout.read(1) for other in others):
            raise RuntimeError("a process did not start")
        _join(meeting, group, _backend(device), here=bool(others))
        yield group
        dist.barrier()
        for other in others:
            other.wait(_END_S)
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
            # Its end waits for its threads, which wait for Python's lock if they are just tidying
            # up behind an exchange: it may only come when they are idle, with that of the process.
            _ended_groups.append(dist.group.WORLD)
            dist.destroy_process_group()
        torch.set_num_threads(threads)
        for other in others:
            other.kill()
            other.wait()


def gathered(values: dict[str, list[float]]) -> dict[str, list[float]]:
    """The values of all processes by their names; all must call this."""
    if not dist.is_initialized():
        return values
    found: list[dict[str, list[float]]] = [{}] * dist.get_world_size()
    dist.all_gather_object(found, values)
    names = dict.fromkeys(name for one in found for name in one)
    return {name: [v for one in found for v in one.get(name, [])] for name in names}


def total(value: float) -> float:
    """The sum over processes; all must call this."""
    return _reduced(value, dist.ReduceOp.SUM)


def largest(value: float) -> float:
    """The largest value of any process; all must call this."""
    return _reduced(value, dist.ReduceOp.MAX)


def _reduced(value: float, how: Any) -> float:
    if not dist.is_initialized():
        return value
    total = torch.tensor(value, dtype=torch.float64, device="cpu")
    dist.all_reduce(total, how)
    return float(total)


def _join(meeting: str, group: ProcessGroup, backend: str, *, here: bool) -> None:
    """Wait for the others of the group, which were started ``here`` or elsewhere.

    Raises:
        InputError: those from elsewhere do not come.
    """
    try:
        dist.init_process_group(backend, meeting, rank=group.rank, world_size=group.size)
    except (RuntimeError, ValueError) as error:
        if here:
            raise
        raise InputError(
            f"the {group.size} processes of the training did not meet ({error})".splitlines()[0],
            "see that all are started and reach MASTER_ADDR, or unset RANK and WORLD_SIZE",
        ) from error


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
    given |= {"LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": size}
    threads = {"OMP_NUM_THREADS": torch.get_num_threads(), cache.WARNED: 1}
    place = {"GLOO_SOCKET_IFNAME": _loopback()}
    variables = {k: str(v) for k, v in (threads | place | os.environ | given).items()}
    command = [sys.executable, "-m", "calovision.models.train_worker", str(run)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe)


def _first_ended(others: list[subprocess.Popen[bytes]]) -> tuple[int, str] | None:
    """Number and exit of a process that ended, if one did."""
    for rank, other in enumerate(others, 1):
        with suppress(subprocess.TimeoutExpired):
            code = other.wait(_LOST_S / len(others))
            return rank, f"signal {-code}" if code < 0 else f"exit code {code}"
    return None
