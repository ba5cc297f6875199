"""Which process of how many this one is, by the variables of torchrun or of Slurm's ``srun``."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from calovision.errors import InputError

_FIRST_PORT = 15_000  #: for Slurm jobs, which get one by their number
_ALONE = "start the command with torchrun or srun, or unset {} to train as one process"


def rank_and_size(environment: MutableMapping[str, str]) -> tuple[int, int]:
    """Number of this process and how many there are, by the environment ``environment``.

    Slurm's variables are translated to those of torchrun, which PyTorch reads. Variables that no
    launcher has set all together, such as those of a batch script or of MPI, mean one process.

    Raises:
        InputError: variables contradict each other.
    """
    size, rank = _number(environment, "WORLD_SIZE"), _number(environment, "RANK")
    tasks, task = _number(environment, "SLURM_STEP_NUM_TASKS"), _number(environment, "SLURM_PROCID")
    if rank is None and tasks is not None and tasks > 1 and task is not None:
        if size not in (None, tasks):
            raise InputError(
                f"WORLD_SIZE is {size}, but srun started {tasks} processes",
                "unset WORLD_SIZE: srun tells how many there are",
            )
        rank, size = task, tasks
        _check(rank, size, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS")
        _translate(environment, rank, size)
    if size is None or rank is None or size == 1 == rank + 1:
        return 0, 1
    _check(rank, size, "RANK", "WORLD_SIZE")
    return rank, size


def local_rank(environment: MutableMapping[str, str], processes: int) -> tuple[int, int | None]:
    """Number of this process among those of its machine, and how many those are.

    The latter is ``None`` where Slurm does not tell, and 1 where it has given every process GPUs of
    its own, of which each sees none but those.
    """
    local, number = _number(environment, "LOCAL_RANK"), _number(environment, "LOCAL_WORLD_SIZE")
    if local is not None:
        return local, number
    task = _number(environment, "SLURM_LOCALID")
    if rank_and_size(environment) == (0, 1) or task is None:
        return 0, processes
    own = any(environment.get(name) for name in ("SLURM_GPUS_PER_TASK", "SLURM_TRES_PER_TASK"))
    return (0, 1) if own else (task, None)


def unfollowed_warning(environment: MutableMapping[str, str]) -> str | None:
    """A warning about variables that look like several processes but do not mean them."""
    if rank_and_size(environment) != (0, 1):
        return None
    for name, lacks in (("WORLD_SIZE", "RANK"), ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID")):
        if (found := _number(environment, name)) is not None and found > 1:
            return f"{name} is {found}, but {lacks} is not set: training as one process"
    if (found := _number(environment, "OMPI_COMM_WORLD_SIZE")) is not None and found > 1:
        return f"mpirun's {found} processes are not joined, use torchrun: training as one process"
    return None


def check_rendezvous(environment: MutableMapping[str, str]) -> None:
    """Check that several processes know where to meet.

    Raises:
        InputError: they do not.
    """
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if name not in environment:
            raise InputError(
                f"RANK and WORLD_SIZE are set, but {name} is not",
                _ALONE.format("RANK and WORLD_SIZE"),
            )


def first_node(nodes: str) -> str:
    """The first name of a list of Slurm's, such as ``node[07-10],other``."""
    first = re.match(r"(?:[^\[,]|\[[^\]]*\])*", nodes)
    return re.sub(r"\[([^\],-]+)[^\]]*\]", r"\1", first.group() if first else nodes)


def _translate(environment: MutableMapping[str, str], rank: int, size: int) -> None:
    """Tell torchrun's variables what Slurm's say."""
    environment["RANK"], environment["WORLD_SIZE"] = str(rank), str(size)
    wanted = {"MASTER_ADDR": "SLURM_STEP_NODELIST", "MASTER_PORT": "SLURM_JOB_ID"}
    for name, source in wanted.items():
        if name in environment:
            continue
        found = environment.get(source) or environment.get(source.replace("STEP_", "JOB_"), "")
        if not found or (name == "MASTER_PORT" and not found.isdigit()):
            raise InputError(
                f"srun started {size} processes, but {source} does not say where they meet",
                f"set {name}",
            )
        port = name == "MASTER_PORT"
        environment[name] = str(_FIRST_PORT + int(found) % 10_000) if port else first_node(found)


def _check(rank: int, size: int, of_rank: str, of_size: str) -> None:
    if size < 1 or not 0 <= rank < size:
        raise InputError(
            f"{of_rank} is {rank}, but {of_size} is {size}: there is no such process",
            _ALONE.format(f"{of_rank} and {of_size}"),
        )


def _number(environment: MutableMapping[str, str], name: str) -> int | None:
    """The number that a variable holds, if it is set.

    Raises:
        InputError: it is none.
    """
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        if name.startswith(("SLURM_", "OMPI_")):
            return None
        raise InputError(f"{name} is {text!r}, not a number", _ALONE.format(name)) from None
