from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.training.batches import (
    BATCH_THREADS,
    BATCHES_AHEAD,
    TrainingBatches,
    ValidationBatches,
    ahead,
)
from calovision.training.sampler import WindowedShuffleSampler
from calovision.training.task import Task
from calovision.utils.interruption import handled_by, interrupt

BLOCKS = np.arange(0, 65, 8)


@pytest.fixture(scope="module")
def task(toy_jets: Events) -> Task:
    small = {"code": 8, "points": 20, "width": 8}
    return build(load_config("jet-vae", overrides=small), toy_jets.geometry, toy_jets)


class Spy:
    """A task whose batches are the numbers of their events."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []
        self.asked: list[tuple[np.ndarray, int]] = []
        self.anew = False

    def read(self, chosen: np.ndarray, epoch: int) -> np.ndarray:
        self.seen.append(chosen)
        return chosen

    def ask(self, chosen: np.ndarray, epoch: int) -> None:
        self.asked.append((chosen, epoch))

    def dataset(self, numbers: np.ndarray) -> np.ndarray:
        return numbers

    def training_batch(self, dataset: np.ndarray, chosen: np.ndarray, step: int) -> list[int]:
        return dataset[chosen].tolist()


def stream(spy: Spy, window: int, part: slice, start: int = 0) -> Iterator[Any]:
    order = WindowedShuffleSampler(64, 16, window, BLOCKS, 1)
    source: Any = spy
    return iter(TrainingBatches(source, order, source, part, lambda: start))


@pytest.mark.parametrize("window", [64, 32])
def test_batches_go_on_where_they_stopped(task: Task, toy_jets: Events, window: int) -> None:
    now = 0
    order = WindowedShuffleSampler(64, 16, window, BLOCKS, 1)
    source: Any = SimpleNamespace(anew=False, read=lambda numbers, epoch: toy_jets[numbers])
    batches = TrainingBatches(task, order, source, slice(16), lambda: now)
    whole = [batch[0].energy for batch, _ in zip(batches, range(9), strict=False)]
    now = 6
    later = [batch[0].energy for batch, _ in zip(batches, range(3), strict=False)]
    assert all(torch.equal(a, b) for a, b in zip(whole[6:], later, strict=True))
    assert not torch.equal(whole[0], whole[6])


@pytest.mark.parametrize("window", [64, 32])
def test_processes_share_the_batches_of_one(window: int) -> None:
    one, first, second = Spy(), Spy(), Spy()
    streams = (
        stream(one, window, slice(16)),
        stream(first, window, slice(8)),
        stream(second, window, slice(8, 16)),
    )
    epoch = [list(islice(s, 4)) for s in streams]
    for all_of_it, left, right in zip(*epoch, strict=True):
        assert sorted(all_of_it) == sorted(left + right)
    assert sorted(chain.from_iterable(epoch[0])) == list(range(64))


def test_in_memory_are_the_events_of_a_window_that_are_ones_own() -> None:
    spy = Spy()
    next_epoch = stream(spy, 32, slice(8, 16))
    for _ in range(8):
        next(next_epoch)
    assert [len(numbers) for numbers in spy.seen] == [16, 16, 16, 16]
    small = Spy()
    list(islice(stream(small, 64, slice(8, 16)), 8))
    assert [len(numbers) for numbers in small.seen] == [64]


@pytest.mark.parametrize("window", [64, 32])
def test_what_is_drawn_anew_is_read_every_window_and_asked_for_before(window: int) -> None:
    spy = Spy()
    spy.anew = True
    list(islice(stream(spy, window, slice(16)), 9))
    assert len(spy.seen) == (3 if window == 64 else 5)
    assert all(np.array_equal(a, b[0]) for a, b in zip(spy.seen[1:], spy.asked, strict=False))
    assert [epoch for _, epoch in spy.asked][:2] == ([1, 2] if window == 64 else [0, 1])


def test_looks_are_shared_out(
    task: Task, toy_jets: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calovision.training.batches.VALIDATION_BATCH", 15)
    dataset = task.dataset(toy_jets)
    whole = ValidationBatches(task, dataset)
    assert [number for number, _ in (whole[i] for i in range(len(whole)))] == [0, 1, 2, 3, 4]
    assert [len(whole[i][1][1]) for i in range(5)] == [15, 15, 15, 15, 4]
    shares = [list(ValidationBatches(task, dataset, rank, 2).mine) for rank in range(2)]
    assert shares == [[0, 2, 4], [1, 3]]
    assert list(ValidationBatches(task, dataset, 6, 7).mine) == [0, 1, 2, 3, 4]


#: a device of which only the kind counts: no GPU is asked for
ELSEWHERE = torch.device("meta")


def batch_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("batches")]


@pytest.mark.parametrize("device", [torch.device("cpu"), ELSEWHERE])
def test_batches_made_ahead_are_the_same_in_the_same_order(device: torch.device) -> None:
    spy = Spy()
    expected = list(islice(stream(Spy(), 32, slice(16), 3), 9))
    order, source = WindowedShuffleSampler(64, 16, 32, BLOCKS, 1), cast(Any, spy)
    batches = TrainingBatches(source, order, source, slice(16), lambda: 3)
    with closing(ahead(batches.makers(), device)) as made:
        assert list(islice(made, 9)) == expected
    assert batch_threads() == []
    assert list(ahead([lambda: 0, lambda: 1], device)) == [0, 1]
    assert list(ahead([], device)) == []


def test_batches_keep_their_order_whichever_is_done_first() -> None:
    def made(number: int) -> int:
        time.sleep(0.05 * (number % 3 == 0))
        return number

    makers = (partial(made, number) for number in range(20))
    assert list(ahead(makers, ELSEWHERE)) == list(range(20))


def test_a_few_batches_are_made_ahead_by_threads() -> None:
    made: list[str] = []

    def make(number: int) -> int:
        made.append(threading.current_thread().name)
        return number

    with closing(ahead((partial(make, n) for n in range(100)), ELSEWHERE)) as batches:
        assert next(batches) == 0
        for _ in range(100):
            if len(made) == 1 + BATCHES_AHEAD:
                break
            time.sleep(0.02)
        assert len(made) == 1 + BATCHES_AHEAD
        assert 2 <= len(batch_threads()) <= 1 + BATCH_THREADS
    assert len(made) == 1 + BATCHES_AHEAD
    assert {name.partition("_")[0] for name in made} == {"batches"}
    assert batch_threads() == []


def test_what_goes_wrong_in_the_thread_is_told() -> None:
    def source() -> Iterator[Callable[[], int]]:
        yield lambda: 1
        raise InputError("a shard is damaged", "fetch it again")

    def broken() -> int:
        raise InputError("a shard is damaged", "fetch it again")

    batches = ahead(source(), ELSEWHERE)
    assert next(batches) == 1
    with pytest.raises(InputError, match="a shard is damaged"):
        next(ahead([broken], ELSEWHERE))
    with pytest.raises(InputError, match="a shard is damaged"):
        next(batches)
    assert batch_threads() == []


def test_an_interruption_while_a_batch_is_waited_for_ends_the_thread() -> None:
    def slow() -> int:
        time.sleep(0.2)  # by then it is waited for
        os.kill(os.getpid(), signal.SIGTERM)  # shells let what runs behind them ignore SIGINT
        time.sleep(0.2)
        return 1

    with pytest.raises(KeyboardInterrupt), handled_by(interrupt):
        next(ahead([slow], ELSEWHERE))
    assert batch_threads() == []
