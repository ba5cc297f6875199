from __future__ import annotations

import pytest
import torch

from calovision.evaluation.symmetry.false_discovery import (
    KINDS,
    claimed,
    cloud,
    false_discoveries,
)


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_claimed_where_nothing_is(kind: str) -> None:
    for seed in range(6):
        drawn = random(seed)  # not the same numbers for the set and for the search
        said = claimed(KINDS[kind](drawn), drawn)
        assert not said["claimed"], said


def test_an_even_cloud_is_claimed_and_an_uneven_one_is_not() -> None:
    even, uneven = (claimed(cloud(random(1), ratio), random(2)) for ratio in (1.0, 0.7))
    assert even["claimed"], even
    assert not uneven["claimed"]
    assert "evenly" in uneven["verdict"]
    # Of a plane, |s1^2 - s2^2| sqrt(2) over the root of s1^4 + s2^4.
    assert uneven["imbalance"] == pytest.approx(0.648, abs=0.06)
    assert 0 < uneven["imbalance_error"] < 0.1


def test_the_table_counts_what_is_claimed() -> None:
    found = false_discoveries(3)
    assert found["claims"] == sum(kind["claims"] for kind in found["by_kind"].values()) == 0
    assert [kind["sets"] for kind in found["by_kind"].values()] == [1, 1, 1]
    assert found["power"][0]["claimed"] > found["power"][-1]["claimed"] == 0
    assert found == false_discoveries(3)
