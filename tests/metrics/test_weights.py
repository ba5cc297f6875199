"""Weighted metrics are those of repeated events, whatever the unit of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.metrics.bootstrap import mean_metric, paired_difference
from calovision.metrics.classification import (
    auc_difference,
    auc_metric,
    classification_metrics,
    roc_curve,
)
from calovision.metrics.emd import emd_metrics
from calovision.metrics.image_quality import image_quality
from calovision.metrics.memorisation import memorised
from calovision.metrics.occupancy import occupancy_difference, occupancy_metrics
from calovision.metrics.physics_distance import fpd, fpd_spread, kpd
from calovision.metrics.response import response_metrics
from calovision.metrics.two_sample import classifier_auc, probe_auc, tagger_auc
from calovision.metrics.value import Metric
from calovision.metrics.verdict import two_sample_auc
from calovision.metrics.wasserstein import w1, w1_hits

Weights = NDArray[Any] | None
Found = Mapping[str, Metric]
N = 400
RNG = np.random.default_rng(1)
LABEL = RNG.integers(0, 2, N)
SCORE = np.clip(0.5 + 0.2 * (LABEL - 0.5) + 0.2 * RNG.normal(size=N), 0, 1)
OTHER = np.clip(SCORE + 0.1 * RNG.normal(size=N), 0, 1)
COUNT = RNG.integers(0, 4, N)
TABLE = RNG.normal(size=(N, 3)) + 0.5 * LABEL[:, None]
OWNER = np.repeat(np.arange(N), 3)


def arrays(rows: NDArray[Any], weights: Weights) -> dict[str, Metric]:
    """Metrics of arrays whose values are those of repeated events exactly."""
    score, other, label = SCORE[rows], OTHER[rows], LABEL[rows]
    options: dict[str, Any] = {"seed": 1, "weights": weights}
    hits = np.repeat(score, 3) + np.tile([0.0, 0.1, 0.4], len(rows))
    of_hits = {"owner_a": np.repeat(np.arange(len(rows)), 3), "paired": False}
    distances = np.stack([score, other], 1)
    found = classification_metrics(score, label, **options)
    found["difference"] = auc_difference(score, other, label, **options)
    found["mean"] = mean_metric(score, weights=weights)
    found["paired"] = paired_difference(score, other, **options)
    found["w1"] = w1(score, TABLE[:, 0], seed=1, weights=(weights, None))
    found["w1_hits"] = w1(hits, TABLE[:, 0], seed=1, weights=(weights, None), **of_hits)
    found["two_samples"] = two_sample_auc(
        np.concatenate([score, OTHER]),
        (len(rows), N),
        paired=False,
        seed=1,
        weights=(weights, None),
    )
    return found | emd_metrics(distances, ("a", "b"), weights)


def test_values_are_those_of_repeated_events() -> None:
    one, many = arrays(np.arange(N), COUNT), arrays(np.repeat(np.arange(N), COUNT), None)
    for name, metric in many.items():
        assert one[name].value == pytest.approx(metric.value, rel=1e-9, abs=1e-12), name
    # Repeating events is no more information: the error is larger than that of as many others.
    for name, metric in one.items():
        assert many[name].error < metric.error, name


def test_weights_of_1_are_the_same_as_none_to_the_bit() -> None:
    plain = arrays(np.arange(N), None)
    for weights in (np.ones(N), np.full(N, 0.1), np.full(N, 7)):
        assert arrays(np.arange(N), weights) == plain


def test_the_unit_of_weights_does_not_matter() -> None:
    one, other = arrays(np.arange(N), COUNT), arrays(np.arange(N), 3e-5 * COUNT)
    for name, metric in one.items():
        assert other[name].value == pytest.approx(metric.value, rel=1e-9), name
        assert other[name].error == pytest.approx(metric.error, rel=1e-6), name


def test_errors_are_the_scatter_of_other_weighted_events() -> None:
    rng = np.random.default_rng(5)
    weights = rng.exponential(size=3 * N) ** 2

    def drawn(replicas: int) -> dict[str, Metric]:
        rows, weight = rng.choice(N, N), rng.choice(weights, N)
        options: dict[str, Any] = {"seed": 1, "replicas": replicas, "weights": weight}
        found = classification_metrics(SCORE[rows], LABEL[rows], **options)
        found["mean"] = mean_metric(SCORE[rows], weights=weight)
        found["paired"] = paired_difference(SCORE[rows], OTHER[rows], **options)
        options["weights"] = weight, None
        found["w1"] = w1(SCORE[rows], np.zeros(N), **options)
        return found

    found, others = drawn(200), [drawn(2) for _ in range(60)]
    for name in ("auc", "accuracy", "mean", "paired", "w1"):
        scatter = np.std([m[name].value for m in others], ddof=1)
        assert found[name].error == pytest.approx(scatter, rel=0.35), name
        unweighted = scatter / np.sqrt(np.mean(weights**2)) * np.mean(weights)
        assert found[name].error > 1.3 * unweighted, name


def test_negative_weights_cancel_events() -> None:
    """An event of weight 1 and its copy of weight -1 are no event at all."""
    score = np.concatenate([SCORE, SCORE[:50]])
    label = np.concatenate([LABEL, LABEL[:50]])
    weights = np.concatenate([np.ones(N), np.full(50, -1.0)])
    found = classification_metrics(score, label, seed=1, weights=weights)
    plain = classification_metrics(SCORE[50:], LABEL[50:], seed=1)
    for name, metric in plain.items():
        assert found[name].value == pytest.approx(metric.value), name
        assert found[name].error > metric.error, name
    curve = roc_curve(score, label, weights)
    assert np.trapezoid(curve[1], curve[0]) == pytest.approx(plain["auc"].value)
    distance = w1(score, TABLE[:, 0], seed=1, weights=(weights, None)).value
    assert distance == pytest.approx(w1(SCORE[50:], TABLE[:, 0], seed=1).value)


def test_a_weighted_auc_is_that_of_scikit_learn() -> None:
    expected = roc_auc_score(LABEL, SCORE, sample_weight=COUNT)
    assert auc_metric(SCORE, LABEL, seed=1, weights=COUNT).value == pytest.approx(expected)


def test_a_class_without_weight_is_refused() -> None:
    with pytest.raises(InputError, match="class 0 do not sum to more than 0"):
        auc_metric(SCORE, LABEL, seed=1, weights=LABEL)


def of_jets(true: Events, rec: Events) -> dict[str, Metric]:
    found = occupancy_metrics(true, rec, seed=1) | response_metrics(true, rec, seed=1)
    found |= occupancy_difference(true, rec, true, seed=1) | w1_hits(true, rec, paired=True, seed=1)
    return found | image_quality(true, rec, seed=1)


def test_reconstruction_metrics_are_those_of_repeated_events(
    toy_jets: Events, smeared: Events
) -> None:
    true, rec = toy_jets[:7], smeared[:7]
    count = np.random.default_rng(3).integers(0, 3, 7)
    rows = np.repeat(np.arange(7), count)
    one = replace(true, columns=true.columns | {"weight": 0.2 * count})
    ones = replace(true, columns=true.columns | {"weight": np.full(7, 0.2)})
    found, many, plain = of_jets(one, rec), of_jets(true[rows], rec[rows]), of_jets(true, rec)
    assert of_jets(ones, rec) == plain
    assert found.keys() == many.keys()
    for name, metric in many.items():
        assert found[name].value == pytest.approx(metric.value, rel=1e-5, abs=1e-12), name
    differing = [k for k, m in plain.items() if m.value not in (found[k].value, 0, 1)]
    assert len(differing) > 30


def two_samples(rows: NDArray[Any], weights: Weights) -> dict[str, Metric]:
    real, made = TABLE, TABLE[rows] * 1.1 + 0.2
    options: dict[str, Any] = {"seed": 1, "weights": (None, weights)}
    spread = fpd_spread(real, made, **options)
    return {
        "fpd": replace(fpd(real, made, **options), error=spread),
        "kpd": kpd(real, made, **options),
        "trees": classifier_auc(real, made, paired=False, folds=2, **options),
        "memorised": memorised(
            made, TABLE[:200], TABLE[200:], seed=1, quantile=0.5, weights=(weights, None)
        ),
        "tagger": tagger_auc(
            TABLE[rows], LABEL[rows], TABLE, LABEL, seed=1, weights=(weights, None)
        ),
        "probe": probe_auc(
            (TABLE[rows], LABEL[rows]),
            (TABLE, LABEL),
            (TABLE, LABEL),
            seed=1,
            weights=(weights, None, None),
        ),
    }


def test_distances_of_samples_are_those_of_repeated_events_within_errors() -> None:
    # Heavy where the second number is large, so that unweighted events would be far off.
    weight = 3 * (TABLE[:, 1] > 0.6) + (TABLE[:, 2] > 0)
    found = two_samples(np.arange(N), 0.01 * weight)
    many = two_samples(np.repeat(np.arange(N), weight), None)
    plain = two_samples(np.arange(N), None)
    assert two_samples(np.arange(N), np.ones(N)) == plain
    for name in ("fpd", "kpd", "trees"):
        near = abs(found[name].value - many[name].value)
        assert near < 0.4 * abs(plain[name].value - many[name].value) + many[name].error, name
        assert abs(plain[name].value - many[name].value) > 2 * plain[name].error, name
    for name, near in (("tagger", 0.1), ("probe", 0.02), ("memorised", 0.02)):
        assert found[name].value == pytest.approx(many[name].value, abs=near), name


def test_distances_of_samples_refuse_negative_weights() -> None:
    weights = np.ones(N)
    weights[[3, 5]] = -1
    for metric in (fpd, kpd, fpd_spread):
        with pytest.raises(InputError, match="2 event weights are negative, the first is -1 of"):
            metric(TABLE, TABLE, seed=1, weights=(None, weights))
