from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc

from calovision.errors import InputError
from calovision.metrics.classification import (
    accuracy,
    auc,
    auc_difference,
    auc_metric,
    classification_metrics,
    ece,
    rejection,
    roc_curve,
)


def sample(n=3000, seed=1, gap=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    probability = 1 / (1 + np.exp(-(gap * labels - gap / 2 + rng.normal(size=n))))
    return probability, labels


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=40).filter(
        lambda pairs: len({y for _, y in pairs}) == 2
    )
)
def test_auc_equals_scikit_learn_also_with_ties(pairs):
    scores, labels = np.array(pairs).T
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_roc_curve_passes_through_the_points_of_scikit_learn():
    scores, labels = sample(500)
    scores = np.round(scores, 2)
    ours = roc_curve(scores, labels)
    theirs = sklearn_roc(labels, scores, drop_intermediate=False)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b)
    assert np.trapezoid(ours[1], ours[0]) == pytest.approx(auc(scores, labels))


def test_accuracy_equals_scikit_learn():
    scores, labels = sample()
    assert accuracy(scores, labels) == pytest.approx(accuracy_score(labels, scores >= 0.5))


def test_rejection_by_hand():
    # signal .9 .8 .7 .6: half of it passes at .8, and then one of four background events
    scores = [0.9, 0.8, 0.7, 0.6, 0.85, 0.5, 0.4, 0.3]
    labels = [1, 1, 1, 1, 0, 0, 0, 0]
    assert rejection(scores, labels, 0.5) == 4
    assert rejection(scores, labels, 0.25) == 4  # none passes: the lower bound, not infinity
    assert rejection(scores, labels, 1.0) == 4


def test_rejection_agrees_with_the_curve():
    scores, labels = sample()
    false, true, _ = roc_curve(scores, labels)
    expected = 1 / false[np.searchsorted(true, 0.3 - 1e-9)]
    assert rejection(scores, labels, 0.3) == pytest.approx(expected)


def test_calibration_error_by_hand():
    assert ece([0.95] * 4 + [0.05] * 4, [1, 1, 1, 0, 0, 0, 0, 1]) == pytest.approx(0.2)
    assert ece([0.0, 1.0], [0, 1]) == 0


def test_calibrated_probabilities_have_a_small_error():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=100_000)
    assert ece(probability, rng.uniform(size=100_000) < probability) < 0.01


def test_errors_of_accuracy_and_auc_are_the_analytic_ones():
    scores, labels = sample(4000)
    found = classification_metrics(scores, labels, seed=1, replicas=600)
    a = found["accuracy"].value
    assert found["accuracy"].error == pytest.approx(math.sqrt(a * (1 - a) / 4000), rel=0.1)
    # Hanley and McNeil 1982
    q = found["auc"].value
    q1, q2 = q / (2 - q), 2 * q * q / (1 + q)
    n1 = labels.sum()
    n0 = len(labels) - n1
    variance = (q * (1 - q) + (n1 - 1) * (q1 - q * q) + (n0 - 1) * (q2 - q * q)) / (n0 * n1)
    assert found["auc"].error == pytest.approx(math.sqrt(variance), rel=0.12)


def test_all_metrics_under_their_keys():
    found = classification_metrics(*sample(400), seed=1, replicas=20)
    assert list(found) == ["auc", "accuracy", "rejection_30", "rejection_50", "ece"]
    assert [m.higher_is_better for m in found.values()] == [True, True, True, True, False]
    assert all(m.error > 0 for m in found.values())


def test_same_seed_same_error():
    assert auc_metric(*sample(200), seed=3) == auc_metric(*sample(200), seed=3)


def test_paired_difference_of_like_models_is_better_known_than_either():
    scores, labels = sample()
    other = scores + np.random.default_rng(4).normal(0, 0.01, len(scores))
    difference = auc_difference(scores, other, labels, seed=1)
    assert difference.value == pytest.approx(auc(scores, labels) - auc(other, labels))
    assert difference.error < 0.2 * auc_metric(scores, labels, seed=1).error


@pytest.mark.parametrize(
    ("scores", "labels", "complaint"),
    [
        ([0.1, 0.2], [0, 1, 1], "differ"),
        ([0.1, np.nan], [0, 1], "NaN"),
        ([0.1, 0.2], [1, 1], "both present"),
        ([0.1, 0.2], [1, 2], "0 and 1"),
        ([], [], "no events"),
    ],
)
def test_bad_input_is_refused(scores, labels, complaint):
    with pytest.raises(InputError, match=complaint):
        auc(scores, labels)


def test_efficiencies_and_probabilities_out_of_range_are_refused():
    with pytest.raises(InputError, match="efficiency"):
        rejection([0.1, 0.2], [0, 1], 30)
    with pytest.raises(InputError, match="probabilities"):
        ece([-3.0, 2.0], [0, 1])
