"""Two pieces of work measured in turns, on one core and one thread, in the same process."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits

Work = Callable[[], object]


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        title: what is done.
        items: events (steps, ...) of one call.
        ready: prepares a call, which is not timed, and returns what is.
    """

    title: str
    items: int
    ready: Callable[[], Work]


def always(title: str, items: int, work: Work) -> Side:
    """A side that needs no preparation."""
    return Side(title, items, lambda: work)


def cpu() -> float:
    """CPU time of all threads of this process and of its finished children, s.

    What other programs do on the machine does not count, so ratios hold on a busy one too.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def in_turns(
    first: Side, second: Side, pairs: int, *, warm: bool = False
) -> list[tuple[float, float]]:
    """CPU time (s) an item of both sides, ``pairs`` times.

    The order changes with every pair, so that a machine that becomes slower favours neither.

    Args:
        first: what is measured.
        second: what it is measured against.
        pairs: how often.
        warm: both have run before; otherwise one call of each comes first and does not count.
    """
    for side in () if warm else (first, second):
        side.ready()()
    found = []
    for turn in range(pairs):
        sides = (first, second) if turn % 2 == 0 else (second, first)
        spent = [_timed(side) for side in sides]
        found.append((spent[0], spent[1]) if turn % 2 == 0 else (spent[1], spent[0]))
    return found


def _timed(side: Side) -> float:
    work = side.ready()
    begun = cpu()
    work()
    return (cpu() - begun) / side.items


@contextmanager
def one_core() -> Iterator[None]:
    """One thread for every library, and where the system can, one core for this process."""
    threads = torch.get_num_threads()
    with ExitStack() as undo:
        undo.enter_context(threadpool_limits(1))
        undo.callback(torch.set_num_threads, threads)
        torch.set_num_threads(1)
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            undo.callback(os.sched_setaffinity, 0, cores)
            os.sched_setaffinity(0, {max(cores)})
        yield
