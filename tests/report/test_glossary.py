from __future__ import annotations

from calovision.metrics.classification import classification_metrics
from calovision.metrics.observables import observables
from calovision.metrics.reconstruction import reconstruction_metrics
from calovision.report.glossary import GROUPS, keys_of, meaning, split_key


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
