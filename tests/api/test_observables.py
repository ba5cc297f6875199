"""Observables of the front door: the numbers of the definitions, with units and classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.api import observables as module


def one_tower(energy: float) -> cv.Events:
    """Two jets: one with a single ECAL hit in the middle, one with two hits in a row of eta."""
    images = np.zeros((2, 3, 125, 125), np.float32)
    images[0, 1, 62, 62] = energy
    images[1, 1, 62, 60] = images[1, 1, 62, 64] = energy
    return cv.from_images(images, label=np.array([0, 1]))


def test_observables_of_jets_are_those_of_a_calculation_by_hand() -> None:
    found = cv.observables(one_tower(7.0))
    assert found["n_hit_ecal"].tolist() == [1, 2]
    np.testing.assert_allclose(found["sum_e_ecal"], [7.0, 14.0], rtol=1e-6)
    apart = 2 * 2 * np.pi / 360  # rad, from the axis in the middle of the two hits
    np.testing.assert_allclose(found["girth_ecal"], [0.0, apart], atol=1e-6)
    np.testing.assert_allclose(found["ptd_ecal"], [1.0, np.sqrt(0.5)], rtol=1e-6)
    assert (found.units["sum_e_ecal"], found.units["girth_ecal"]) == ("GeV", "rad")
    assert found.units["ptd_ecal"] == ""
    header = ("observable", "unit", "gluon", "quark")
    assert found.table().header == header
    assert ("n_hit_ecal", "hits", "1", "2") in list(found.table())
    with pytest.raises(KeyError, match="there are n_hit_track"):
        _ = found["nothing"]


def test_a_shower_has_its_shapes_with_units() -> None:
    images = np.zeros((1, 2, 32, 32), np.float32)
    images[0, 0, 16, 16], images[0, 0, 16, 17], images[0, 0, 16, 25] = 6.0, 2.0, 2.0
    found = cv.observables(cv.from_images(images, cv.EGAMMA_CROPS))
    np.testing.assert_allclose(found["R9"], [0.8], rtol=1e-6)
    np.testing.assert_allclose(found["E1/E25"], [0.75], rtol=1e-6)
    np.testing.assert_allclose(found["E25"], [8.0], rtol=1e-6)
    assert (found.units["E25"], found.units["phi width"], found.units["R9"]) == ("GeV", "rad", "")
    assert found.table().header == ("observable", "unit", "all")
    assert "E25" in repr(found)
    assert found._repr_html_().count("<tr>") == len(found) + 1


def test_every_shape_in_energy_scales_with_the_energy(toy_crops: cv.Events) -> None:
    harder = cv.Events(
        toy_crops.geometry,
        toy_crops.offsets,
        toy_crops.cell,
        toy_crops.code,
        np.where(toy_crops.channel == 0, 2 * toy_crops.value, toy_crops.value),
        toy_crops.columns,
    )
    soft, hard = cv.observables(toy_crops), cv.observables(harder)
    in_gev = [name for name in soft if np.allclose(hard[name], 2 * soft[name], rtol=1e-4)]
    assert [name for name, unit in soft.units.items() if unit == "GeV"] == in_gev


def test_a_set_on_disk_gives_the_same_in_portions(
    toy_jets: cv.Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, whole = cv.save(toy_jets, tmp_path / "jets"), cv.observables(toy_jets)
    monkeypatch.setattr(module, "CHUNK", 10)
    parts = cv.observables(store)
    assert list(parts) == list(whole)
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-12)
    assert len(cv.observables(toy_jets[:0])["pt"]) == 0
