from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from calovision.events.geometry import (
    CRYSTAL_ETA,
    CRYSTAL_PHI,
    EGAMMA_CROPS,
    Channel,
    Geometry,
)
from calovision.features.observables import observable_matrix, observables

TRACK, ECAL, HCAL = range(3)


def test_observables_by_hand(make_events):
    # two equal ECAL hits 8 crystals apart in eta: the axis lies between them
    hits = [(ECAL, 58, 62, 10.0), (ECAL, 66, 62, 10.0), (TRACK, 62, 62, 3.0), (TRACK, 5, 5, 2.0)]
    found = {k: v[0] for k, v in observables(make_events(hits)).items()}
    assert found["n_hit_ecal"] == 2
    assert found["sum_e_ecal"] == pytest.approx(20)
    assert found["max_e_track"] == pytest.approx(3)
    assert found["girth_ecal"] == pytest.approx(4 * CRYSTAL_ETA, rel=1e-4)
    assert found["ptd_ecal"] == pytest.approx(np.sqrt(200) / 20)
    assert found["girth_track"] == pytest.approx(0, abs=1e-6)
    assert found["n_track"] == 1
    assert found["pt"] == pytest.approx(20)
    # massless hits: m^2 = 2 pt1 pt2 (cosh d_eta - cos d_phi)
    expected = np.sqrt(2 * 100 * (np.cosh(8 * CRYSTAL_ETA) - 1))
    assert found["mass"] == pytest.approx(expected, rel=1e-4)
    assert found["profile_10"] == 1
    assert found["n_hit_hcal"] == found["girth_hcal"] == found["ptd_hcal"] == 0


def test_energy_profile_counts_the_rings(make_events):
    away = round(0.3 / CRYSTAL_PHI)
    hits = [(ECAL, 62, 62, 90.0), (HCAL, 62, 62 + away, 5.0), (HCAL, 2, 2, 5.0)]
    found = {k: v[0] for k, v in observables(make_events(hits)).items()}
    assert found["profile_10"] == pytest.approx(0.9)
    assert found["profile_20"] == pytest.approx(0.9)
    assert found["profile_40"] == pytest.approx(0.95)


def test_events_without_hits_give_zeros(blank):
    assert all((v == 0).all() and len(v) == 64 for v in observables(blank).values())


def test_order_of_events_goes_through(toy_jets):
    order = np.random.default_rng(0).permutation(64)
    straight, shuffled = observables(toy_jets), observables(toy_jets[order])
    for name, value in straight.items():
        np.testing.assert_allclose(shuffled[name], value[order], atol=1e-9)


def test_ranges_and_consistency_with_the_store(toy_jets):
    found = observables(toy_jets)
    np.testing.assert_array_equal(found["n_hit_hcal"], toy_jets.counts()[:, 2])
    np.testing.assert_allclose(found["sum_e_ecal"], toy_jets.sums()[:, 1])
    dense = toy_jets.to_dense()
    np.testing.assert_allclose(found["max_e_ecal"], dense[:, 1].max(axis=(1, 2)), rtol=1e-5)
    for name in ("ptd_ecal", "core_track", "profile_20"):
        assert (found[name] >= 0).all()
        assert (found[name] <= 1 + 1e-9).all()
    assert (found["profile_10"] <= found["profile_40"]).all()
    assert (found["girth_hcal"] <= 0.4).all()


def test_the_matrix_has_the_observables_and_columns(toy_jets):
    table, names = observable_matrix(toy_jets, columns=("m0",))
    assert table.shape == (64, len(names))
    assert names[-1] == "column_m0"
    np.testing.assert_array_equal(table[:, -1], toy_jets.columns["m0"])


def test_times_of_crops_are_no_energies(toy_crops):
    found = observables(toy_crops)
    shapes = {f"{k}_energy" for k in ("sum_e", "max_e", "girth", "ptd", "core")}
    times = {"mean_time", "spread_time"}
    assert set(found) == {"n_hit_energy", "n_hit_time"} | shapes | times
    assert not {"pt", "mass", "n_track", "sum_e_time", "girth_time", "profile_10"} & set(found)
    for event in (0, 17):
        crop = toy_crops[event]
        time = 50.0 * crop.value[crop.channel == 1]
        assert found["mean_time"][event] == pytest.approx(time.mean(), abs=1e-4)
        assert found["spread_time"][event] == pytest.approx(time.std(), rel=1e-5)
        energy = crop.value[crop.channel == 0] * EGAMMA_CROPS.channels[0].gev_per_unit
        assert found["sum_e_energy"][event] == pytest.approx(energy.sum(), rel=1e-5)
        # The axis is the centre of the energy alone.
        cell = crop.cell[crop.channel == 0]
        eta, phi = EGAMMA_CROPS.eta(cell), EGAMMA_CROPS.phi(cell)
        centre = [np.average(x, weights=energy) for x in (eta, phi)]
        distance = np.hypot(eta - centre[0], phi - centre[1])
        girth = np.average(distance, weights=energy)
        assert found["girth_energy"][event] == pytest.approx(girth, rel=1e-4)
    assert (found["girth_energy"] < 0.4).all()


def test_other_times_change_no_observable_of_energies(toy_crops):
    late = replace(toy_crops, value=toy_crops.value + np.where(toy_crops.channel == 1, 2, 0))
    before, after = observables(toy_crops), observables(late)
    changed = {k for k in before if not np.array_equal(before[k], after[k])}
    assert "mean_time" in changed
    assert changed <= {"mean_time", "spread_time"}
    np.testing.assert_allclose(after["mean_time"] - before["mean_time"], 100, rtol=1e-4)
    np.testing.assert_allclose(after["spread_time"], before["spread_time"], rtol=1e-4, atol=1e-4)


def test_a_channel_says_its_unit_whatever_it_is_called():
    channels = (Channel("depth1"), Channel("clock", signed=True), Channel("z", signed=True))
    grid = Geometry("mine", 30, 30, channels, "crops")
    read = Geometry.from_dict(json.loads(json.dumps(grid.to_dict())))
    assert read == grid
    # As files were written before channels had units: what is signed is a time.
    old = grid.to_dict()
    assert [c.pop("unit", None) for c in old["channels"]] == [None, "GeV", "GeV"]
    assert [c.unit for c in Geometry.from_dict(old).channels] == ["GeV", "ns", "ns"]
    assert EGAMMA_CROPS.channels[1].unit == "ns"
    assert "unit" not in EGAMMA_CROPS.to_dict()["channels"][1]
