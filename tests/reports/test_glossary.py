from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from calovision.evaluation.compare import spectra
from calovision.evaluation.samples import draw
from calovision.features.observables import observables
from calovision.metrics.classification import classification_metrics
from calovision.metrics.emd import emd_metrics
from calovision.metrics.reconstruction import reconstruction_metrics
from calovision.reports.glossary import GROUPS, keys_of, meaning, split_key


def test_channels_are_split_off_names():
    assert split_key("emd_hcal") == ("emd", "hcal")
    assert split_key("emd") == ("emd", "")
    assert split_key("w1_n_track") == ("w1_n_track", "")


def test_labels():
    assert meaning("occupancy_f1_near_hcal").label == "HCAL: F1, within one pixel"
    assert meaning("psnr_blank").label == "PSNR of the blank image"
    assert meaning("never_heard_of").label == "never heard of"
    assert meaning("emd").title == "Energy-mover distance"


def test_every_metric_there_is_has_a_meaning(toy_jets):
    keys = set(reconstruction_metrics(toy_jets[:4], toy_jets[:4], seed=1, max_events=4))
    keys |= {f"w1_{name}" for name in observables(toy_jets[:4])}
    unknown = {k for k in keys if not meaning(k).text}
    assert not unknown


def test_groups_hold_their_metrics_in_order_and_none_twice():
    available = {
        "emd",
        "emd_ecal",
        "occupancy_f1_ecal",
        "occupancy_f1_near_ecal",
        "occupancy_f1_track",
        "psnr",
        "psnr_track",
    }
    found = {g.title: keys_of(g, available) for g in GROUPS}
    assert found["Which cells are lit"] == [
        "occupancy_f1_track",
        "occupancy_f1_ecal",
        "occupancy_f1_near_ecal",
    ]
    assert found["How far the energy is misplaced"] == ["emd", "emd_ecal"]
    every = [k for keys in found.values() for k in keys]
    assert len(every) == len(set(every))


def test_every_metric_of_a_tagger_is_explained_with_what_is_good():
    metrics = set(classification_metrics([0.2, 0.7], [0, 1], seed=1, replicas=2))
    metrics |= {"jets_per_s", "sculpting", "out_of_distribution", "occlusion", "spearman", "r2"}
    for key in metrics:
        found = meaning(key)
        assert found.text
        assert found.good
        assert found.good in found.explanation
    assert "arXiv:1706.04599" in meaning("ece").explanation


def metrics_of(content: object) -> dict[str, str]:
    """Key to unit of everything in a result that looks like a metric."""
    found = {}
    if isinstance(content, list):
        for part in content:
            found |= metrics_of(part)
    elif isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict) and {"value", "error", "unit"} <= value.keys():
                found[key] = value["unit"]
            found |= metrics_of(value)
    return found


#: beginnings of keys to the unit of what they measure; all others are pure numbers
UNITS = {
    "w1_hit_energy_": "GeV",
    "w1_sum_e_": "GeV",
    "w1_max_e_": "GeV",
    "w1_girth_": "rad",
    "w1_n_hit_": "hits",
    "w1_n_track": "tracks",
    "w1_mean_": "ns",
    "w1_spread_": "ns",
    "w1_hit_": "ns",
    "w1_ptd_": "",
    "w1_pt": "GeV",
    "w1_mass": "GeV",
    "w1_column_": "GeV",
    "emd": "GeV",
    "psnr": "dB",
    "cover": "deg",
    "clock": "deg",
    "rate_gap": "",
    "rate": "deg",
    "copied": "events",
}


def check(metrics: dict[str, str]) -> None:
    for key, unit in metrics.items():
        found = meaning(key)
        assert found.text, key
        assert found.label, key
        assert "_" not in found.label, key
        if key.endswith("_per_s"):
            assert unit.startswith(f"{key.removesuffix('_per_s')}/s")
            continue
        expected = next((u for start, u in UNITS.items() if key.startswith(start)), "")
        assert unit == expected, key


def test_every_metric_of_the_published_results_is_explained_and_has_its_unit():
    files = list((Path(__file__).parents[2] / "docs" / "results").glob("*.json"))
    metrics = [metrics_of(json.loads(f.read_text())) for f in files]
    assert sum(map(len, metrics)) > 200
    for found in metrics:
        check(found)


def test_every_metric_of_a_comparison_is_explained_and_has_its_unit(make_jets, make_crops):
    for make in (make_jets, make_crops):
        samples = draw(make(100, 1), make(100, 2), make(100, 3), 1)
        check({k: m.unit for k, m in spectra(samples, 1).items()})
    found = meaning("w1_spread_time")
    assert found.label == "time: W1 of the spread in time"


def test_every_metric_of_an_evaluation_is_explained_and_has_its_unit(toy_jets):
    events = toy_jets[:3]
    found = reconstruction_metrics(events, events, seed=1, max_events=3)
    found |= emd_metrics(np.ones((3, 3)), events.geometry.channel_names)
    check({k: m.unit for k, m in found.items()})
    check(dict.fromkeys(("classifier_auc", "classifier_auc_hits", "tagger_auc", "probe_auc"), ""))
    check({"out_of_distribution": "", "crops_per_s": "crops/s", "jets_per_s": "jets/s"})


def test_channels_digits_and_latent_sizes_of_ones_own_are_explained():
    assert meaning("w1_hit_energy_muon").label == "muon: W1 of hit energy"
    assert meaning("w1_hit_t2").label == "t2: W1 of hit times"
    assert meaning("psnr_mean_muon").label == "muon: PSNR of the mean image"
    assert meaning("occupancy_f1_near_muon").label == "muon: F1, within one pixel"
    assert meaning("cover_7_d3").label == "7, d = 3: angle covered"
    assert meaning("frame_cos_d8").label == "d = 8: four generators: largest |cos|"
    assert meaning("seen_half_turn").label == "told when turned by 180 degrees"
    assert split_key("psnr_mean") == ("psnr_mean", "")
