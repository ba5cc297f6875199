"""Running tasks: in this process, on processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from calovision.errors import InputError
from calovision.parallel.main_guard import processes_may_start
from calovision.utils.counts import count
from calovision.utils.interruption import deaf_children
from calovision.utils.waiting import waits_for

_START_UP = 300.0  #: seconds that workers may take to start, compile and make the library
_CONNECT = 20.0  #: seconds to wait for a scheduler
_RETURN = 600.0  #: seconds to wait for one that was there before
_AHEAD = 2  #: tasks handed to the cluster per worker; bounds the memory
#: On one machine, what Dask does besides handing out tasks takes their cores: no sampling of the
#: stack, and looks at the clock, the machine and the memory no more often than anyone needs.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.system-monitor.interval": "5s",
}

Task = TypeVar("Task")
Result = TypeVar("Result")


class _LostError(Exception):
    """The scheduler went away, and with it what it knew."""


def check_workers(workers: int) -> None:
    """Raise an :class:`InputError` unless the number is positive."""
    count("the number of workers", workers)


def run(
    tasks: Sequence[Task],
    make: Callable[[Task, float], Result],
    *,
    prepare: Callable[[], object],
    workers: int = 1,
    scheduler: str | None = None,
    time_limit: float,
) -> Iterator[tuple[Task, Result]]:
    """Yield every task and its result, in any order.

    A scheduler that goes away may come back: what was not yet done is handed to it again.

    Args:
        tasks: what to do.
        make: called with a task and the time limit, here or in a worker.
        prepare: called once on this machine before all else, to compile what every worker uses.
        workers: processes on this machine; 1 means this process.
        scheduler: address of a Dask scheduler, instead of ``workers``.
        time_limit: seconds that a task may take.

    Raises:
        InputError: ``workers`` is not positive, a script asks for several outside of its main
            guard, the scheduler does not answer, workers die again and again, or a task takes
            too long.
    """
    check_workers(workers)
    if scheduler is None and (workers == 1 or len(tasks) == 1):
        prepare()
        waits_for("")
        for task in tasks:
            yield task, make(task, time_limit)
        return
    waiting = list(reversed(tasks))
    patience = _CONNECT
    with processes_may_start() if scheduler is None else contextlib.nullcontext():
        if scheduler is None:
            prepare()  # once here rather than in every worker
            waits_for(f"starting {min(workers, len(tasks))} workers")
        while waiting:
            with _client(min(workers, len(tasks)), scheduler, patience) as client:
                waits_for("")
                try:
                    yield from _distribute(client, waiting, make, time_limit)
                except _LostError:
                    patience = _RETURN  # it may come back


def _distribute(
    client: Any,
    waiting: list[Task],
    make: Callable[[Task, float], Result],
    time_limit: float,
) -> Iterator[tuple[Task, Result]]:
    """Keep every worker busy without handing out everything at once.

    What of ``waiting`` is not done, its last task first, stays there.

    Raises:
        _LostError: the scheduler is gone.
    """
    distributed = _distributed()
    running: dict[Any, Task] = {}  # by future
    patience = _AHEAD * time_limit + _START_UP
    try:
        while waiting or running:
            room = _AHEAD * max(_cores(client), 1) - len(running)
            for _ in range(min(room, len(waiting))):
                future = client.submit(make, waiting[-1], time_limit, pure=False)
                running[future] = waiting.pop()
            with client.as_current():
                state = distributed.wait(
                    list(running), timeout=patience, return_when="FIRST_COMPLETED"
                )
            for future in state.done:
                result = future.result()
                yield running.pop(future), result
    except (
        CancelledError,
        distributed.comm.CommClosedError,
        distributed.client.ClosedClientError,
    ) as error:
        waiting.extend(running.values())
        raise _LostError from error
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


def _cores(client: Any) -> int:
    """Threads of all workers."""
    try:
        return sum(client.ncores().values())
    except (OSError, AttributeError) as error:  # the latter from a client that gave up and closed
        raise CancelledError from error


def _distributed() -> Any:
    """The Dask library, loaded only if it is needed."""
    return importlib.import_module("distributed")


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None, patience: float) -> Iterator[Any]:
    """A client of the scheduler, for which it waits some seconds, or of processes started here."""
    distributed = _distributed()
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler}",
                "start one with 'dask scheduler' and give its tcp://HOST:PORT",
            ) from error
        try:
            yield client
        finally:
            # All results are here already, and one that is just reconnecting fails in many ways.
            with contextlib.suppress(Exception):
                client.close()
        return
    with contextlib.ExitStack() as stack:
        stack.enter_context(importlib.import_module("dask").config.set(_QUIET))
        # Half-started, a cluster ends with many lines: an interruption waits for its start.
        with deaf_children():
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any free port
                    silence_logs=logging.CRITICAL,
                )
            )
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        yield client
