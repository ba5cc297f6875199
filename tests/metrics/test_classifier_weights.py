from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.classifier_weights import DEFINITIONS, classifier_weights, weight_metrics


def scores(shift: float, n: int = 4000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two normal distributions; ``shift x - shift^2 / 2`` is the true log-odds of the second."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, n), rng.normal(shift, 1, n)


def test_weights_are_the_ratio_of_densities_whatever_the_scale_of_the_scores() -> None:
    a, b = scores(0.8)
    for scale in (1.0, 30.0):  # a classifier that is far too sure is put right
        true, judged = classifier_weights(scale * a, scale * b, seed=1)
        assert np.log(true) == pytest.approx(-0.8 * a + 0.32, abs=0.25)
        assert np.log(judged) == pytest.approx(-0.8 * b + 0.32, abs=0.35)
        assert judged.mean() == pytest.approx(1, abs=0.05)


def test_spread_tails_and_efficiency_of_known_densities() -> None:
    found = weight_metrics(*scores(0.8), seed=1)
    assert found.keys() == DEFINITIONS.keys()
    assert found["weight_spread"].value == pytest.approx(0.8, abs=0.05)
    # of weights exp(-0.8 x + 0.32) with x normal around 0.8: E[w]^2 / E[w^2] = exp(-0.64)
    assert found["weight_efficiency"].value == pytest.approx(np.exp(-0.64), abs=0.04)
    assert found["weight_calibration"].value < 0.03
    wide = weight_metrics(*scores(2.0), seed=1)
    from scipy.stats import norm

    beyond = (2.0 + np.log(10)) / 2.0  # x with weight 0.1
    assert wide["weight_low"].value == pytest.approx(norm.sf(beyond - 2), abs=0.03)
    assert wide["weight_high"].value == pytest.approx(norm.cdf((2.0 - np.log(10)) / 2.0), abs=0.03)


def test_equal_samples_need_no_weights() -> None:
    found = weight_metrics(*scores(0.0), seed=1)
    assert found["weight_spread"].value < 0.08
    assert found["weight_efficiency"].value > 0.99
    assert found["weight_low"].value == found["weight_high"].value == 0


def test_samples_without_overlap_stay_finite() -> None:
    found = weight_metrics(*scores(60.0, 200), seed=1)
    assert all(np.isfinite([m.value, m.error]).all() for m in found.values())
    assert found["weight_low"].value == found["weight_high"].value == 1
    constant = weight_metrics(np.zeros(100), np.zeros(100), seed=1)
    assert constant["weight_efficiency"].value == pytest.approx(1, abs=1e-3)


def test_event_weights_and_sizes_of_samples_balance() -> None:
    a, b = scores(0.8)
    more = np.concatenate([a, a])
    found, fewer = weight_metrics(more, b, seed=1), weight_metrics(a, b, seed=1)
    spread = fewer["weight_spread"]
    assert found["weight_spread"].value == pytest.approx(spread.value, abs=0.05)
    some = np.where(np.arange(4000) < 2000, 1.0, 0.0)
    half = weight_metrics(a, b, seed=1, weights=(None, some))
    assert half["weight_efficiency"].value == pytest.approx(
        fewer["weight_efficiency"].value, abs=0.05
    )


def test_bad_scores_are_refused() -> None:
    a, b = scores(0.0, 100)
    with pytest.raises(InputError, match="too few"):
        weight_metrics(a[:40], b, seed=1)
    with pytest.raises(InputError, match="not finite"):
        weight_metrics(a, np.append(b, np.inf), seed=1)
