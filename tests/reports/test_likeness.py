"""Events that stand beside each other because they are alike."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.reports.likeness import most_like


def with_columns(events: Events, **columns: list[float]) -> Events:
    return replace(events, columns={k: np.array(v) for k, v in columns.items()})


def test_the_class_is_the_same_and_the_momenta_are_nearest(toy_jets: Events) -> None:
    first, pool = toy_jets[:12], toy_jets[12:64]
    chosen, compared = most_like(first, pool)
    assert compared == ("label", "pt")
    assert len(set(chosen.tolist())) == 12
    assert np.array_equal(pool.label[chosen], first.label)
    apart = np.abs(pool.columns["pt"][chosen] - first.columns["pt"]).mean()
    assert apart < 0.2 * np.abs(pool.columns["pt"][:12] - first.columns["pt"]).mean()


def test_the_sum_of_differences_is_the_least_there_is(toy_jets: Events) -> None:
    first = with_columns(toy_jets[:3], pt=[100, 120, 90])
    pool = with_columns(toy_jets[:5], pt=[118, 131, 99, 60, 104])
    chosen, compared = most_like(first, pool)
    assert compared == ("pt",)
    sums = [
        np.abs(pool.columns["pt"][list(order)] - first.columns["pt"]).sum()
        for order in permutations(range(5), 3)
    ]
    assert np.abs(pool.columns["pt"][chosen] - first.columns["pt"]).sum() == min(sums)


def test_a_class_that_is_missing_is_replaced_by_another(toy_jets: Events) -> None:
    first = with_columns(toy_jets[:3], label=[1, 1, 0], pt=[100, 110, 120])
    pool = with_columns(toy_jets[:3], label=[0, 0, 1], pt=[100, 110, 120])
    chosen, _ = most_like(first, pool)
    assert sorted(chosen.tolist()) == [0, 1, 2]
    assert (pool.columns["label"][chosen] == first.columns["label"]).sum() == 2


def test_sets_that_know_nothing_alike_stay_in_order(toy_jets: Events) -> None:
    pool = with_columns(toy_jets[:9], mass=[1.0] * 9)
    chosen, compared = most_like(toy_jets[:4], pool)
    assert (chosen.tolist(), compared) == ([0, 1, 2, 3], ())


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_momentum_that_is_no_number_is_like_none(toy_jets: Events, odd: float) -> None:
    first = with_columns(toy_jets[:2], gen_pt=[odd, 50])
    pool = with_columns(toy_jets[:3], gen_pt=[50, odd, 100])
    chosen, compared = most_like(first, pool)
    assert compared == ("gen_pt",)
    assert chosen[1] == 0
