"""A row of the speed table: two kinds of work measured in turns, on one core and one thread."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

Work = Callable[[], object]


@dataclass(frozen=True)
class Side:
    """One of the two kinds of work.

    Attributes:
        title: what one item is, as it stands in the table.
        items: events (steps, ...) of one call.
        prepared: makes the work of one call, whose number counts from 0; only the work is timed.
    """

    title: str
    items: int
    prepared: Callable[[int], Work]

    @classmethod
    def of(cls, title: str, items: int, work: Work) -> Side:
        """A side that needs no preparation."""
        return cls(title, items, lambda call: work)

    def cost(self, call: int) -> float:
        """CPU time of one call, s an item."""
        work = self.prepared(call)
        begun = cpu()
        work()
        return (cpu() - begun) / self.items


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
    uncounted = 0 if warm else 1
    found = []
    for call in range(uncounted + pairs):
        if (call - uncounted) % 2 == 0 or call < uncounted:
            one = first.cost(call)
            found.append((one, second.cost(call)))
        else:
            other = second.cost(call)
            found.append((first.cost(call), other))
    return found[uncounted:]


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


class Goal(NamedTuple):
    """What a ratio should be."""

    bound: Literal["at most", "at least"]
    value: float


NO_SLOWER = Goal("at most", 1.0)


class UnavailableError(Exception):
    """A row cannot be measured here; its text tells why."""


@dataclass(frozen=True)
class Row:
    """A finished measurement.

    Attributes:
        first, second: what is compared.
        pairs: cost of both, once per pair.
        unit: of the costs, for example ``"s a jet"``.
        kind: what the costs are.
        goal: what the ratio of the first over the second should be.
        details: further numbers that are kept with the row.
    """

    first: str
    second: str
    pairs: list[tuple[float, float]]
    unit: str
    kind: Literal["CPU time", "wall time", "peak memory"] = "CPU time"
    goal: Goal | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: medians of both costs and of the pairs' ratios, with their 16-84 % range."""
        costs = np.array(self.pairs, float)
        low, ratio, high = np.quantile(costs[:, 0] / costs[:, 1], (0.16, 0.5, 0.84)).tolist()
        goal = None
        if self.goal is not None:
            bound, value = self.goal
            met = ratio <= value if bound == "at most" else ratio >= value
            goal = {"bound": bound, "value": value, "met": met}
        return {
            "first": self.first,
            "second": self.second,
            "kind": self.kind,
            "unit": self.unit,
            "cost": np.median(costs, 0).tolist(),
            "ratio": ratio,
            "range": [low, high],
            "pairs": len(costs),
            "goal": goal,
            "details": self.details,
        }


def compared(
    first: Side, second: Side, pairs: int, unit: str = "s a jet", goal: Goal | None = None
) -> Row:
    """The row of the CPU time of one side against another's, measured in turns."""
    return Row(first.title, second.title, in_turns(first, second, pairs), unit, goal=goal)


def need_two_cores() -> None:
    """Raise an :class:`UnavailableError` where this process may use one core alone."""
    if len(os.sched_getaffinity(0)) < 2:
        raise UnavailableError("needs two cores")
