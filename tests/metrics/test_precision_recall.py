from __future__ import annotations

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.metrics.precision_recall import precision_recall

#: of the package prdc 0.2, compute_prdc(real / real.std(0), fake / real.std(0), nearest_k=5)
PRDC = {"precision": 142 / 150, "recall": 0.985, "density": 0.812, "coverage": 0.8}


def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(200, 4)), rng.normal(size=(150, 4)) * 1.1 + 0.3


def test_the_values_are_those_of_prdc() -> None:
    found = precision_recall(*samples())
    assert {k: m.value for k, m in found.items()} == pytest.approx(PRDC)
    assert found["recall"].error == pytest.approx(np.sqrt(0.985 * 0.015 / 199), rel=1e-6)


def test_units_of_observables_do_not_matter() -> None:
    real, other = samples()
    unit = np.array([1e-3, 1.0, 10.0, 1e5])
    found = precision_recall(real * unit, other * unit)
    assert {k: m.value for k, m in found.items()} == pytest.approx(PRDC)


def test_what_is_missing_and_what_should_not_be() -> None:
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.normal(0, 1, (300, 3)), rng.normal(20, 1, (300, 3))])
    half = precision_recall(real, rng.normal(0, 1, (600, 3)))
    assert half["precision"].value > 0.9
    assert half["recall"].value == pytest.approx(0.5, abs=0.05)
    assert half["coverage"].value == pytest.approx(0.5, abs=0.05)
    wrong = np.concatenate([rng.normal(0, 1, (300, 3)), rng.normal(-20, 1, (300, 3))])
    assert precision_recall(real, wrong)["precision"].value == pytest.approx(0.5, abs=0.05)


def test_events_without_weight_are_not_there() -> None:
    rng = np.random.default_rng(4)
    real, other = rng.normal(size=(240, 3)), rng.normal(0.4, 1, (200, 3))
    weights = tuple((np.arange(len(t)) % 2 == 0).astype(float) for t in (real, other))
    weighted = precision_recall(real, other, weights=(weights[0], weights[1]))
    few = precision_recall(real[::2], other[::2])
    for key, metric in few.items():
        assert weighted[key].value == pytest.approx(metric.value), key
    assert precision_recall(real, other, weights=(np.full(240, 7.0), None)) == precision_recall(
        real, other
    )


def test_weights_move_the_samples() -> None:
    """Events of two places, weighted as if they had been made as often as in the truth."""
    rng = np.random.default_rng(5)
    place = [rng.random(600) < share for share in (0.5, 0.1)]
    real, other = (rng.normal(size=(600, 2)) + 20.0 * p[:, None] for p in place)
    weight = np.where(place[1], 0.5 / 0.1, 0.5 / 0.9)
    plain = precision_recall(real, other)["density"].value
    weighted = precision_recall(real, other, weights=(None, weight))["density"].value
    assert abs(weighted - 1) < abs(plain - 1) + 0.1
    assert weighted == pytest.approx(1, abs=0.2)


def test_bad_tables_are_refused() -> None:
    real, other = samples()
    with pytest.raises(InputError, match="at least 50"):
        precision_recall(real[:49], other)
    with pytest.raises(InputError, match="NaN"):
        precision_recall(np.where(real > 2, np.nan, real), other)
