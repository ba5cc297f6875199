from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calovision.events import Events, save
from calovision.events.info import info


def test_summary_of_jets(toy_jets: Events, tmp_path: Path) -> None:
    content = json.loads(json.dumps(info(save(toy_jets, tmp_path / "s", provenance={"a": 1}))))
    assert content["events"] == 64
    assert content["provenance"] == {"a": 1}
    assert content["hits"] == int(toy_jets.n_hits.sum())
    gluon = toy_jets[toy_jets.label == 0]
    part = content["classes"]["gluon"]
    assert part["events"] == len(gluon)
    assert part["fraction"] == pytest.approx(len(gluon) / 64)
    pixels = (gluon.to_dense() > 0).sum(axis=(2, 3)).mean(axis=0)
    assert [part["pixels"][c]["mean"] for c in ("track", "ecal", "hcal")] == pytest.approx(pixels)
    assert part["hits"]["hcal"]["mean"] == pytest.approx(pixels[2] / 25)
    assert part["energy"]["ecal"]["mean"] == pytest.approx(gluon.sums()[:, 1].mean())
    assert part["pt"]["p50"] == pytest.approx(np.median(gluon.columns["pt"]))


def test_crops_with_one_class_and_no_spectra(toy_crops: Events, tmp_path: Path) -> None:
    photons = toy_crops[toy_crops.label == 0]
    content = info(save(photons, tmp_path / "s", provenance={}))
    assert content["classes"]["electron"] == {"events": 0}
    assert content["classes"]["photon"]["events"] == len(photons)
    assert "pt" not in content["classes"]["photon"]


def test_times_are_means_in_ns_and_other_labels_are_listed(
    toy_crops: Events, tmp_path: Path
) -> None:
    toy_crops = toy_crops[:]
    toy_crops.columns["label"] = (np.arange(64) % 3).astype(np.int8)
    content = info(save(toy_crops, tmp_path / "s", provenance={}))["classes"]
    assert content["label 2"]["events"] == 21
    assert content["all"]["energy"].keys() == {"energy"}
    times = [50 * c.value[c.channel == 1].mean() for c in (toy_crops[i] for i in range(64))]
    found = content["all"]["time"]["time"]
    assert found["mean"] == pytest.approx(np.mean(times), rel=1e-4, abs=1e-3)
    assert found["std"] == pytest.approx(np.std(times), rel=1e-4)
