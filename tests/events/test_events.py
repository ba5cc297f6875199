from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from calovision.errors import InputError
from calovision.events import EGAMMA_CROPS, JET_IMAGES, Events, Geometry, concatenate
from calovision.events.formats.sparsify import BadPixelError, join_bands, sparsify


@st.composite
def dense_jets(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Few images, channels last, with towers, broken towers, minus zero and tiny values."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    n = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    images = np.zeros((n, 125, 125, 3), dtype)
    for i in range(n):
        lone = rng.integers(0, 125, (draw(st.integers(0, 60)), 2))
        images[i, lone[:, 0], lone[:, 1], rng.integers(0, 3, len(lone))] = rng.random(len(lone))
        for _ in range(draw(st.integers(0, 8))):
            r, c = rng.integers(0, 25, 2) * 5
            images[i, r : r + 5, c : c + 5, 2] = rng.random()
        if draw(st.booleans()):
            images[i, 124, 124, 2] = -0.0
        if draw(st.booleans()):
            images[i, 0:5, 5:10, 2] = -0.0
        images[i, 3, 3, 0] = np.finfo(dtype).smallest_subnormal
    return images


@given(images=dense_jets())
@settings(max_examples=25, deadline=None)
def test_dense_images_come_back_to_the_last_bit(images: np.ndarray[Any, Any]) -> None:
    events = sparsify(images, JET_IMAGES, channels_last=True)
    back = np.ascontiguousarray(events.to_dense("image").transpose(0, 2, 3, 1))
    assert back.tobytes() == images.tobytes()
    key = events.code.astype(np.int64) * JET_IMAGES.cells + events.cell
    for i in range(len(events)):
        mine = key[events.offsets[i] : events.offsets[i + 1]]
        assert (np.diff(mine) > 0).all()
    first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    other = sparsify(first, JET_IMAGES, channels_last=False)
    for name in ("offsets", "cell", "code", "value"):
        assert getattr(other, name).tobytes() == getattr(events, name).tobytes()


@given(images=dense_jets(), height=st.sampled_from([5, 10, 60]))
@settings(max_examples=10, deadline=None)
def test_bands_of_rows_join_to_the_same_events(images: np.ndarray[Any, Any], height: int) -> None:
    whole = sparsify(images, JET_IMAGES, channels_last=True)
    bands = [
        sparsify(images[:, row : row + height], JET_IMAGES, channels_last=True, first_row=row)
        for row in range(0, 125, height)
    ]
    joined = join_bands(bands)
    for name in ("offsets", "cell", "code", "value"):
        assert getattr(joined, name).tobytes() == getattr(whole, name).tobytes()


def test_whole_towers_become_one_hit_and_broken_ones_pixels() -> None:
    images = np.zeros((1, 125, 125, 3), np.float32)
    images[0, 60:65, 60:65, 2] = 0.5
    images[0, 0:5, 0:5, 2] = 0.25
    images[0, 4, 4, 2] = np.nextafter(np.float32(0.25), np.float32(1))
    images[0, 11:16, 10:15, 2] = 0.125  # a block, but not an aligned one
    events = sparsify(images, JET_IMAGES, channels_last=True)
    assert events.cell[events.code == 2].tolist() == [62 * 125 + 62]
    assert (events.code == 5).sum() == 50
    assert events.area.sum() == 75
    gev = images[0, ..., 2].sum() * JET_IMAGES.channels[2].gev_per_unit
    assert events.sums()[0, 2] == pytest.approx(gev, rel=1e-6)


@given(
    images=hnp.arrays(
        np.float32,
        (2, 32, 32, 2),
        elements=st.floats(0, 4, width=32),
        fill=st.just(np.float32(0)),
    )
)
@settings(max_examples=20, deadline=None)
def test_crops_come_back_with_negative_times(images: np.ndarray[Any, Any]) -> None:
    images[..., 1] *= -1
    events = sparsify(images, EGAMMA_CROPS, channels_last=True)
    back = np.ascontiguousarray(events.to_dense("image").transpose(0, 2, 3, 1))
    assert back.tobytes() == images.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1e-30])
def test_bad_values_are_placed(value: float) -> None:
    images = np.zeros((100, 125, 125, 3), np.float32)
    images[70, 3, 4, 1] = value
    with pytest.raises(BadPixelError) as caught:
        sparsify(images, JET_IMAGES, channels_last=True)
    assert (caught.value.event, caught.value.channel) == (70, 1)
    message = str(caught.value.as_input_error("file.h5", 1000, JET_IMAGES))
    assert "file.h5: event 1070" in message
    assert "'ecal'" in message


def test_dense_energies_sum_to_the_hits(toy_jets: Events) -> None:
    dense = toy_jets.to_dense("gev").astype(np.float64)
    np.testing.assert_allclose(dense.sum(axis=(2, 3)), toy_jets.sums(), rtol=1e-5)
    pixels = (dense > 0).sum(axis=(2, 3))
    np.testing.assert_array_equal(pixels, toy_jets.counts() * [1, 1, 25])


def test_toys_look_like_the_public_set(toy_jets: Events) -> None:
    gluon = toy_jets[toy_jets.label == 0].counts().mean(axis=0)
    quark = toy_jets[toy_jets.label == 1].counts().mean(axis=0)
    np.testing.assert_allclose(gluon, [83, 272, 18], rtol=0.25)
    assert (gluon > quark).all()


def test_selection_matches_numpy(toy_jets: Events) -> None:
    for index in (3, -1, slice(5, 50, 7), [4, 4, 1], toy_jets.label == 1, slice(0, 0)):
        chosen = np.atleast_1d(np.arange(64)[index])
        picked = toy_jets[index]
        np.testing.assert_array_equal(picked.to_dense(), toy_jets.to_dense()[chosen])
        np.testing.assert_array_equal(picked.columns["pt"], toy_jets.columns["pt"][chosen])


def test_kept_hits_stay_with_their_events(toy_jets: Events) -> None:
    mask = (toy_jets.channel == 1) & (toy_jets.owner != 5)
    kept = toy_jets.keep(mask)
    expected = toy_jets.to_dense()
    expected[:, [0, 2]] = 0
    expected[5] = 0
    np.testing.assert_array_equal(kept.to_dense(), expected)
    assert kept.n_hits[5] == 0
    assert kept.columns.keys() == toy_jets.columns.keys()
    np.testing.assert_array_equal(kept.label, toy_jets.label)
    kept.columns["extra"] = np.zeros(64)
    assert "extra" not in toy_jets.columns


def test_keeping_all_or_no_hits(toy_jets: Events) -> None:
    everything = np.ones(len(toy_jets.cell), bool)
    np.testing.assert_array_equal(toy_jets.keep(everything).value, toy_jets.value)
    np.testing.assert_array_equal(toy_jets.keep(everything).offsets, toy_jets.offsets)
    assert toy_jets.keep(~everything).n_hits.tolist() == [0] * 64


def test_concatenate_inverts_slicing_and_refuses_strangers(
    toy_jets: Events, toy_crops: Events
) -> None:
    joined = concatenate([toy_jets[:10], toy_jets[10:11], toy_jets[11:]])
    np.testing.assert_array_equal(joined.offsets, toy_jets.offsets)
    np.testing.assert_array_equal(joined.value, toy_jets.value)
    with pytest.raises(InputError, match="differ"):
        concatenate([toy_jets, toy_crops])
    with pytest.raises(InputError, match="no event sets"):
        concatenate([])


def test_geometry_survives_json_and_centres_the_window() -> None:
    assert Geometry.from_dict(JET_IMAGES.to_dict()) == JET_IMAGES
    middle = np.array([62 * 125 + 62])
    assert JET_IMAGES.eta(middle) == 0
    assert JET_IMAGES.phi(middle) == 0
    assert JET_IMAGES.eta(np.array([63 * 125])) == pytest.approx(0.0174)


def test_radius_is_the_distance_to_the_window_centre() -> None:
    cell = np.array([[62 * 125 + 62, 65 * 125 + 62], [62 * 125 + 58, 65 * 125 + 58]], np.uint16)
    width, turn = 3 * 0.0174, 4 * 2 * np.pi / 360
    expected = [[0, width], [turn, np.hypot(width, turn)]]
    np.testing.assert_allclose(JET_IMAGES.radius(cell), expected, rtol=1e-6)
