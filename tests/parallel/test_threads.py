from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch

from calovision.errors import InputError
from calovision.parallel.threads import in_order, side_by_side


def test_results_come_in_order_and_few_are_made_ahead() -> None:
    made: list[int] = []

    def work(item: int) -> int:
        time.sleep(0.05 * (item % 3 == 0))
        made.append(item)
        return item**2

    before = threading.active_count()
    with closing(in_order(work, iter(range(100)), 3, 4)) as results:
        assert [next(results) for _ in range(10)] == [i**2 for i in range(10)]
    assert 10 <= len(made) <= 10 + 4
    assert threading.active_count() == before
    assert list(in_order(work, [], 3, 4)) == []


def test_errors_of_work_and_of_items_are_raised_in_their_turn() -> None:
    def items() -> Iterator[int]:
        yield from (2, 1, 0)
        raise InputError("a shard is damaged", "fetch it again")

    results = in_order(lambda x: 2 // x, items(), 2, 2)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(InputError, match="damaged"):
        list(in_order(abs, items(), 2, 2))


def test_operations_of_each_thread_run_on_one_core() -> None:
    threads = torch.get_num_threads()
    assert set(side_by_side(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == threads
