from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.training.sampler import OnceSampler, WindowedShuffleSampler


def order(
    events: int, batch: int, window: int, block: int = 16, seed: int = 1
) -> WindowedShuffleSampler:
    blocks = np.append(np.arange(0, events, block), events)
    return WindowedShuffleSampler(events, batch, window, blocks, seed)


def batches(of: WindowedShuffleSampler, epoch: int) -> np.ndarray:
    return np.concatenate([of.batches(epoch, w) for w in range(of.windows)])


@given(st.integers(1, 400), st.integers(1, 50), st.integers(1, 500), st.integers(1, 60))
@settings(deadline=None)
def test_an_epoch_has_every_event_once(events: int, batch: int, window: int, block: int) -> None:
    of = order(events, min(batch, events), window, block)
    for epoch in (0, 1):
        seen = batches(of, epoch)
        assert seen.shape == (of.per_epoch, of.batch)
        assert len(np.unique(seen)) == seen.size > events - of.batch
        assert set(seen.ravel()) <= set(range(events))
    step = 7 * of.per_epoch + of.per_epoch // 2
    epoch, w, batch_of_window = of.position(step)
    assert epoch == 7
    before = sum(len(of.batches(epoch, i)) for i in range(w))
    assert before + batch_of_window == of.per_epoch // 2


@pytest.mark.parametrize("window", [1000, 300])
def test_the_order_depends_on_seed_and_epoch(window: int) -> None:
    of = order(1000, 20, window)
    assert np.array_equal(batches(of, 3), batches(order(1000, 20, window), 3))
    assert not np.array_equal(batches(of, 3), batches(of, 4))
    assert not np.array_equal(batches(of, 3), batches(order(1000, 20, window, seed=2), 3))


def test_windows_are_small_and_from_all_over_the_set() -> None:
    of = order(4096, 32, 600)
    for epoch in range(2):
        for window in range(of.windows):
            chosen = of.batches(epoch, window)
            assert chosen.size <= 600 + of.batch
            assert chosen.min() < 1000
            assert chosen.max() > 3000
            # A batch is as mixed as its window.
            assert np.ptp(chosen, axis=1).min() > 2000


def test_parts_of_a_batch_lie_in_different_blocks() -> None:
    of = order(4096, 32, 1024)
    chosen = of.batches(0, 1) // 16
    first, second = (set(chosen[:, part].ravel()) for part in (slice(16), slice(16, 32)))
    assert len(first & second) <= 1
    assert len(first) + len(second) <= 1024 // 16 + 3


@given(st.integers(1, 400), st.integers(1, 50), st.integers(1, 500))
@settings(deadline=None)
def test_events_that_come_once_come_in_order(events: int, batch: int, window: int) -> None:
    batch = min(batch, events)
    of, longer = (
        OnceSampler(n, batch, window, np.array([0, n]), 1) for n in (events, events + 300)
    )
    stretches = [np.sort(of.batches(0, w), axis=None) for w in range(of.windows)]
    assert np.array_equal(np.concatenate(stretches), np.arange(of.per_epoch * batch))
    for w in range(of.windows - 1):
        assert np.array_equal(of.batches(0, w), longer.batches(0, w))
    assert of.position(of.per_epoch - 1)[1:] == (
        of.windows - 1,
        len(of.batches(0, of.windows - 1)) - 1,
    )
