"""Which events of one set are most like those of another: what to draw beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from calovision.events.events import Events

CLASS = "label"
MOMENTA = ("pt", "gen_pt")  #: transverse momenta, the first of which that both sets know counts
ANOTHER_CLASS = 1e6  #: what an event of another class costs, GeV: more than any momentum


def most_like(first: Events, pool: Events) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """For each event another one of the same class and near in transverse momentum.

    No event is taken twice, and the sum of the differences is the least there can be.

    Args:
        first: ``n`` events.
        pool: ``m >= n`` events to choose from.

    Returns:
        ``(n,)`` places in the pool, and the columns that were compared; without any that both
        sets have, the first ``n`` places.
    """
    shared = first.columns.keys() & pool.columns.keys()
    momentum = next((name for name in MOMENTA if name in shared), None)
    compared = tuple(name for name in (CLASS, momentum) if name in shared)
    if not compared:
        return np.arange(len(first)), ()
    cost = np.zeros((len(first), len(pool)), np.float32)
    if CLASS in shared:
        cost += ANOTHER_CLASS * (first.columns[CLASS][:, None] != pool.columns[CLASS])
    if momentum is not None:
        one, other = (np.asarray(e.columns[momentum], np.float64) for e in (first, pool))
        # A momentum that is not finite is like none; the assignment takes finite costs only.
        known = np.isfinite(one)[:, None] & np.isfinite(other)
        apart = np.subtract(
            one[:, None], other, where=known, out=np.full(cost.shape, ANOTHER_CLASS)
        )
        cost += np.abs(apart)
    return linear_sum_assignment(cost)[1].astype(np.int64), tuple(map(str, compared))
