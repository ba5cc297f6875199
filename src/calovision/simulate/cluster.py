"""Running tasks: in this process, on processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from calovision.errors import InputError

_START_UP = 300.0  #: seconds that workers may take to start, compile and make the library
_CONNECT = 20.0  #: seconds to wait for a scheduler
_AHEAD = 2  #: tasks handed to the cluster per worker; bounds the memory


class Numbered(Protocol):
    """What there is to do for one chunk of a set."""

    @property
    def index(self) -> int:
        """Number of the chunk within the set."""


Task = TypeVar("Task", bound=Numbered)
Result = TypeVar("Result")


def check_workers(workers: int) -> None:
    """Raise an :class:`InputError` unless the number is positive."""
    if workers < 1:
        raise InputError(f"{workers} workers asked for", "ask for at least 1")


def run(
    tasks: Sequence[Task],
    make: Callable[[Task, float], Result],
    *,
    prepare: Callable[[], object],
    workers: int = 1,
    scheduler: str | None = None,
    time_limit: float,
) -> Iterator[tuple[int, Result]]:
    """Yield the number and result of every task, in any order.

    Args:
        tasks: what to do.
        make: called with a task and the time limit, here or in a worker.
        prepare: called once before workers of this machine start, to compile what all of them use.
        workers: processes on this machine; 1 means this process.
        scheduler: address of a Dask scheduler, instead of ``workers``.
        time_limit: seconds that a task may take.

    Raises:
        InputError: ``workers`` is not positive, the scheduler does not answer, workers die
            again and again, or a task takes too long.
    """
    check_workers(workers)
    if scheduler is None and (workers == 1 or len(tasks) == 1):
        for task in tasks:
            yield task.index, make(task, time_limit)
        return
    if scheduler is None:
        prepare()  # once here rather than in every worker
    with _client(min(workers, len(tasks)), scheduler) as client:
        yield from _distribute(client, tasks, make, time_limit)


def _distribute(
    client: Any,
    tasks: Sequence[Task],
    make: Callable[[Task, float], Result],
    time_limit: float,
) -> Iterator[tuple[int, Result]]:
    """Keep every worker busy without handing out everything at once."""
    distributed = _distributed()
    waiting = list(reversed(tasks))
    running: dict[Any, int] = {}  # by future
    patience = _AHEAD * time_limit + _START_UP
    while waiting or running:
        room = _AHEAD * max(sum(client.ncores().values()), 1) - len(running)
        for _ in range(min(room, len(waiting))):
            task = waiting.pop()
            running[client.submit(make, task, time_limit, pure=False)] = task.index
        try:
            with client.as_current():
                state = distributed.wait(
                    list(running), timeout=patience, return_when="FIRST_COMPLETED"
                )
            results = [(running.pop(future), future.result()) for future in state.done]
        except TimeoutError as error:
            raise InputError(
                f"no chunk was finished within {patience:g} s",
                "see that workers are connected and alive; finished chunks are kept",
            ) from error
        except distributed.KilledWorker as error:
            raise InputError(
                f"workers died again and again: {error}",
                "give them more memory or start fewer; finished chunks are kept",
            ) from error
        yield from results


def _distributed() -> Any:
    """The Dask library, loaded only if it is needed."""
    return importlib.import_module("distributed")


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Any]:
    distributed = _distributed()
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler}",
                "start one with 'dask scheduler' and give its tcp://HOST:PORT",
            ) from error
        with client:
            yield client
        return
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
