from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from calovision.errors import InputError
from calovision.metrics.temperature import temperature
from calovision.models.taggers.calibration import platt


def drawn(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    p = rng.beta(0.7, 0.7, n)
    return p, (rng.random(n) < p).astype(int)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_log_odds_that_are_too_large_by_a_factor_give_it(factor: float) -> None:
    p, label = drawn()
    found = temperature(expit(factor * logit(p)), label, seed=1)
    assert found.value is not None
    assert found.error is not None
    assert abs(found.value - factor) < 4 * found.error < 0.3 * factor


def test_it_is_platts_scaling_without_an_offset_and_takes_weights() -> None:
    p, label = drawn(2000)
    p, label = np.concatenate([p, 1 - p]), np.concatenate([label, 1 - label])  # no offset is best
    slope, offset = platt(logit(p), label.astype(float))
    assert offset == pytest.approx(0, abs=1e-3)
    found = temperature(p, label, seed=1).value
    assert found == pytest.approx(1 / slope, rel=1e-3)
    w = np.random.default_rng(2).integers(0, 3, len(p))
    twice = temperature(np.repeat(p, w), np.repeat(label, w), seed=1).value
    assert temperature(p, label, seed=1, weights=w).value == pytest.approx(twice, rel=1e-3)


def test_probabilities_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError):
        temperature([0.1, 0.2], [0, 1, 1], seed=1)
