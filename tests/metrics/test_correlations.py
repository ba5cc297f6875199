from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.correlations import correlation_matrix, correlation_metrics


def sample(n: int, seed: int, correlation: float = 0.6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    covariance = [[1, correlation, 0], [correlation, 1, 0], [0, 0, 4]]
    return rng.multivariate_normal([5, 0, 1], covariance, n)


def test_the_matrix_is_numpys() -> None:
    table = sample(500, 1)
    assert correlation_matrix(table) == pytest.approx(np.corrcoef(table.T))
    weight = np.random.default_rng(2).integers(1, 5, 500)
    assert correlation_matrix(table, weight.astype(float)) == pytest.approx(
        np.corrcoef(np.repeat(table, weight, 0).T)
    )


def test_a_correlation_that_is_lost_is_found() -> None:
    real, same = sample(3000, 1), sample(3000, 2)
    rng = np.random.default_rng(3)
    mixed = np.column_stack([same[:, 0], rng.permutation(same[:, 1]), same[:, 2]])
    found, floor = correlation_metrics(real, mixed, seed=1), correlation_metrics(real, same, seed=1)
    assert found["correlation_max"].value == pytest.approx(0.6, abs=0.05)
    assert found["correlation_rms"].value == pytest.approx(0.6 / np.sqrt(3), abs=0.03)
    assert floor["correlation_rms"].value < 0.05
    assert abs(found["correlation_max"].value - 0.6) < 4 * found["correlation_max"].error


def test_the_error_is_the_scatter_of_other_samples() -> None:
    pairs = [(sample(400, k), sample(400, 100 + k, 0.2)) for k in range(30)]
    found = [correlation_metrics(*pair, seed=1)["correlation_rms"] for pair in pairs]
    scatter = np.std([m.value for m in found], ddof=1)
    assert np.mean([m.error for m in found]) == pytest.approx(scatter, rel=0.4)


def test_constant_observables_are_left_out() -> None:
    real, other = sample(200, 1), sample(200, 2)
    more = [np.column_stack([t, np.full(200, 0.1)]) for t in (real, other)]
    found = correlation_metrics(real, other, seed=1)
    for key, metric in correlation_metrics(*more, seed=1).items():
        assert metric.value == pytest.approx(found[key].value)
    constant = np.full((200, 2), 0.3)
    assert correlation_metrics(constant, constant, seed=1)["correlation_max"].value == 0
    with pytest.raises(InputError, match="same observables"):
        correlation_metrics(real, other[:, :2], seed=1)
