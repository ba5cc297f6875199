from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.evaluation.compare import compare, memory, spectra, tagger_auc_ratio
from calovision.evaluation.judges import JUDGES, QUICK
from calovision.evaluation.samples import draw
from calovision.events.events import Events, concatenate
from calovision.metrics.definitions import definition

Make = Callable[[int, int], Events]


def scaled(events: Events, factor: float) -> Events:
    return replace(events, value=(events.value * factor).astype(np.float32))


@pytest.fixture(scope="module")
def truth(make_jets: Make) -> Events:
    return make_jets(600, 11)


@pytest.fixture(scope="module")
def same(truth: Events, make_jets: Make) -> dict[str, Any]:
    return compare(truth, make_jets(300, 12), seed=1, judges=QUICK)


@pytest.fixture(scope="module")
def shifted(truth: Events, make_jets: Make) -> dict[str, Any]:
    return compare(truth, scaled(make_jets(300, 12), 1.3), seed=1, judges="trees")


def test_the_result_has_the_promised_form(same: dict[str, Any]) -> None:
    assert same["a"]["events"] == same["b"]["events"] == 300
    promised = {"fpd", "kpd", "classifier_auc_strictest", "tagger_auc_ratio"}
    promised |= {JUDGES[name].metric for name in QUICK}
    promised |= {"precision", "weight_spread", "events_worth_jointly", "w1_tau21", "p_sliced_ks"}
    assert same["judges"].keys() == set(QUICK)
    assert same["strictest"] in QUICK
    promised |= {"w1_n_hit_track", "w1_column_m0", "w1_column_pt", "w1_hit_energy_hcal", "w1_pt"}
    assert promised <= same["metrics"].keys()
    assert not {"memorised", "copied"} & same["metrics"].keys()
    assert same["classes"].keys() == {"gluon", "quark"}
    for metrics in (same["metrics"], *same["classes"].values()):
        assert {"w1_girth_ecal", "w1_hit_energy_track", "classifier_auc"} <= metrics.keys()
        for name, metric in metrics.items():
            assert set(metric) == {"value", "error", "unit", "floor", "higher_is_better"}
            assert metric["floor"] is not None, name
            assert metric["higher_is_better"] == definition(name).higher_is_better
    assert same["metrics"]["w1_column_m0"]["unit"] == "GeV"
    assert same["versions"]["numpy"]


def test_truth_against_truth_is_at_its_floor(same: dict[str, Any]) -> None:
    metrics = same["metrics"]
    assert abs(metrics["classifier_auc"]["value"] - 0.5) < 4 * metrics["classifier_auc"]["error"]
    assert metrics["fpd"]["value"] < 1.5 * metrics["fpd"]["floor"]
    assert abs(metrics["kpd"]["value"]) < 6 * metrics["kpd"]["error"]
    w1s = [
        m["value"] / m["floor"] for k, m in metrics.items() if k.startswith("w1_") and m["floor"]
    ]
    assert 0.5 < np.median(w1s) < 2


def test_a_shift_of_the_energies_is_seen_by_all(
    same: dict[str, Any], shifted: dict[str, Any]
) -> None:
    before, after = same["metrics"], shifted["metrics"]
    for name in ("fpd", "w1_sum_e_ecal", "w1_hit_energy_ecal", "w1_mass"):
        assert after[name]["value"] > 3 * after[name]["floor"], name
        assert after[name]["floor"] == before[name]["floor"], name
    assert after["kpd"]["value"] > 3 * after["kpd"]["error"]
    assert after["classifier_auc"]["value"] > 0.8
    assert after["w1_n_hit_ecal"] == before["w1_n_hit_ecal"]
    assert after["w1_column_pt"] == before["w1_column_pt"]
    assert shifted["classes"]["gluon"]["classifier_auc"]["value"] > 0.7


def test_equally_many_events_are_compared_whatever_the_sizes(
    truth: Events, make_jets: Make
) -> None:
    few, many = make_jets(250, 1), make_jets(700, 2)
    assert draw(truth, few, None, 1).size == 250
    assert draw(truth, many, None, 1).size == 300
    assert draw(truth, many, many, 1).size == 600
    assert draw(truth, many, few, 1).size == 250


def test_the_halves_of_the_truth_share_no_collision(truth: Events, make_jets: Make) -> None:
    samples = draw(truth, make_jets(600, 2), None, 1)
    first, _, second = (set(e.columns["event_id"].tolist()) for e in samples.events)
    assert not first & second


def test_a_sorted_set_is_mixed_before_it_is_cut(truth: Events) -> None:
    ordered = truth[np.argsort(truth.label, kind="stable")]
    samples = draw(truth, ordered, None, 1)
    assert 0.35 < samples.events[1].label.mean() < 0.65


def test_the_floor_of_a_third_set_is_the_distance_to_it(truth: Events, make_jets: Make) -> None:
    other = make_jets(600, 12)
    against_itself = spectra(draw(truth, other, other, 1), 1)
    for name, metric in against_itself.items():
        if name != "w1_hit_energy_track":  # the same events are drawn: both are one number
            assert metric.value == pytest.approx(metric.floor, abs=0.5 * metric.value), name
    doubled = spectra(draw(truth, other, scaled(other, 2), 1), 1)
    assert doubled["w1_sum_e_ecal"].floor > 10 * against_itself["w1_sum_e_ecal"].floor


def test_a_tagger_trained_on_wrong_labels_is_worse(make_jets: Make) -> None:
    truth, other = make_jets(1600, 3), make_jets(800, 4)
    good = tagger_auc_ratio(draw(truth, other, None, 1), 1)
    label = np.random.default_rng(1).permutation(other.label)
    mixed = replace(other, columns=other.columns | {"label": label})
    bad = tagger_auc_ratio(draw(truth, mixed, None, 1), 1)
    assert good.floor == 1
    assert abs(good.value - 1) < 5 * good.error + 0.02
    assert bad.value < good.value - 5 * bad.error
    assert 0 < good.error < 0.05


def test_memorised_and_copied_events_are_found(truth: Events, make_jets: Make) -> None:
    training = make_jets(500, 21)
    copy = concatenate([make_jets(200, 22), training[:100]])
    found = memory(draw(truth, copy, None, 1), training, 1)
    assert found["copied"].value == 100
    assert found["memorised"].value == pytest.approx(1 / 3, abs=0.05)
    fresh = memory(draw(truth, make_jets(300, 23), None, 1), training, 1)
    assert fresh["copied"].value == 0
    assert fresh["memorised"].value < 0.05


def test_training_events_of_another_kind_are_refused(truth: Events, make_jets: Make) -> None:
    samples = draw(truth, make_jets(300, 22), None, 1)
    bare = replace(truth, columns={})
    with pytest.raises(InputError, match="another kind"):
        memory(samples, bare, 1)


def test_crops_without_jets_are_compared_too(make_crops: Make) -> None:
    result = compare(make_crops(400, 1), make_crops(400, 2), seed=1, judges="trees")
    assert result["classes"].keys() == {"photon", "electron"}
    units = {k: m["unit"] for k, m in result["metrics"].items() if "time" in k}
    assert units == {
        "w1_n_hit_time": "hits",
        "w1_mean_time": "ns",
        "w1_spread_time": "ns",
        "w1_hit_time": "ns",
    }
    energies = {"sum_e", "max_e", "girth", "ptd", "core", "n_hit", "hit_energy"}
    assert {k for k in result["metrics"] if k.endswith("_energy")} == {
        f"w1_{k}_energy" for k in energies
    }
    assert not {"w1_pt", "w1_mass", "w1_profile_40"} & result["metrics"].keys()
    assert "w1_column_pt" not in result["metrics"]


def test_sets_without_labels_have_no_classes(truth: Events, make_jets: Make) -> None:
    bare = replace(make_jets(200, 5), columns={})
    result = compare(truth, bare, seed=1, judges="trees")
    assert result["classes"] == {}
    assert "tagger_auc_ratio" not in result["metrics"]
    assert "w1_column_m0" not in result["metrics"]


def test_what_cannot_be_compared_is_refused(
    truth: Events, make_jets: Make, make_crops: Make
) -> None:
    with pytest.raises(InputError, match="different images"):
        draw(truth, make_crops(200, 1), None, 1)
    with pytest.raises(InputError, match="only 99 events"):
        draw(truth, make_jets(99, 1), None, 1)
    with pytest.raises(InputError, match="only 90 events"):
        draw(truth[:180], make_jets(300, 1), None, 1)


def test_judges_are_asked_as_far_as_their_metrics_are(truth: Events, make_jets: Make) -> None:
    found = compare(truth, make_jets(200, 5), seed=1, only=["classifier_auc"], judges="trees")
    assert found["metrics"].keys() == {"classifier_auc"}
    assert found["judges"].keys() == {"trees"}
    nothing = compare(truth, make_jets(200, 5), seed=1, only=["w1_pt"])
    assert nothing["judges"] == {}
    assert nothing["strictest"] is None
    with pytest.raises(InputError, match="no judge 'x'"):
        compare(truth, truth, seed=1, judges="x")
