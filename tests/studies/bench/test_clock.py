from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from calovision.studies.bench import clock
from calovision.studies.bench.clock import Side, in_turns, one_core


def test_sides_take_turns_and_cost_what_they_take_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    now, done = 0.0, ""
    calls: list[int] = []

    def side(title: str, items: int, seconds: float) -> Side:
        def work() -> None:
            nonlocal now, done
            now, done = now + seconds, done + title

        def prepared(call: int) -> clock.Work:
            nonlocal now
            now += 100.0  # preparing does not count
            calls.append(call)
            return work

        return Side(title, items, prepared)

    monkeypatch.setattr(clock, "cpu", lambda: now)
    pairs = in_turns(side("a", 4, 2.0), side("b", 1, 3.0), 3)
    assert done == "ab" + "ab" + "ba" + "ab"
    assert pairs == [(0.5, 3.0)] * 3
    assert calls == [0, 0, 1, 1, 2, 2, 3, 3]
    done = ""
    in_turns(side("a", 1, 1.0), side("b", 1, 1.0), 1, warm=True)
    assert done == "ab"


def test_time_of_finished_children_counts() -> None:
    code = "sum(i * i for i in range(300_000))"
    work = Side.of("child", 1, lambda: subprocess.run([sys.executable, "-c", code]))
    nothing = Side.of("nothing", 1, lambda: None)
    ((child, idle),) = in_turns(work, nothing, 1)
    assert child > 0.005 > idle


def test_one_core_is_undone_at_the_end() -> None:
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0)
    with one_core():
        assert torch.get_num_threads() == 1
        assert len(os.sched_getaffinity(0)) == 1
    assert torch.get_num_threads() == threads
    assert os.sched_getaffinity(0) == cores
