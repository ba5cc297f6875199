from __future__ import annotations

import numpy as np
import pytest

from calovision.metrics.two_sample import trees
from calovision.metrics.verdict import Part, Verdict, log_odds


def test_log_odds_are_those_of_two_gaussians() -> None:
    """Of two normal distributions a distance d apart the log-odds are d (x - d / 2)."""
    rng, d = np.random.default_rng(1), 1.5
    a, b = rng.normal(size=(4000, 1)), rng.normal(d, size=(2000, 1))
    found = trees(a, b, paired=False, seed=1, folds=2)
    rows = np.concatenate([p.rows[0] for p in found.parts])
    assert sorted(rows) == list(range(4000))
    x = a[rows, 0]
    inner = np.abs(x - d / 2) < 1
    gap = found.log_odds[0][inner] - d * (x - d / 2)[inner]
    assert abs(gap.mean()) < 0.15  # though B has half as many events
    assert gap.std() < 0.5
    weights = np.exp(found.log_odds[0])
    assert weights.mean() == pytest.approx(1, abs=0.2)


def test_parts_are_not_mixed() -> None:
    """Scores of another classifier may lie elsewhere."""
    rows = np.arange(2), np.arange(2)
    one = Part(np.array([0.0, 1.0]), np.array([2.0, 3.0]), (None, None), rows)
    other = Part(np.array([10.0, 11.0]), np.array([12.0, 13.0]), (None, None), rows)
    found = Verdict((one, other), False, 1)
    assert found.auc.value == 1
    assert len(found.log_odds[0]) == 4
    assert found.weights == (None, None)
    weighted = Part(one.a, one.b, (np.array([1.0, 3.0]), None), rows)
    both = Verdict((weighted,), False, 1).weights
    np.testing.assert_allclose(both, [[0.5, 1.5], [1, 1]])


def test_log_odds_of_certainty_are_finite() -> None:
    assert np.isfinite(log_odds([0, 0.5, 1])).all()
    assert log_odds(0.5) == 0
