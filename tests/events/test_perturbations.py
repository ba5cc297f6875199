from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES, Channel, Geometry
from calovision.events.perturbations import scaled, without_cells


def same(a: Events, b: Events) -> bool:
    parts = ("offsets", "cell", "code", "value")
    return all(np.array_equal(getattr(a, p), getattr(b, p)) for p in parts)


def test_the_scale_moves_calorimeters_only(toy_jets):
    moved = scaled(toy_jets, 1.03)
    np.testing.assert_allclose(
        moved.sums() / toy_jets.sums(), np.tile([1, 1.03, 1.03], (64, 1)), rtol=1e-5
    )
    np.testing.assert_array_equal(moved.counts(), toy_jets.counts())
    assert moved.value.dtype == toy_jets.value.dtype
    np.testing.assert_array_equal(moved.columns["pt"], toy_jets.columns["pt"])


def test_the_originals_stay_as_they_were(toy_jets):
    before = toy_jets.value.copy()
    scaled(toy_jets, 2.0).columns["extra"] = np.zeros(64)
    np.testing.assert_array_equal(toy_jets.value, before)
    assert "extra" not in toy_jets.columns


def test_dead_cells_take_the_given_share_of_calorimeter_hits(make_jets):
    jets = make_jets(400, 5)
    left = without_cells(jets, 0.2, seed=1).counts().sum(0) / jets.counts().sum(0)
    assert left[0] == 1
    # 400 jets have 100,000 crystals and 6,800 towers, so these are four standard deviations
    assert left[1] == pytest.approx(0.8, abs=0.006)
    assert left[2] == pytest.approx(0.8, abs=0.02)


def test_hits_that_stay_are_untouched_and_in_order(toy_jets):
    left = without_cells(toy_jets, 0.3, seed=1)
    assert len(left) == len(toy_jets)
    dense, original = left.to_dense(), toy_jets.to_dense()
    np.testing.assert_array_equal(dense[dense > 0], original[dense > 0])
    key = left.owner * 10**6 + left.code.astype(int) * 10**5 + left.cell
    assert (np.diff(key) > 0).all()


def test_events_lose_different_cells(toy_jets):
    one = toy_jets[np.zeros(2, int)]
    first, second = (without_cells(one, 0.5, seed=1)[i] for i in range(2))
    assert not same(first, second)


def test_extreme_fractions_and_seeds(toy_jets):
    assert same(without_cells(toy_jets, 0.0, seed=1), toy_jets)
    np.testing.assert_array_equal(
        without_cells(toy_jets, 1.0, seed=1).counts().sum(0), [toy_jets.counts().sum(0)[0], 0, 0]
    )
    assert same(without_cells(toy_jets, 0.5, seed=2), without_cells(toy_jets, 0.5, seed=2))
    assert not same(without_cells(toy_jets, 0.5, seed=2), without_cells(toy_jets, 0.5, seed=3))


def test_lone_pixels_of_a_tower_die_together():
    # 100 events with the same two lone pixels of one HCAL tower
    cell = np.tile([60 * 125 + 60, 64 * 125 + 64], 100).astype(np.uint16)
    code = np.full(200, 2 + 3, np.uint8)
    events = Events(JET_IMAGES, np.arange(0, 201, 2), cell, code, np.ones(200, np.float32))
    left = without_cells(events, 0.5, seed=1).n_hits
    assert set(left) == {0, 2}


def test_nonsense_is_refused(toy_jets, toy_crops):
    with pytest.raises(InputError, match="scale"):
        scaled(toy_jets, 0.0)
    with pytest.raises(InputError, match="fraction"):
        without_cells(toy_jets, 5, seed=1)
    assert scaled(toy_crops, 1.1).sums()[0, 0] == pytest.approx(1.1 * toy_crops.sums()[0, 0])
    tracks = Geometry("tracks", 125, 125, (Channel("track"),), "jets")
    only = toy_jets.keep(toy_jets.code == 0)
    only = replace(only, geometry=tracks)
    for refused in (lambda: scaled(only, 1.1), lambda: without_cells(only, 0.1, seed=1)):
        with pytest.raises(InputError, match="have no calorimeter"):
            refused()
