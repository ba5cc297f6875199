"""Work shared out to processes that are copies of this one."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, ForkProcess
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def shared_out(
    tasks: Sequence[Task], make: Callable[[Task], Iterable[Result]], workers: int
) -> AbstractContextManager[Iterator[Result]]:
    """The results of all tasks, made in up to ``workers`` processes.

    Processes are forked, so they start at once and need no importable main module. What runs in
    other threads could be holding a lock at that moment, so a process that has any does the
    work itself.

    Args:
        tasks: what to do; given out in this order.
        make: gives the results of one task; an exception ends the whole, and of several the one
            of the first task is raised.
        workers: processes to use; 1 works in this process.

    Returns:
        A context that ends the processes; its value gives the results of each task in order,
        but those of different tasks as they come.
    """
    count = min(workers, len(tasks))
    if count <= 1 or threading.active_count() > 1:
        return nullcontext(chain.from_iterable(map(make, tasks)))
    return _processes(tasks, make, count)


@contextmanager
def _processes(
    tasks: Sequence[Task], make: Callable[[Task], Iterable[Result]], count: int
) -> Iterator[Iterator[Result]]:
    context = multiprocessing.get_context("fork")
    ends: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        # An interrupt from the keyboard reaches all processes; only this one shall handle it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(count):
                _start(context, tasks, make, ends, processes)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        yield _results(ends, len(tasks))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for end in ends:
            end.close()


def _start(
    context: ForkContext,
    tasks: Sequence[Task],
    make: Callable[[Task], Iterable[Result]],
    ends: list[Connection],
    processes: list[ForkProcess],
) -> None:
    ours, theirs = context.Pipe()
    ends.append(ours)
    # A process that keeps a copy of our ends would not notice that we are gone.
    process = context.Process(target=_serve, args=(theirs, list(ends), tasks, make), daemon=True)
    process.start()
    processes.append(process)
    theirs.close()


def _serve(
    end: Connection,
    inherited: list[Connection],
    tasks: Sequence[Task],
    make: Callable[[Task], Iterable[Result]],
) -> None:
    """Do tasks by their numbers until the other side is gone."""
    for other in inherited:
        other.close()
    try:
        while True:
            task = tasks[end.recv()]
            try:
                for result in make(task):
                    end.send((result, None, False))
                end.send((None, None, True))
            except (BrokenPipeError, ConnectionResetError):
                return
            except Exception as error:
                error.add_note(traceback.format_exc())
                end.send((None, error, True))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _results(ends: list[Connection], count: int) -> Iterator[Result]:
    """Give out ``count`` tasks by number and pass on what comes back."""
    waiting = iter(range(count))
    doing: dict[Connection, int] = {}
    failed: dict[int, Exception] = {}
    for end in ends:
        _give(end, waiting, doing)
    while doing and not (failed and min(failed) < min(doing.values())):
        ready = [end for end in wait(list(doing)) if isinstance(end, Connection)]
        for end in ready:
            try:
                result, error, last = end.recv()
            except (EOFError, ConnectionResetError):
                raise RuntimeError("a worker process was killed") from None
            if not last:
                yield result
                continue
            number = doing.pop(end)
            if error is not None:
                failed[number] = error
            if not failed:
                _give(end, waiting, doing)
    if failed:
        raise failed[min(failed)]


def _give(end: Connection, waiting: Iterator[int], doing: dict[Connection, int]) -> None:
    number = next(waiting, None)
    if number is not None:
        end.send(number)
        doing[end] = number
