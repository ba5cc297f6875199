"""Divide an event set into disjoint parts, reproducibly and without tearing collisions apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError


def split(
    n: int,
    fractions: Mapping[str, float],
    seed: int,
    groups: NDArray[Any] | None = None,
) -> dict[str, NDArray[np.int64]]:
    """Disjoint random parts of ``n`` events that together are all of them.

    Args:
        n: number of events.
        fractions: name of each part and its share, each at least 0, summing to 1.
        seed: of the shuffling.
        groups: ``(n,)`` collision of every event; events of one collision stay in one part.

    Returns:
        Name to sorted indices. Sizes are within one event (or collision) of the shares.

    Raises:
        InputError: shares that are negative or do not sum to 1, or ``groups`` of another length.
    """
    shares = np.array(list(fractions.values()), float)
    if (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(
            f"fractions {dict(fractions)} do not divide a set", "give shares that sum to 1"
        )
    if groups is None:
        group = np.arange(n)
        members = n
    else:
        if len(groups) != n:
            raise InputError(f"{len(groups)} group labels for {n} events", "give one an event")
        found, group = np.unique(groups, return_inverse=True)
        members = len(found)
    place = np.empty(members, np.int64)
    place[np.random.default_rng(seed).permutation(members)] = np.arange(members)
    edges = np.round(np.cumsum(shares)[:-1] * members)
    part = np.searchsorted(edges, place, side="right")[group]
    return {name: np.flatnonzero(part == i) for i, name in enumerate(fractions)}
