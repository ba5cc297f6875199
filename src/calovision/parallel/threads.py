"""Work on chunks of events by threads: side by side, or ahead of who needs the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    ahead: int,
    *,
    name: str = "",
    begin: Callable[[], object] = lambda: None,
) -> Generator[Result, None, None]:
    """Results of ``work`` on every item, in the order of the items.

    Only ``ahead`` results are made before they are asked for, so memory does not grow with the
    number of items. The threads end with the iteration, or when it is closed.

    Args:
        work: called by several threads at the same time.
        items: what is worked on; one further thread asks for them.
        threads: that work.
        ahead: items that they may have been given before.
        name: how the names of the threads begin.
        begin: called once in each of them.
    """
    source = ((item,) for item in items)
    waiting: deque[Future[tuple[Result, ...]]] = deque()

    def done(item: Future[tuple[Item, ...]]) -> tuple[Result, ...]:
        return tuple(map(work, item.result()))

    with (
        ThreadPoolExecutor(1, name) as reader,
        ThreadPoolExecutor(threads, name, begin) as workers,
    ):

        def ask() -> None:
            waiting.append(workers.submit(done, reader.submit(next, source, ())))

        try:
            for _ in range(ahead):
                ask()
            while found := waiting.popleft().result():
                ask()
                yield found[0]
        finally:
            for left in waiting:
                left.cancel()


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of ``work`` on every item, in order, on as many threads as PyTorch uses.

    Whole chunks side by side use cores better than several threads on each operation, and give
    the same numbers on any number of them.
    """
    threads = torch.get_num_threads()
    try:
        yield from in_order(
            work, items, threads, 2 * threads, begin=lambda: torch.set_num_threads(1)
        )
    finally:
        torch.set_num_threads(threads)
