from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from calovision.evaluation import whole
from calovision.evaluation.samples import Samples, draw
from calovision.events.events import Events
from calovision.metrics.two_sample import trees
from calovision.metrics.value import Metric
from calovision.metrics.verdict import Verdict

Make = Callable[[int, int], Events]


@pytest.fixture(scope="module")
def same(make_jets: Make) -> Samples:
    return draw(make_jets(400, 1), make_jets(200, 2), None, 1)


@pytest.fixture(scope="module")
def broken(make_jets: Make) -> Samples:
    """Jets whose tracks have lost half of their hits."""
    jets = make_jets(200, 2)
    keep = (jets.channel != 0) | (np.arange(len(jets.cell)) % 2 == 0)
    return draw(make_jets(400, 1), jets.keep(keep), None, 1)


def verdicts(samples: Samples) -> tuple[Verdict, Verdict]:
    """Of trees on observables: of B, and of more of the truth."""
    a, b, more = samples.tables
    return trees(a, b, paired=False, seed=1), trees(a, more, paired=False, seed=1)


def measured(samples: Samples) -> dict[str, Metric]:
    found = whole.substructure(samples, 1) | whole.coverage(samples)
    found |= whole.correlations(samples, 1) | whole.significance(samples, 1)
    found |= whole.worth(samples, 1)
    return found | whole.of_scores(*verdicts(samples), 1)


@pytest.fixture(scope="module")
def of_same(same: Samples) -> dict[str, Metric]:
    return measured(same)


@pytest.fixture(scope="module")
def of_broken(broken: Samples) -> dict[str, Metric]:
    return measured(broken)


def test_everything_has_value_error_and_floor(of_same: dict[str, Metric]) -> None:
    assert {
        *("w1_tau1", "w1_tau2", "w1_tau3", "w1_tau21", "w1_tau32", "w1_eec", "w1_eec_track"),
        *("precision", "recall", "density", "coverage", "correlation_rms", "correlation_max"),
        *("sliced_w1", "sliced_ks", "p_sliced_w1", "p_sliced_ks", "events_worth"),
        *("weight_spread", "weight_low", "weight_high", "weight_efficiency"),
        *("weight_calibration", "events_worth_jointly"),
    } == of_same.keys()
    for name, metric in of_same.items():
        assert np.isfinite([metric.value, metric.error]).all(), name
        assert metric.floor is not None, name
        assert np.isfinite(metric.floor), name


def test_equal_samples_are_near_their_floor(of_same: dict[str, Metric]) -> None:
    for name in ("precision", "recall", "coverage"):
        metric = of_same[name]
        assert metric.value == pytest.approx(metric.floor, abs=0.12), name
    for name in ("w1_tau21", "w1_eec", "sliced_w1", "correlation_rms"):
        assert of_same[name].value < 3 * (of_same[name].floor or 0), name
    assert of_same["p_sliced_w1"].value > 0.005
    assert of_same["weight_efficiency"].value > 0.7


def test_what_is_broken_is_seen(of_same: dict[str, Metric], of_broken: dict[str, Metric]) -> None:
    assert of_broken["p_sliced_w1"].value == 0.005
    assert of_broken["p_sliced_ks"].value == 0.005
    for name in ("precision", "coverage", "weight_efficiency", "events_worth_jointly"):
        assert of_broken[name].value < 0.8 * of_same[name].value, name
    for name in ("sliced_w1", "sliced_ks", "weight_spread", "weight_low"):
        assert of_broken[name].value > 1.5 * of_same[name].value, name
    for name in ("w1_tau21", "w1_eec"):  # calorimeters are as they were
        assert of_broken[name] == of_same[name], name


def test_energy_moved_outwards_is_seen_by_the_correlator(make_jets: Make) -> None:
    truth, jets = make_jets(400, 1), make_jets(200, 2)
    radius = jets.geometry.radius(jets.cell)
    value = (jets.value * (1 + 4 * radius)).astype(np.float32)
    found = whole.substructure(draw(truth, replace(jets, value=value), None, 1), 1)
    before = whole.substructure(draw(truth, jets, None, 1), 1)
    for name in ("w1_eec", "w1_eec_track", "w1_tau1"):
        assert found[name].value > 3 * before[name].value, name
        assert found[name].floor == before[name].floor


def test_crops_have_no_subjets(make_crops: Make) -> None:
    samples = draw(make_crops(400, 1), make_crops(200, 2), None, 1)
    assert whole.substructure(samples, 1) == {}
    assert whole.coverage(samples)["coverage"].value > 0.8


def test_the_histogram_of_weights_holds_all_events(broken: Samples) -> None:
    histogram = whole.histogram(verdicts(broken)[0], 1)
    edges = np.array(histogram["edges"])
    assert len(edges) == len(histogram["made"]) + 1 == len(histogram["truth"]) + 1
    middle = (edges[1:] + edges[:-1]) / 2
    for name, sign in (("made", -1), ("truth", 1)):
        assert sum(histogram[name]) == pytest.approx(1)
        assert sign * (middle @ histogram[name]) > 0.1


def test_substructure_is_known_by_its_names() -> None:
    assert whole.is_substructure("w1_tau21")
    assert whole.is_substructure("w1_eec_track")
    assert not whole.is_substructure("w1_tracks")
