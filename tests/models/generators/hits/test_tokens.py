"""Images as objects and companions, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.models.generators.hits.read_out import ReadOut, read_out_of
from calovision.models.generators.hits.tokens import (
    SEEDS,
    TOWERS,
    events_of,
    layers_of,
    objects_of,
)


def same(a: Events, b: Events) -> None:
    np.testing.assert_array_equal(a.offsets, b.offsets)
    np.testing.assert_array_equal(a.cell, b.cell)
    np.testing.assert_array_equal(a.code, b.code)
    np.testing.assert_allclose(a.value, b.value, rtol=3e-6)


def test_there_and_back(jets: Events, rules: ReadOut) -> None:
    same(events_of(objects_of(jets, rules), rules, jets.geometry), jets)


def test_any_set_is_kept_whole(toy_jets: Events) -> None:
    rules = read_out_of(toy_jets, 1)
    same(events_of(objects_of(toy_jets, rules), rules, toy_jets.geometry), toy_jets)


def test_turned_over_images(jets: Events, rules: ReadOut) -> None:
    found = objects_of(jets, rules)
    made = events_of(replace(found, side=-found.side), rules, jets.geometry)
    np.testing.assert_allclose(made.to_dense(), jets.to_dense()[:, :, ::-1], rtol=1e-5)


def test_order_of_objects(jets: Events, rules: ReadOut) -> None:
    found = objects_of(jets, rules)
    start, middles = 0, 0
    for towers, tracks, seeds in found.counts:
        parts = np.split(
            found.strength[start : start + towers + tracks + seeds], [towers, towers + tracks]
        )
        middle = found.tower[start] == 12 * 25 + 12
        middles += middle
        assert np.all(np.diff(parts[TOWERS][int(middle) :]) <= 0)
        assert np.all(np.diff(parts[1]) <= 0)
        assert np.all(np.diff(parts[SEEDS]) <= 0)
        start += towers + tracks + seeds
    assert middles > 0.95 * len(jets)
    # what a set's own rules explain leaves next to nothing far from seeds
    assert found.weak.max() < rules.seed
    assert found.counts[:, SEEDS].mean() < 0.2 * found.companions.mean()


def test_sums(jets: Events, rules: ReadOut) -> None:
    found = objects_of(jets, rules)
    n = found.counts[0]
    expected = np.exp(found.strength[n[0] : n[0] + n[1]]).sum()
    assert found.sums()[0, 1] == pytest.approx(expected, rel=1e-4)


def test_what_is_refused(jets: Events, rules: ReadOut, toy_crops: Events) -> None:
    with pytest.raises(InputError, match="a tracker, a calorimeter of pixels"):
        layers_of(toy_crops.geometry)
    assert layers_of(JET_IMAGES)[0] == (2, 0, 1)
    broken = replace(jets[:2], code=jets[:2].code + np.uint8(3))
    with pytest.raises(InputError, match="not whole cells"):
        objects_of(broken, rules)
