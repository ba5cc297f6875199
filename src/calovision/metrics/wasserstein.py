"""One-dimensional Wasserstein-1 distances between distributions, with errors over events.

W1 is the area between the two cumulative distributions, in the unit of the observable. It is
exact (sorted values); only its error uses a histogram, because resampling events 200 times with
millions of hits need not be exact. Two samples of the same distribution differ by chance:
always read W1 beside the truth-against-truth floor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.weighting import scaled
from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    REPLICAS,
    Floats,
    Weights,
    check_finite,
    event_weights,
    same_length,
    summed,
)
from calovision.metrics.groups import DISTRIBUTIONS
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from calovision.events.events import Events
    from calovision.events.geometry import Channel

BINS = 256  #: equal-population bins of the histogram that gives the error
DISTANCE = Definition("W1", higher_is_better=False)  #: of an observable without unit
_SUBJETS = "N-subjettiness: energy-weighted mean distance, over 0.4 rad, of hits to the nearest of"
_SAME = "Distance of the distributions."
DEFINITIONS = {
    f"w1_{key}": Definition(
        f"W1 of {label}", text, DISTRIBUTIONS, unit=unit, higher_is_better=False
    )
    for key, label, unit, text in (
        ("hit[_CHANNEL]", "hit times", "ns", "Distance of the distributions of the times of hits."),
        ("mean[_CHANNEL]", "the mean time", "ns", "Mean over the hits of an event."),
        (
            "spread[_CHANNEL]",
            "the spread in time",
            "ns",
            "Standard deviation over the hits of an event.",
        ),
        ("hit_energy[_CHANNEL]", "hit energy", "GeV", "Distance of the hit energy spectra."),
        ("n_hit[_CHANNEL]", "the number of hits", "hits", _SAME),
        ("sum_e[_CHANNEL]", "summed energy", "GeV", _SAME),
        ("max_e[_CHANNEL]", "the largest hit", "GeV", _SAME),
        (
            "girth[_CHANNEL]",
            "girth",
            "rad",
            "Girth: energy-weighted mean distance to the axis.",
        ),
        ("ptd[_CHANNEL]", "pTD", "", "pTD: how few hits carry the energy."),
        ("core[_CHANNEL]", "the core share", "", "Share of the energy within 0.1 rad."),
        (
            "response",
            "the response",
            "",
            "Energy of a shower over that of its incident particle.",
        ),
        ("empty[_CHANNEL]", "the share of empty voxels", "", "Sparsity of a layer of a shower."),
        *(
            (f"{key}_{axis}[_CHANNEL]", f"the {word} in {where}", "mm", text)
            for axis, where in (("x", "x"), ("y", "y"), ("r", "radius"))
            for key, word, text in (
                ("centre", "centre", "Energy-weighted mean of the voxels of a layer."),
                ("width", "width", "Energy-weighted standard deviation of the voxels of a layer."),
            )
        ),
        ("mass", "image mass", "GeV", "Mass of the calorimeter hits."),
        ("pt", "image pT", "GeV", "Transverse momentum of the calorimeter hits."),
        ("n_track", "track multiplicity", "tracks", "Tracks within 0.4 rad of the axis."),
        ("column_m0", "jet mass m0", "GeV", _SAME),
        ("column_pt", "jet pT", "GeV", _SAME),
        ("tau1", "N-subjettiness tau1", "", f"{_SUBJETS} 1 axis."),
        ("tau2", "N-subjettiness tau2", "", f"{_SUBJETS} 2 axes."),
        ("tau3", "N-subjettiness tau3", "", f"{_SUBJETS} 3 axes."),
        ("tau21", "tau2 / tau1", "", "N-subjettiness: small where a jet has two prongs."),
        ("tau32", "tau3 / tau2", "", "N-subjettiness: small where a jet has three prongs."),
        (
            "eec[_CHANNEL]",
            "the energy correlator",
            "rad",
            "Two-point energy correlator (EEC): distances of pairs of hits, weighted with the "
            "product of their shares of the energy.",
        ),
        ("profile_10", "energy within 0.1 rad", "", "Radial profile."),
        ("profile_20", "energy within 0.2 rad", "", "Radial profile."),
        ("profile_40", "energy within 0.4 rad", "", "Radial profile."),
    )
}


def w1(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    owner_a: NDArray[np.int64] | None = None,
    owner_b: NDArray[np.int64] | None = None,
    paired: bool = False,
    seed: int,
    definition: Definition = DISTANCE,
    replicas: int = REPLICAS,
    weights: Weights = NO_WEIGHTS,
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
        definition: of the metric, with the unit of the observable.
        replicas: number of bootstrap replicas.
        weights: of the events of either sample, ``(n,)`` and ``(m,)``; they may be negative.

    Raises:
        InputError: a sample is empty or holds NaN, paired samples differ in size, or weights that
            mean nothing.
    """
    for name, sample in (("first", a), ("second", b)):
        if not len(sample):
            raise InputError(f"the {name} sample is empty", "check the observable")
        check_finite(sample, f"the {name} sample", owner_a if name == "first" else owner_b)
    if paired and owner_a is None and owner_b is None:
        same_length(a, b, what="paired samples")
    pooled = np.concatenate([a, b]).astype(np.float64)
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)))
    n_a, n_b = _events(a, owner_a), _events(b, owner_b)
    if paired:
        n_a = n_b = max(n_a, n_b)
    of_a, of_b = (None if w is None else scaled(w, len(w), signed=True) for w in weights)
    n_a, n_b = (n if w is None else len(w) for n, w in ((n_a, of_a), (n_b, of_b)))
    table_a = _event_table(a, owner_a, n_a, edges)
    table_b = _event_table(b, owner_b, n_b, edges)
    width = np.diff(edges)
    drawn_a = event_weights(n_a, seed, replicas, of_a)
    drawn_b = event_weights(n_b, seed, replicas, of_b, sample=0 if paired else 1)
    areas = []
    for weight_a, weight_b in zip(drawn_a, drawn_b, strict=True):
        gap = _cumulative(weight_a @ table_a) - _cumulative(weight_b @ table_b)
        areas.append(float(np.abs(gap[:-1]) @ width))
    value = distance(a, b, (of_hits(of_a, owner_a), of_hits(of_b, owner_b)))
    return definition.measured(value, float(np.nanstd(areas, ddof=1)))


def distance(a: NDArray[Any], b: NDArray[Any], weights: Weights = NO_WEIGHTS) -> float:
    """Area between the cumulative distributions of values ``(p,)`` and ``(q,)``.

    Weights are those of the values; a sample whose weights sum to 0 has no distribution: NaN.
    """
    from scipy.stats import wasserstein_distance

    if weights[0] is None and weights[1] is None:
        return float(wasserstein_distance(a, b))
    of_a, of_b = (np.ones(len(x)) if w is None else w for x, w in zip((a, b), weights, strict=True))
    if of_a.sum() <= 0 or of_b.sum() <= 0:
        return math.nan
    values = np.concatenate([a, b]).astype(np.float64)
    order = np.argsort(values, kind="stable")
    gap = np.cumsum(np.concatenate([of_a / of_a.sum(), -of_b / of_b.sum()])[order])
    return float(np.abs(gap[:-1]) @ np.diff(values[order]))


def w1_spectra(
    a: Floats,
    b: Floats,
    width: float,
    *,
    seed: int,
    definition: Definition = DISTANCE,
    replicas: int = REPLICAS,
    weights: Weights = NO_WEIGHTS,
) -> Metric:
    """Wasserstein-1 distance of spectra to which every event adds a histogram of its own.

    Args:
        a: ``(n, k)`` what the events of the first sample add to equal bins, not negative.
        b: ``(m, k)`` the same of the second sample.
        width: of a bin, in the unit of the observable; W1 is exact but for it.
        seed: seed of the bootstrap.
        definition: of the metric, with the unit of the observable.
        replicas: number of bootstrap replicas.
        weights: of the events of either sample; they may be negative.
    """
    of_a, of_b = (scaled(w, len(x), signed=True) for x, w in zip((a, b), weights, strict=True))
    drawn_a = event_weights(len(a), seed, replicas, of_a)
    drawn_b = event_weights(len(b), seed, replicas, of_b, sample=1)

    def area(v: Floats | None, w: Floats | None) -> float:
        gap = _cumulative(summed(a, v)) - _cumulative(summed(b, w))
        return float(np.abs(gap).sum() * width)

    areas = [area(v, w) for v, w in zip(drawn_a, drawn_b, strict=True)]
    return definition.measured(area(of_a, of_b), float(np.nanstd(areas, ddof=1)))


def of_hits(weights: Floats | None, owner: NDArray[np.int64] | None) -> Floats | None:
    """Weight of every hit, that of its event."""
    return weights if weights is None or owner is None else weights[owner]


def _events(values: NDArray[Any], owner: NDArray[np.int64] | None) -> int:
    """Number of events of a sample."""
    return len(values) if owner is None else int(owner.max()) + 1


def _event_table(
    values: NDArray[Any], owner: NDArray[np.int64] | None, n: int, edges: Floats
) -> csr_array:
    """``(n, k)`` number of values of every event nearest to each of the ``k`` edges."""
    from scipy.sparse import csr_array

    nearest = np.searchsorted((edges[1:] + edges[:-1]) / 2, values)
    row = np.arange(n) if owner is None else owner
    return csr_array((np.ones(len(values)), (row, nearest)), shape=(n, len(edges)))


def _cumulative(histogram: Floats) -> Floats:
    """Cumulative distribution of a histogram."""
    with np.errstate(invalid="ignore"):  # a replica may draw no event with hits
        cumulative: Floats = np.cumsum(histogram) / histogram.sum()
    return cumulative


def w1_hits(true: Events, other: Events, *, paired: bool, seed: int) -> dict[str, Metric]:
    """W1 of hit energy or time, and of the number of hits, per channel.

    A hit is a readout cell, so an HCAL tower counts once. A channel without hits on one side is
    compared with hits of 0 there. Events count by their column ``weight``; a reconstruction has
    that of its original.

    Returns:
        :func:`hit_key` in the unit of the channel and ``w1_n_hit_{channel}`` in hits.
    """
    found = {}
    counts = true.counts(), other.counts()
    first = weighting.of(true, signed=True)
    weights = first, (first if paired else weighting.of(other, signed=True))
    options: dict[str, Any] = {"paired": paired, "seed": seed, "weights": weights}
    for c, channel in enumerate(true.geometry.channels):
        (a, owner_a), (b, owner_b) = (hit_values(e, c) for e in (true, other))
        owners: dict[str, Any] = {"owner_a": owner_a, "owner_b": owner_b}
        of_hits, of_numbers = (
            DEFINITIONS[f"w1_{'hit' if channel.is_time else 'hit_energy'}[_CHANNEL]"],
            DEFINITIONS["w1_n_hit[_CHANNEL]"],
        )
        numbers = (n[:, c] for n in counts)
        found[hit_key(channel)] = w1(a, b, definition=of_hits, **owners, **options)
        found[f"w1_n_hit_{channel.name}"] = w1(*numbers, definition=of_numbers, **options)
    return found


def hit_key(channel: Channel) -> str:
    """Key of the distance of hits: ``w1_hit_energy_ecal``, or of times ``w1_hit_time``."""
    of_time = channel.is_time
    return f"w1_hit_{channel.name}" if of_time else f"w1_hit_energy_{channel.name}"


def hit_values(events: Events, channel: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Hits of a channel, GeV or ns, and their events; where there is none, one of 0 an event."""
    mine = events.channel == channel
    weights = events.columns.get(weighting.COLUMN)
    if not mine.any() or (weights is not None and not weights[events.owner[mine]].any()):
        return np.zeros(len(events), np.float32), np.arange(len(events))
    return events.measured[mine], events.owner[mine]
