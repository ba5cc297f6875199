"""Dividing a set into training, validation and test parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.utils import streams
from calovision.utils.counts import count, quantity

_ROUNDING = 1e-9


def split(
    n: int, fractions: Mapping[str, float], seed: int, groups: NDArray[Any] | None = None
) -> dict[str, NDArray[np.int64]]:
    """Divide ``n`` events at random into disjoint parts.

    Args:
        n: number of events.
        fractions: share of each part by name, 0 to 1, together at most 1.
        seed: same seed, same parts.
        groups: ``(n,)`` events with equal values, such as the jets of one collision, are
            never divided; a part's share is then met to within one group.

    Returns:
        Sorted event numbers of every part.

    Raises:
        InputError: fractions that are no numbers, negative, or more than 1 together; a seed that is
            no whole number.
        ValueError: ``groups`` of another length.
    """
    shares = np.array([quantity(f"the share {name!r}", f) for name, f in fractions.items()])
    if (shares < 0).any() or shares.sum() > 1 + _ROUNDING:
        raise InputError(
            f"split fractions {dict(fractions)} are not shares of one set",
            "give numbers from 0 to 1 that add up to at most 1",
        )
    if groups is None:
        groups = np.arange(n)
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} events")
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = streams.rng(streams.Stream.SPLIT, count("the seed", seed, 0)).permutation(len(sizes))
    ends = np.cumsum(sizes[order])
    middle = np.empty(len(sizes))
    middle[order] = ends - sizes[order] / 2
    borders = np.round(np.cumsum(shares) * n)
    part = np.searchsorted(borders, middle, side="right")[member]
    return {name: np.flatnonzero(part == i) for i, name in enumerate(fractions)}
