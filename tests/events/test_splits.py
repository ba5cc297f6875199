from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.errors import InputError
from calovision.events import split

PARTS = {"train": 0.7, "validation": 0.2, "test": 0.1}


@given(n=st.integers(0, 300), seed=st.integers(0, 2**32))
def test_parts_are_disjoint_sorted_and_of_the_right_size(n: int, seed: int) -> None:
    parts = split(n, PARTS, seed)
    joined = np.concatenate(list(parts.values()))
    assert sorted(joined) == list(range(n))
    assert all((np.diff(p) > 0).all() for p in parts.values())
    for name, share in PARTS.items():
        assert abs(len(parts[name]) - share * n) <= 1


@given(groups=st.lists(st.integers(0, 20), max_size=200), seed=st.integers(0, 99))
def test_groups_are_never_divided(groups: list[int], seed: int) -> None:
    ids = np.array(groups, np.int64)
    parts = split(len(ids), PARTS, seed, ids)
    assert sum(map(len, parts.values())) == len(ids)
    homes = [name for name, part in parts.items() for _ in np.unique(ids[part])]
    assert len(homes) == len(np.unique(ids))


def test_pairs_of_jets_keep_the_shares() -> None:
    parts = split(2000, PARTS, 1, np.arange(2000) // 2)
    assert [len(p) for p in parts.values()] == pytest.approx([1400, 400, 200], abs=2)


def test_seed_decides_and_a_part_may_be_left_over() -> None:
    assert split(50, {"a": 0.5}, 1)["a"].tolist() == split(50, {"a": 0.5}, 1)["a"].tolist()
    assert split(50, {"a": 0.5}, 1)["a"].tolist() != split(50, {"a": 0.5}, 2)["a"].tolist()
    assert len(split(50, {"a": 0.5}, 1)["a"]) == 25


def test_impossible_fractions() -> None:
    for fractions in ({"a": 0.8, "b": 0.3}, {"a": -0.1}):
        with pytest.raises(InputError, match="split fractions"):
            split(10, fractions, 1)
