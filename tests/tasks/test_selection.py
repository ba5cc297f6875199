from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.tasks.selection import Selection

TRUE, MADE = 0.8, 0.5  #: share of quark jets


def jets(share: float, n: int, seed: int) -> Events:
    """Toy jets with a share of quarks, which the label and the number of hits tell."""
    rng = np.random.default_rng(seed)
    pool = toys.toy_jets(2 * n, seed)
    of = [np.flatnonzero(pool.label == k) for k in (0, 1)]
    quarks = int(share * n)
    chosen = np.concatenate([rng.choice(of[1], quarks), rng.choice(of[0], n - quarks)])
    return pool[rng.permutation(chosen)]


@pytest.fixture(scope="module")
def selection() -> Selection:
    true, made = jets(TRUE, 900, 1), jets(MADE, 900, 2)
    trained = Selection(4 + 4 + 45)
    trained.fit(true, made, seed=1)
    return trained


def test_what_is_kept_is_distributed_as_the_truth(selection: Selection) -> None:
    rng = np.random.default_rng(3)
    made = jets(MADE, 1500, 4)
    kept = made[np.flatnonzero(selection.keep(made, rng))]
    assert len(kept) / len(made) == pytest.approx(float(selection.efficiency), abs=0.06)
    assert kept.label.mean() == pytest.approx(TRUE, abs=0.06)


def test_the_ratio_is_that_of_the_densities(selection: Selection) -> None:
    made = jets(MADE, 600, 5)
    ratio = np.exp(selection.log_ratio(made))
    for label, expected in ((1, TRUE / MADE), (0, (1 - TRUE) / (1 - MADE))):
        assert np.median(ratio[made.label == label]) == pytest.approx(expected, rel=0.3)


def test_as_many_as_asked_for_and_the_same_by_seed(selection: Selection) -> None:
    pool = jets(MADE, 400, 6)

    def drawn(seed: int) -> Events:
        rng = np.random.default_rng(seed)
        return selection.selected(lambda n: pool[rng.integers(400, size=n)], 50, rng)

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert len(first) == 50
    assert np.array_equal(first.value, again.value)
    assert not np.array_equal(first.offsets, other.offsets)


def test_unlikely_events_are_given_up(selection: Selection) -> None:
    pool = jets(MADE, 10, 7)
    bright = replace(pool, value=(1e4 * pool.value).astype(np.float32))
    hopeless = Selection(4 + 4 + 45)
    hopeless.load_state_dict(selection.state_dict())
    hopeless.limit.fill_(1e3)
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="hardly any"):
        hopeless.selected(lambda n: bright[rng.integers(10, size=n)], 5, rng)
