"""Does a tagger cut on the mass in disguise, and is it as good at every momentum?

A tagger that has learned the jet mass leaves a background whose mass spectrum looks like the
signal's, which spoils searches for a peak over it (arXiv:1603.00027).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.metrics.bootstrap import REPLICAS, Floats, bootstrap, same_length
from calovision.metrics.classification import auc_metric, check
from calovision.metrics.groups import CLASSIFICATION
from calovision.metrics.value import Definition, Metric
from calovision.utils import streams

EFFICIENCY = 0.5  #: share of the quark jets that the cut keeps
SPECTRUM_BINS = 20  #: bins of the mass, each with as many of all gluon jets
RANDOM_CUTS = 50  #: random cuts whose mean is the floor
DEFINITIONS = {
    "sculpting": Definition(
        "mass sculpting",
        "Does the cut change the mass spectrum of gluon jets? Jensen-Shannon divergence, in bits, "
        "between their spectrum after a cut that keeps half of the quark jets and before it.",
        CLASSIFICATION,
        unit="bit",
        higher_is_better=False,
        good="0 is no change and 1 the largest possible; a cut at random gives the value beside "
        "it, because fewer jets scatter more. A tagger far above that selects by mass, and a "
        "bump it leaves in a spectrum is not yet a particle.",
        source="arXiv:1603.00027, arXiv:2001.05310",
    )
}


def threshold(scores: ArrayLike, labels: ArrayLike, efficiency: float = EFFICIENCY) -> float:
    """Highest score at which at least ``efficiency`` of class 1 passes (``score >= threshold``).

    Args:
        scores: ``(n,)`` larger for class 1.
        labels: ``(n,)`` 0 or 1.
        efficiency: share of class 1 to keep, in (0, 1].

    Raises:
        InputError: scores and labels that do not fit, or an efficiency out of range.
    """
    score, label = check(scores, labels)
    if not 0 < efficiency <= 1:
        raise InputError(f"signal efficiency {efficiency} is not in (0, 1]", "use 0.5")
    signal = np.sort(score[label == 1])[::-1]
    return float(signal[int(np.ceil(efficiency * len(signal) * (1 - 1e-12))) - 1])


def sculpting(
    scores: ArrayLike,
    labels: ArrayLike,
    mass: ArrayLike,
    *,
    seed: int,
    efficiency: float = EFFICIENCY,
    replicas: int = REPLICAS,
) -> Metric:
    """Change of the gluon jets' mass spectrum by a cut on the score.

    Jensen-Shannon divergence, to base 2, between the mass spectrum of the gluon jets that pass
    and that of all gluon jets, in bins with equally many of the latter (as in arXiv:2001.05310).
    It is 0 if the cut does not see the mass. A cut at random gives more than 0 because few jets
    are left; the mean of such cuts, which keep equally many, is the floor.

    Args:
        scores: ``(n,)`` larger for quark jets (label 1).
        labels: ``(n,)`` gluon 0, quark 1.
        mass: ``(n,)`` jet mass, GeV.
        seed: seed of the bootstrap and of the random cuts.
        efficiency: share of the quark jets that the cut keeps.
        replicas: number of bootstrap replicas.

    Returns:
        The divergence in bits, in [0, 1], with its floor; lower is better. The error is a
        bootstrap over gluon jets at the given cut.

    Raises:
        InputError: arrays that do not fit, or a mass that is not finite.
    """
    score, label = check(scores, labels)
    gluon = label == 0
    masses = np.asarray(mass, np.float64)
    same_length(score, masses, what="scores and masses")
    if not np.isfinite(masses).all():
        raise InputError("masses contain NaN or infinity", "check the mass column")
    passes = (score >= threshold(score, label, efficiency))[gluon]
    edges = np.unique(np.quantile(masses[gluon], np.linspace(0, 1, SPECTRUM_BINS + 1)))
    index = np.clip(np.searchsorted(edges, masses[gluon], side="right") - 1, 0, len(edges) - 2)

    def divergence(weights: Floats, chosen: NDArray[np.bool_] = passes) -> float:
        kept, all_jets = (np.bincount(index, w, SPECTRUM_BINS) for w in (weights * chosen, weights))
        return jensen_shannon(kept, all_jets)

    ones = np.ones(len(passes))
    rng = streams.rng(streams.Stream.SCULPTING, seed)
    floor = np.mean([divergence(ones, rng.permutation(passes)) for _ in range(RANDOM_CUTS)])
    error = float(bootstrap(divergence, len(passes), seed, replicas))
    return DEFINITIONS["sculpting"].measured(divergence(ones), error, float(floor))


def jensen_shannon(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Jensen-Shannon divergence of two histograms ``(k,)``, to base 2: 0 equal, 1 disjoint."""
    from scipy.spatial.distance import jensenshannon

    if not (a.sum() > 0 and b.sum() > 0):
        return float("nan")
    return float(jensenshannon(a, b, 2) ** 2)


def auc_in_bins(
    scores: ArrayLike,
    labels: ArrayLike,
    values: ArrayLike,
    edges: Sequence[float],
    seed: int,
) -> list[tuple[float, float, Metric]]:
    """AUC in bins of another quantity, such as the transverse momentum.

    Args:
        scores: ``(n,)`` larger for class 1.
        labels: ``(n,)`` 0 or 1.
        values: ``(n,)`` the quantity, in the unit of the edges.
        edges: ``k + 1`` ascending edges; the last bin includes its upper edge.
        seed: seed of the bootstrap.

    Returns:
        Lower edge, upper edge and AUC of every bin in which both classes are found.

    Raises:
        InputError: arrays of different length, or edges that do not ascend.
    """
    score, label = check(scores, labels)
    value = np.asarray(values, np.float64)
    same_length(score, value, what="scores and values")
    if len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise InputError(f"bin edges {list(edges)} do not ascend", "give ascending edges")
    found = []
    for low, high in pairwise(edges):
        upper = value <= high if high == edges[-1] else value < high
        inside = (value >= low) & upper
        if len(np.unique(label[inside])) == 2:
            metric = auc_metric(score[inside], label[inside], seed=seed)
            found.append((float(low), float(high), metric))
    return found
