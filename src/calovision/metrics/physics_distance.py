"""FPD and KPD: how far apart two samples are in all observables together.

The Frechet physics distance compares means and covariances, the kernel physics distance all
moments up to the fourth; both as defined in arXiv:2211.10295 and by the package jetnet (0.2.5,
``jetnet.evaluation.fpd`` and ``kpd``), so that numbers can be set beside published ones. Every
observable is divided by the largest absolute value it has in the real sample. Both distances of
finite samples of one distribution lie above 0 by about 1 over the number of events: always read
them beside the truth-against-truth floor of samples as large.

All products of matrices are small: several threads would mostly wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from calovision.events.weighting import scaled
from calovision.metrics.bootstrap import (
    NO_WEIGHTS,
    Floats,
    Weights,
    checked_tables,
    event_weights,
)
from calovision.metrics.groups import GENERATED
from calovision.metrics.value import Definition, Metric
from calovision.utils import streams

BATCH_EVENTS = (20_000, 50_000)  #: smallest and largest batch of the extrapolation
POINTS = 10  #: batch sizes, at equal steps of 1/size
BATCHES = 20  #: batches of each size
KERNEL_BATCHES = 10
KERNEL_EVENTS = 5_000  #: events of a batch of KPD
KERNEL_POWER = 4
PERCENTILES = (16.275, 83.725)  #: what jetnet takes for one standard deviation
MIN_EVENTS = 50
REPLICAS = 50  #: an error from 50 replicas is itself known to 10 %
_BLOCK = 100  # rows of the kernel matrix held at a time: they fit into a processor's cache
DEFINITIONS = {
    "fpd": Definition(
        "Fréchet physics distance",
        "How far apart the means and covariances of all observables are, for infinitely many jets "
        "(FPD).",
        GENERATED,
        higher_is_better=False,
        good="The floor is what other simulated jets, as many, score; a few times that is good.",
        source="arXiv:2211.10295",
    ),
    "kpd": Definition(
        "kernel physics distance",
        "The same with all moments of the observables up to the fourth (KPD).",
        GENERATED,
        higher_is_better=False,
        ratio=False,
        good="Of equal distributions it scatters around 0.",
        source="arXiv:2211.10295",
    ),
}


def fpd(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    seed: int,
    weights: Weights = NO_WEIGHTS,
    rng: np.random.Generator | None = None,
) -> Metric:
    """Frechet physics distance, a pure number.

    ``|mu_1 - mu_2|^2 + Tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))`` of batches drawn with replacement,
    averaged and extrapolated to infinite batches by a line in 1/size with intercept and slope
    of at least 0. Batches have 20,000 to 50,000 events; if the smaller sample has ``n`` < 20,000
    events, 0.4 ``n`` to ``n``, which changes the error but hardly the value.

    Args:
        real: ``(n, k)`` observables of the true events.
        generated: ``(m, k)`` of the others.
        seed: seed of the batches.
        weights: of the events of either sample, not negative: their chances to be drawn.
        rng: draws the batches in place of the seed.

    Returns:
        The intercept and the error of the extrapolation alone, as jetnet has it; what another
        sample of events would change is :func:`fpd_spread`.

    Raises:
        InputError: fewer than 50 events, other numbers of observables, values not finite, or
            weights that mean nothing here.
    """
    from scipy.optimize import curve_fit

    rng = rng or streams.rng(streams.Stream.FPD, seed)
    (x, y), chances = _normalised(real, generated, weights)
    sizes = batch_sizes(min(len(x), len(y)))
    means = []
    with threadpool_limits(1):
        for size in sizes:
            drawn = [
                _frechet(*(_batch(z, size, rng, p) for z, p in zip((x, y), chances, strict=True)))
                for _ in range(BATCHES)
            ]
            means.append(np.mean(drawn))
    # Where the fit stops is part of published numbers: exact least squares give up to 1e-4 less.
    (intercept, _), covariance = curve_fit(_line, 1 / sizes, means, bounds=(0, np.inf))
    return DEFINITIONS["fpd"].measured(intercept, np.sqrt(covariance[0, 0]))


def fpd_spread(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    seed: int,
    replicas: int = REPLICAS,
    weights: Weights = NO_WEIGHTS,
) -> float:
    """Standard deviation of the Frechet distance over bootstrap replicas of both samples.

    Args:
        real: ``(n, k)`` observables of the true events.
        generated: ``(m, k)`` of the others.
        seed: seed of the bootstrap.
        replicas: number of replicas.
        weights: of the events of either sample, not negative.
    """
    (x, y), chances = _normalised(real, generated, weights)
    of_x, of_y = (None if p is None else p * len(p) for p in chances)
    drawn = zip(
        event_weights(len(x), seed, replicas, of_x),
        event_weights(len(y), seed, replicas, of_y, sample=1),
        strict=True,
    )
    with threadpool_limits(1):
        distances = [_frechet(_moments(x, v), _moments(y, w)) for v, w in drawn]
    return float(np.std(distances, ddof=1))


def kpd(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    seed: int,
    weights: Weights = NO_WEIGHTS,
    batches: Sequence[np.random.Generator] = (),
) -> Metric:
    """Kernel physics distance, a pure number.

    Squared maximum mean discrepancy (arXiv:0805.2368, the unbiased form) with the kernel
    ``(x . y / k + 1)^4`` of 10 batches of 5,000 events drawn with replacement, or of as many as
    the smaller sample has. It may come out below 0.

    Args:
        real: ``(n, k)`` observables of the true events.
        generated: ``(m, k)`` of the others.
        seed: seed of the batches.
        weights: of the events of either sample, not negative: their chances to be drawn.
        batches: draw one batch each, in place of the seed.

    Returns:
        The median of the batches, and half the distance between the percentiles of
        :data:`PERCENTILES` as error.

    Raises:
        InputError: as of :func:`fpd`.
    """
    batches = batches or [streams.rng(streams.Stream.KPD, seed, b) for b in range(KERNEL_BATCHES)]
    (x, y), chances = _normalised(real, generated, weights)
    size = min(KERNEL_EVENTS, len(x), len(y))
    values = []
    for rng in batches:
        a, b = (z[_drawn(len(z), size, rng, p)] for z, p in zip((x, y), chances, strict=True))
        with threadpool_limits(1):
            within = _kernel_sum(a, a) - _self_sum(a) + _kernel_sum(b, b) - _self_sum(b)
            values.append(within / (size * (size - 1)) - 2 * _kernel_sum(a, b) / size**2)
    low, high = np.percentile(values, PERCENTILES)
    return DEFINITIONS["kpd"].measured(float(np.median(values)), float(high - low) / 2)


def batch_sizes(events: int) -> NDArray[np.int64]:
    """``(POINTS,)`` sizes of the batches of :func:`fpd` where the smaller sample has ``events``."""
    low, high = BATCH_EVENTS
    if events < low:
        low, high = round(low / high * events), events
    return (1 / np.linspace(1 / low, 1 / high, POINTS)).astype(np.int64)


def _line(x: Floats, intercept: float, slope: float) -> Floats:
    return intercept + slope * x


class _Moments(NamedTuple):
    mean: Floats
    covariance: Floats


def _normalised(
    real: ArrayLike, generated: ArrayLike, weights: Weights
) -> tuple[tuple[Floats, Floats], Weights]:
    """Both samples over the largest absolute values of the real one, and their events' chances.

    Events of weight 0 are left out; equal chances are ``None``.
    """
    x, y = checked_tables(MIN_EVENTS, true=real, generated=generated)
    of_x, of_y = scaled(weights[0], len(x)), scaled(weights[1], len(y))
    (x, of_x), (y, of_y) = _possible(x, of_x), _possible(y, of_y)
    largest = np.abs(x).max(axis=0)
    largest[largest == 0] = 1
    return (x / largest, y / largest), (of_x, of_y)


def _possible(sample: Floats, weights: Floats | None) -> tuple[Floats, Floats | None]:
    """The events that can be drawn, and their chances."""
    if weights is None:
        return sample, None
    there = weights > 0
    return sample[there], weights[there] / weights.sum()


def _drawn(
    n: int, size: int, rng: np.random.Generator, chances: Floats | None
) -> NDArray[np.int64]:
    """Numbers of ``size`` of ``n`` events, drawn with replacement."""
    if chances is None:
        return rng.integers(0, n, size)
    return rng.choice(n, size, p=chances)


def _batch(sample: Floats, size: int, rng: np.random.Generator, chances: Floats | None) -> _Moments:
    """Moments of ``size`` events drawn with replacement; counting them saves copying them."""
    drawn = _drawn(len(sample), size, rng, chances)
    return _moments(sample, np.bincount(drawn, minlength=len(sample)))


def _moments(sample: Floats, weights: ArrayLike) -> _Moments:
    """Mean and covariance of a batch, given how often it holds each event."""
    weight = np.asarray(weights, np.float64)
    total = weight.sum()
    mean = weight @ sample / total
    centred = sample - mean
    return _Moments(mean, (centred * weight[:, None]).T @ centred / (total - 1))


def _frechet(a: _Moments, b: _Moments) -> float:
    """Squared Frechet distance of two Gaussians.

    The trace of ``(C_1 C_2)^(1/2)`` is taken from the symmetric ``C_1^(1/2) C_2 C_1^(1/2)``, which
    has the same eigenvalues and stays real where a covariance is singular (constant observables).
    """
    variance, axes = np.linalg.eigh(a.covariance)
    root = (axes * np.sqrt(np.maximum(variance, 0))) @ axes.T
    mixed = np.linalg.eigvalsh(root @ b.covariance @ root)
    overlap = np.sqrt(np.maximum(mixed, 0)).sum()
    shift = a.mean - b.mean
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return float(shift @ shift + traces - 2 * overlap)


def _kernel_sum(a: Floats, b: Floats) -> float:
    """Sum of the kernel over all pairs of an event of ``a`` and one of ``b``."""
    # a column of ones adds the 1 within the product
    one = np.ones((len(a), 1)), np.ones((len(b), 1))
    left, right = np.hstack([a / a.shape[1], one[0]]), np.hstack([b, one[1]]).T
    total = 0.0
    for start in range(0, len(a), _BLOCK):
        square = np.square(left[start : start + _BLOCK] @ right).ravel()
        total += float(square @ square)
    return total


def _self_sum(a: Floats) -> float:
    """Sum of the kernel of every event with itself."""
    return float(((np.square(a).sum(axis=1) / a.shape[1] + 1) ** KERNEL_POWER).sum())
