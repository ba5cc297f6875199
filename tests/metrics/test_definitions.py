"""Every metric that anything emits has its definition, with the unit and direction it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.evaluation.compare import STEPS, compare, known_metric
from calovision.evaluation.evaluate import measure, truth_floor
from calovision.events.events import Events
from calovision.metrics.classification import classification_metrics
from calovision.metrics.definitions import (
    DEFINITIONS,
    definition,
    grouped,
    is_defined,
    observable,
)
from calovision.metrics.groups import WHOLE
from calovision.metrics.symmetry import Followed, clock_error, follow_metrics, named

STUDIES = Path(__file__).parents[2] / "docs" / "results"


def metrics_of(content: object) -> dict[str, dict[str, Any]]:
    """Everything in a result that looks like a metric, by its key."""
    found = {}
    if isinstance(content, list):
        for part in content:
            found |= metrics_of(part)
    elif isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict) and {"value", "error", "unit"} <= value.keys():
                found[key] = value
            found |= metrics_of(value)
    return found


def check(metrics: dict[str, dict[str, Any]]) -> None:
    """Each is defined, and has the unit and the direction of its definition."""
    for key, entry in metrics.items():
        assert is_defined(key), key
        found = definition(key)
        assert found.text, key
        assert "_" not in found.label, key
        assert entry["unit"].removesuffix(" on one core") == found.unit, key
        assert entry["higher_is_better"] == found.higher_is_better, key


def test_every_metric_of_the_stored_studies_is_defined() -> None:
    files = list(STUDIES.glob("*.json"))
    contents = [json.loads(f.read_text()) for f in files]
    for content in contents:
        content.pop("steps", None)  # there, "auc" is that of trees which tell two samples apart
    metrics = [metrics_of(content) for content in contents]
    assert sum(map(len, metrics)) > 200
    for found in metrics:
        check(found)


@pytest.mark.parametrize("kind", ["jets", "crops"])
def test_every_metric_of_a_comparison_is_defined(
    make_jets: Callable[..., Events], make_crops: Callable[..., Events], kind: str
) -> None:
    make = make_jets if kind == "jets" else make_crops
    samples = [make(120, seed) for seed in (1, 2, 3, 4)]
    found = compare(
        *samples[:2], floor=samples[2], training=samples[3], seed=1, judges="trees,patterns"
    )
    names = {k for k in found["metrics"] if not k.startswith("w1_")}
    assert names == {
        "fpd",
        "kpd",
        "classifier_auc_strictest",
        "classifier_auc",
        "classifier_auc_patterns",
        "memorised",
        "copied",
        *(key for key, about in DEFINITIONS.items() if about.group is WHOLE),
    } | ({"tagger_auc_ratio"} if found["classes"] else set())
    check(metrics_of({k: found[k] for k in ("metrics", "classes")}))
    assert all(map(known_metric, found["metrics"]))
    assert {step for step, gives in STEPS.items() if any(map(gives, DEFINITIONS))} == set(STEPS)


def test_every_metric_of_a_reconstruction_is_defined(toy_jets: Events) -> None:
    latent = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)
    found, _ = measure(toy_jets, toy_jets, latent, 1, truth_floor(toy_jets, 1), 4)
    for channel in ("track", "ecal", "hcal"):
        for key in ("occupancy_f1", "response", "resolution", "w1_hit_energy", "emd"):
            assert f"{key}_{channel}" in found
    assert {"psnr", "ssim", "psnr_blank", "ssim_mean", "probe_auc", "tagger_auc"} <= set(found)
    check({k: m.to_dict() for k, m in found.items()})


def test_every_metric_of_a_flow_is_defined() -> None:
    times = np.linspace(0, 10, 21)
    images = np.random.default_rng(0).uniform(size=(2, 72, 784))
    turned = Followed(times, images[:, :21], images, images, np.ones((2, 21)), 360)
    found = follow_metrics(turned) | {"clock": clock_error(turned, 10.0)}
    check({k: m.to_dict() for k, m in named(found, 7, 3).items()})


def test_every_metric_of_a_tagger_is_explained_with_what_is_good() -> None:
    found = classification_metrics([0.2, 0.7], [0, 1], seed=1, replicas=2)
    check({k: m.to_dict() for k, m in found.items()})
    others = ("jets_per_s", "crops_per_s", "sculpting", "out_of_distribution", "occlusion")
    for key in (*found, *others, "spearman", "r2", "importance"):
        about = definition(key)
        assert about.good
        assert about.good in about.explanation
    assert "arXiv:1706.04599" in definition("ece").explanation


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("occupancy_f1_near_hcal", "HCAL: F1, within one pixel"),
        ("occupancy_f1_near_muon", "muon: F1, within one pixel"),
        ("emd", "energy-mover distance"),
        ("psnr_blank", "PSNR of the blank image"),
        ("psnr_mean_muon", "muon: PSNR of the mean image"),
        ("w1_n_track", "W1 of track multiplicity"),
        ("w1_spread_time", "time: W1 of the spread in time"),
        ("w1_hit_energy_muon", "muon: W1 of hit energy"),
        ("w1_hit_t2", "t2: W1 of hit times"),
        ("cover_7_d3", "7, d = 3: angle covered"),
        ("frame_cos_d8", "d = 8: four generators: largest |cos|"),
        ("seen_half_turn", "AUC, moved or not: turned by 180 degrees"),
        ("r2", "R²"),
        ("r2_1_d5", "1, d = 5: evenness of the turning"),
        ("never_heard_of", "never heard of"),
    ],
)
def test_labels_name_channels_digits_and_latent_dimensions(key: str, label: str) -> None:
    assert definition(key).label == label


def test_of_an_unknown_metric_its_entry_tells_unit_and_direction() -> None:
    found = definition("mine", {"value": 1.0, "unit": "GeV", "higher_is_better": False})
    assert (found.label, found.unit, found.arrow, found.text) == ("mine", "GeV", "↓", "")
    assert definition("emd", {"unit": "m"}).unit == "GeV"


def test_observables_have_labels_and_units() -> None:
    assert observable("sum_e_ecal") == ("ECAL summed energy", "GeV")
    assert observable("n_hit_muon") == ("muon number of hits", "")
    assert observable("of_ones_own") == ("of ones own", "")


def test_groups_hold_their_metrics_in_order_and_none_twice() -> None:
    keys = [
        "occupancy_f1_track",
        "occupancy_f1_near_ecal",
        "occupancy_f1_ecal",
        "occupancy_recall_near_ecal",
        "occupancy_f1_muon",
        "emd",
        "emd_ecal",
        "psnr",
        "psnr_track",
        "cover_1_d2",
        "trivial_d5",
        "cover_2_d5",
        "cover_1_d5",
        "complete_1_d5",
        "never_heard_of",
        "out_of_distribution",
    ]
    found = {g.title if g else "other": of for g, of in grouped(keys).items()}
    assert found == {
        "How well digits are turned": [
            "cover_1_d5",
            "complete_1_d5",
            "cover_2_d5",
            "trivial_d5",
            "cover_1_d2",
        ],
        "Which cells are lit": [
            "occupancy_f1_track",
            "occupancy_f1_ecal",
            "occupancy_f1_muon",
            "occupancy_f1_near_ecal",
        ],
        "How far the energy is misplaced": ["emd", "emd_ecal"],
        "Pixel-wise scores, and why not to trust them": ["psnr"],
        "other": ["out_of_distribution", "never_heard_of"],
    }
