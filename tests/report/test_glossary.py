from __future__ import annotations

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
