from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from calovision.metrics.response import half_width, response_metrics, responses


def test_response_by_hand(make_events):
    true = make_events([(1, 5, 5, 10.0)], [(1, 5, 5, 20.0)], [(0, 5, 5, 1.0)])
    rec = make_events([(1, 9, 9, 11.0)], [(1, 5, 5, 18.0)], [(1, 5, 5, 7.0)])
    track, ecal, hcal = responses(true, rec)
    assert track == pytest.approx([0.0])
    assert sorted(ecal) == pytest.approx([0.9, 1.1])  # the third has no true ECAL energy
    assert len(hcal) == 0
    found = response_metrics(true, rec, seed=1)
    assert found["response_ecal"].value == pytest.approx(1.0)
    assert found["resolution_ecal"].value == pytest.approx(0.1)
    assert "response_hcal" not in found


def test_perfect_reconstruction(toy_jets):
    found = response_metrics(toy_jets, toy_jets, seed=1)
    for channel in ("track", "ecal", "hcal"):
        assert found[f"response_{channel}"].value == 1
        assert found[f"resolution_{channel}"].value == 0
        assert found[f"resolution68_{channel}"].value == 0
        widths = (f"resolution_{channel}", f"resolution68_{channel}")
        assert not any(found[k].higher_is_better for k in widths)


def test_gaussian_response_and_its_errors(make_events):
    n = 2000
    ratio = norm(1.03, 0.05).ppf((np.arange(n) + 0.5) / n)
    true = make_events(*[[(1, 5, 5, 10.0)]] * n)
    rec = make_events(*[[(1, 5, 5, 10.0 * r)] for r in ratio])
    found = response_metrics(true, rec, seed=1)
    assert found["response_ecal"].value == pytest.approx(1.03, abs=1e-4)
    assert found["response_ecal"].error == pytest.approx(0.05 / np.sqrt(n), rel=0.15)
    assert found["resolution_ecal"].value == pytest.approx(0.05, rel=0.01)
    assert found["resolution_ecal"].error == pytest.approx(0.05 / np.sqrt(2 * n), rel=0.2)
    assert found["resolution68_ecal"].value == pytest.approx(0.05, rel=0.02)


def test_half_width_forgives_tails():
    bulk = np.linspace(-1, 1, 10_001)
    assert half_width(np.append(bulk, 1e6)) == pytest.approx(0.6827, abs=1e-3)
