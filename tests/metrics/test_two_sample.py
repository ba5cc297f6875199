from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.classification import auc
from calovision.metrics.two_sample import classifier_auc, probe_auc, tagger_auc
from calovision.metrics.verdict import two_sample_auc


def gaussian(n, seed, shift=0.0, k=3):
    x = np.random.default_rng(seed).normal(size=(n, k))
    x[:, 0] += shift
    return x


def test_the_same_distribution_cannot_be_told_apart():
    metric = classifier_auc(gaussian(1500, 1), gaussian(1500, 2), paired=False, seed=1)
    assert abs(metric.value - 0.5) < 4 * metric.error
    assert metric.floor == 0.5
    assert not metric.higher_is_better


def test_a_shift_is_found_as_far_as_theory_allows():
    metric = classifier_auc(gaussian(3000, 1), gaussian(3000, 2, shift=1), paired=False, seed=1)
    best = 0.760  # Phi(1 / sqrt 2)
    assert metric.value == pytest.approx(best, abs=0.03)
    # bootstrap within folds against Hanley-McNeil for 3000 + 3000 events
    assert metric.error == pytest.approx(0.0062, rel=0.25)


def test_paired_copies_score_one_half():
    x = gaussian(800, 1)
    assert classifier_auc(x, x.copy(), paired=True, seed=1).value == pytest.approx(0.5)


def test_pairs_split_over_folds_would_mislead():
    """Why originals and reconstructions share a fold: memory of one predicts the other."""
    x = gaussian(600, 1)
    paired = classifier_auc(x, x.copy(), paired=True, seed=1)
    apart = classifier_auc(x, x.copy(), paired=False, seed=1)
    assert apart.value < paired.value - 0.05


def test_pairing_lowers_the_error_of_like_samples():
    scores = np.random.default_rng(0).normal(size=500)
    both = np.concatenate([scores, scores + 0.01])
    paired = two_sample_auc(both, (500, 500), paired=True, seed=1)
    apart = two_sample_auc(both, (500, 500), paired=False, seed=1)
    assert paired.value == apart.value
    assert paired.error < 0.3 * apart.error


def test_the_same_seed_gives_the_same_number():
    samples = gaussian(200, 1), gaussian(200, 2)
    first = classifier_auc(*samples, paired=False, seed=4)
    assert first == classifier_auc(*samples, paired=False, seed=4)


def test_tagger_finds_the_signal():
    labels = np.arange(2000) % 2
    x = gaussian(2000, 3)
    x[:, 1] += labels
    metric = tagger_auc(x[:1000], labels[:1000], x[1000:], labels[1000:], seed=1)
    assert metric.value == pytest.approx(0.74, abs=0.04)


def test_probe_reaches_the_best_line_and_not_more():
    labels = np.arange(3000) % 2
    linear, ring = gaussian(3000, 5, k=8), gaussian(3000, 6, k=8)
    linear[:, 4] += labels
    ring *= 1 + labels[:, None]  # classes differ in spread only: no line separates them
    for latent, expected in ((linear, 0.76), (ring, 0.5)):
        thirds = [(latent[i::3], labels[i::3]) for i in range(3)]
        metric = probe_auc(*thirds, seed=1)
        assert metric.value == pytest.approx(expected, abs=0.05)


def test_probe_ignores_the_scale_of_a_dimension():
    labels = np.arange(900) % 2
    x = gaussian(900, 5)
    x[:, 0] += labels
    stretched = x * [1e4, 1, 1e-3] + [5, 0, 7]
    results = [
        probe_auc(*[(z[i::3], labels[i::3]) for i in range(3)], seed=1).value
        for z in (x, stretched)
    ]
    assert results[0] == pytest.approx(results[1], abs=1e-3)
    assert results[0] == pytest.approx(auc(x[2::3, 0], labels[2::3]), abs=0.05)


def test_bad_samples_are_refused():
    with pytest.raises(InputError, match="differ"):
        classifier_auc(np.ones((100, 2)), np.ones((99, 2)), paired=True, seed=1)
    with pytest.raises(InputError, match="too few"):
        classifier_auc(np.ones((10, 2)), np.ones((99, 2)), paired=False, seed=1)
    with pytest.raises(InputError, match="0 and 1"):
        probe_auc(*[(np.ones((4, 2)), [1, 2, 1, 2])] * 3, seed=1)
