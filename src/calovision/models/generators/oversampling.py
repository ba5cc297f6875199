"""How many independent events several detector draws of one collision are worth.

Jets that share a collision are alike. Of ``N`` jets, ``k`` of each collision, an observable whose
values share a part ``rho`` of their variance within a collision has the mean of
``N / (1 + (k - 1) rho)`` independent jets (the design effect of cluster sampling; for collisions:
arXiv:2402.13684).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events

COLUMN = "event_id"  #: per-event column: events of equal number share a collision


def shared_variance(values: NDArray[np.floating], group: NDArray[np.int64]) -> float:
    """Part of the variance of ``(n,)`` values that is between groups, by analysis of variance."""
    _, number, sizes = np.unique(group, return_inverse=True, return_counts=True)
    n, groups = len(values), len(sizes)
    if groups < 2 or n == groups:
        return 0.0
    means = np.bincount(number, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - means[number]) ** 2).sum()) / (n - groups)
    size = (n - (sizes**2).sum() / n) / (groups - 1)
    return float(np.clip((between - within) / max(between + (size - 1) * within, 1e-12), 0.0, 1.0))


def effective_events(events: Events, per_collision: int) -> tuple[float, str]:
    """The smallest number of independent events that these are worth, and by which observable.

    Args:
        events: with the column :data:`COLUMN`.
        per_collision: of them; parts of a larger set tell of the same.
    """
    names, counts, sums = events.geometry.channel_names, events.counts(), events.sums()
    looked: dict[str, NDArray[Any]]
    looked = {f"hits of {name}": counts[:, c] for c, name in enumerate(names)}
    looked |= {f"energy of {name}": sums[:, c] for c, name in enumerate(names)}
    looked |= {k: events.columns[k] for k in ("pt", "m0") if k in events.columns}
    shared = {
        name: shared_variance(np.asarray(values, np.float64), events.columns[COLUMN])
        for name, values in looked.items()
    }
    most = max(shared, key=shared.__getitem__)
    return len(events) / (1 + (per_collision - 1) * shared[most]), most
