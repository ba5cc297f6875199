"""One-dimensional Wasserstein-1 distances between distributions, with errors over events.

W1 is the area between the two cumulative distributions, in the unit of the observable. It is
exact (sorted values); only its error uses a histogram, because resampling events 200 times with
millions of hits need not be exact. Two samples of the same distribution differ by chance:
always read W1 beside the truth-against-truth floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import wasserstein_distance

from calovision.errors import InputError
from calovision.metrics.value import REPLICAS, Floats, Metric, event_weights, same_length

if TYPE_CHECKING:
    from calovision.events.events import Events

BINS = 256  #: equal-population bins of the histogram that gives the error


def w1(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    owner_a: NDArray[np.int64] | None = None,
    owner_b: NDArray[np.int64] | None = None,
    paired: bool = False,
    seed: int,
    unit: str = "",
    replicas: int = REPLICAS,
) -> Metric:
    """Wasserstein-1 distance of two samples of one observable.

    Args:
        a: ``(p,)`` values of the first sample.
        b: ``(q,)`` values of the second.
        owner_a: ``(p,)`` event of each value, where an event has several (hits); by default
            every value is an event.
        owner_b: the same of the second sample.
        paired: the two samples are the same events (originals and reconstructions), so the
            bootstrap draws the same events of both.
        seed: seed of the bootstrap.
        unit: unit of the observable.
        replicas: number of bootstrap replicas.

    Raises:
        InputError: a sample is empty or holds NaN, or paired samples differ in size.
    """
    for name, sample in (("first", a), ("second", b)):
        if not len(sample) or not np.isfinite(sample).all():
            raise InputError(f"the {name} sample is empty or not finite", "check the observable")
    if paired and owner_a is None and owner_b is None:
        same_length(a, b, what="paired samples")
    pooled = np.concatenate([a, b]).astype(np.float64)
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)))
    n_a, n_b = _events(a, owner_a), _events(b, owner_b)
    if paired:
        n_a = n_b = max(n_a, n_b)
    table_a = _event_table(a, owner_a, n_a, edges)
    table_b = _event_table(b, owner_b, n_b, edges)
    width = np.diff(edges)
    drawn_b = event_weights(n_b, seed, replicas, sample=0 if paired else 1)
    areas = []
    for weight_a, weight_b in zip(event_weights(n_a, seed, replicas), drawn_b, strict=True):
        gap = _cumulative(weight_a @ table_a) - _cumulative(weight_b @ table_b)
        areas.append(float(np.abs(gap[:-1]) @ width))
    value = float(wasserstein_distance(a, b))
    return Metric(value, float(np.nanstd(areas, ddof=1)), unit, higher_is_better=False)


def _events(values: NDArray[Any], owner: NDArray[np.int64] | None) -> int:
    """Number of events of a sample."""
    return len(values) if owner is None else int(owner.max()) + 1


def _event_table(
    values: NDArray[Any], owner: NDArray[np.int64] | None, n: int, edges: Floats
) -> csr_array:
    """``(n, k)`` number of values of every event nearest to each of the ``k`` edges."""
    nearest = np.searchsorted((edges[1:] + edges[:-1]) / 2, values)
    row = np.arange(n) if owner is None else owner
    return csr_array((np.ones(len(values)), (row, nearest)), shape=(n, len(edges)))


def _cumulative(histogram: Floats) -> Floats:
    """Cumulative distribution of a histogram."""
    with np.errstate(invalid="ignore"):  # a replica may draw no event with hits
        cumulative: Floats = np.cumsum(histogram) / histogram.sum()
    return cumulative


def w1_observables(
    a: Mapping[str, NDArray[Any]],
    b: Mapping[str, NDArray[Any]],
    *,
    units: Mapping[str, str],
    paired: bool = False,
    seed: int,
) -> dict[str, Metric]:
    """``w1_{observable}`` of every observable the two sets share.

    Args:
        a: name to ``(n,)`` values, as of :func:`calovision.metrics.observables.observables`.
        b: name to ``(m,)`` values.
        units: name to unit.
        paired: both are the same events.
        seed: seed of the bootstrap.
    """
    return {
        f"w1_{name}": w1(a[name], b[name], paired=paired, seed=seed, unit=units.get(name, ""))
        for name in a
        if name in b
    }


def w1_hits(true: Events, other: Events, *, paired: bool, seed: int) -> dict[str, Metric]:
    """W1 of hit energy and of the number of hits, per channel.

    A hit is a readout cell, so an HCAL tower counts once. A channel without hits on one side is
    compared with a single hit of 0 GeV there.

    Returns:
        ``w1_hit_energy_{channel}`` in GeV and ``w1_n_hit_{channel}`` in hits.
    """
    found = {}
    counts = true.counts(), other.counts()
    for c, name in enumerate(true.geometry.channel_names):
        values, owners = [], []
        for events in (true, other):
            mine = events.channel == c
            lit = bool(mine.any())
            values.append(events.energy[mine] if lit else np.zeros(1))
            owners.append(events.owner[mine] if lit else np.zeros(1, np.int64))
        options: dict[str, Any] = {"paired": paired, "seed": seed}
        found[f"w1_hit_energy_{name}"] = w1(
            *values, owner_a=owners[0], owner_b=owners[1], unit="GeV", **options
        )
        found[f"w1_n_hit_{name}"] = w1(counts[0][:, c], counts[1][:, c], unit="hits", **options)
    return found
