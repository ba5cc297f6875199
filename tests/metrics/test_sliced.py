from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest, wasserstein_distance

from calovision.errors import InputError
from calovision.metrics import sliced
from calovision.metrics.sliced import sliced_distances, sliced_p_values


def normal(n: int, seed: int, shift: float = 0.0, k: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, k))


def test_of_one_observable_they_are_scipys() -> None:
    a, b = normal(300, 1, k=1), normal(200, 2, 0.4, k=1)
    found = sliced_distances(a, b, seed=1)
    spread = np.concatenate([a, b]).std()
    w1 = wasserstein_distance(a[:, 0], b[:, 0]) / spread
    assert found["sliced_w1"].value == pytest.approx(w1)
    assert found["sliced_ks"].value == pytest.approx(ks_2samp(a[:, 0], b[:, 0]).statistic)


def test_ties_count_together() -> None:
    a, b = np.round(normal(300, 1, k=1)), np.round(normal(300, 2, 0.5, k=1))
    found = sliced_distances(a, b, seed=1)["sliced_ks"].value
    assert found == pytest.approx(ks_2samp(a[:, 0], b[:, 0]).statistic)


def test_weights_are_repetitions() -> None:
    a, b = normal(150, 1), normal(150, 2, 0.3)
    weight = np.random.default_rng(1).integers(1, 4, 150)
    twice = np.repeat(a, 2, 0), np.repeat(b, 2, 0)
    plain = sliced_distances(a, b, seed=1)
    for key, metric in sliced_distances(*twice, seed=1).items():
        assert metric.value == pytest.approx(plain[key].value)
    weighted = sliced_distances(a[:, :1], b[:, :1], seed=1, weights=(weight.astype(float), None))
    expected = ks_2samp(np.repeat(a[:, 0], weight), b[:, 0]).statistic
    assert weighted["sliced_ks"].value == pytest.approx(expected)


def test_p_values_of_equal_samples_are_even_and_of_others_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sliced, "DIRECTIONS", 10)
    found = [
        sliced_p_values(normal(80, k), normal(60, 1000 + k), seed=k, permutations=49)
        for k in range(80)
    ]
    for key in ("p_sliced_w1", "p_sliced_ks"):
        p = [f[key].value for f in found]
        assert kstest(p, "uniform").pvalue > 0.01, key
    other = sliced_p_values(normal(300, 1), normal(300, 2, 0.5), seed=1, permutations=99)
    assert other["p_sliced_w1"].value == other["p_sliced_ks"].value == 0.01


def test_the_null_hypothesis_belongs_to_the_sizes_and_the_seed() -> None:
    a, b = normal(200, 1), normal(100, 2)
    assert sliced_p_values(a, b, seed=3) == sliced_p_values(a, b, seed=3)
    assert sliced_distances(a, b, seed=3) != sliced_distances(a, b, seed=4)


def test_what_is_constant_and_what_is_bad() -> None:
    a, b = normal(100, 1), normal(100, 2)
    constant = [np.column_stack([t, np.full(100, 3.0)]) for t in (a, b)]
    assert np.isfinite(sliced_distances(*constant, seed=1)["sliced_w1"].value)
    with pytest.raises(InputError, match="at least 50"):
        sliced_p_values(a[:20], b, seed=1)
    with pytest.raises(InputError, match="negative"):
        sliced_distances(a, b, seed=1, weights=(np.linspace(-1, 2, 100), None))
