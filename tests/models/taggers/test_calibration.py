from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from calovision.models.taggers.calibration import platt


@pytest.mark.parametrize(("slope", "offset"), [(0.4, -0.7), (2.5, 1.0)])
def test_a_distorted_logit_is_straightened(slope: float, offset: float) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, 40_000)
    labels = (rng.random(40_000) < expit(true)).astype(float)
    found = platt((true - offset) / slope, labels)
    assert found == pytest.approx((slope, offset), abs=0.05)


def test_order_is_never_turned_round() -> None:
    logits = np.linspace(-1, 1, 100)
    slope, _ = platt(logits, (logits < 0).astype(float))
    assert slope > 0


def test_one_class_leaves_logits_alone() -> None:
    assert platt(np.arange(5.0), np.ones(5)) == (1.0, 0.0)
