from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events import Channel, Events, EventStore, Geometry, from_images, save
from calovision.events.formats.sparsify import sparsify

#: 6 rows along eta, 9 columns along phi
SMALL = Geometry("small", 6, 9, (Channel("ecal"), Channel("hcal", block=3)), "jets")
CUBE = Geometry("cube", 3, 3, (Channel("a"), Channel("b"), Channel("c")), "jets")


def small(n: int = 4) -> np.ndarray:
    """``(n, 2, 6, 9)``, GeV: one crystal and one tower of every event."""
    images = np.zeros((n, 2, 6, 9), np.float32)
    for i in range(n):
        images[i, 0, i % 6, 8 - i] = 10.0 + i
        images[i, 1, 3:6, 0:3] = 2.0
    return images


def test_images_in_gev_come_back(toy_jets: Events) -> None:
    dense = toy_jets.to_dense("gev")
    last = np.ascontiguousarray(dense.transpose(0, 2, 3, 1))
    for found in (cv.from_images(dense), cv.from_images(last, channels="last")):
        assert np.array_equal(found.cell, toy_jets.cell)
        assert np.array_equal(found.code, toy_jets.code)
        assert np.allclose(found.sums(), toy_jets.sums(), rtol=1e-6)
        assert np.allclose(found.to_dense("gev"), dense, rtol=1e-6)
    exact = cv.from_images(toy_jets.to_dense("image"), unit="image")
    assert exact.value.tobytes() == toy_jets.value.tobytes()


def test_energies_places_and_columns_are_those_given(tmp_path: Any) -> None:
    events = from_images(
        small(), SMALL, label=[0, 1, 1, 0], pt=[50, 60, 70, 80], vector=np.arange(8.0).reshape(4, 2)
    )
    assert events.sums().tolist() == [[10.0 + i, 18.0] for i in range(4)]
    assert events.counts().tolist() == [[1, 1]] * 4
    assert events.cell[events.code == 0].tolist() == [9 * i + 8 - i for i in range(4)]
    assert events.label.dtype == np.int8
    save(events, tmp_path / "set", provenance={})
    found = EventStore.open(tmp_path / "set").load()
    assert found.columns["pt"].tolist() == [50.0, 60.0, 70.0, 80.0]
    assert found.columns["vector"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_axes_in_any_memory_order_and_byte_order() -> None:
    wanted = from_images(small(), SMALL)
    last = small().transpose(0, 2, 3, 1)  # not contiguous
    for images in (small().astype(">f4"), np.asfortranarray(small()), small().tolist()):
        if isinstance(images, list):
            images = np.array(images, np.float64)
        assert from_images(images, SMALL).sums().tolist() == wanted.sums().tolist()
    assert np.array_equal(from_images(last, SMALL, channels="last").cell, wanted.cell)


def _with(place: tuple[int, ...], value: float) -> np.ndarray:
    images = small()
    images[place] = value
    return images


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (small().transpose(0, 2, 3, 1), r"\(4, 6, 9, 2\), expected is \(n, 2, 6, 9\).*'last'"),
        (small().transpose(0, 1, 3, 2), r"\(4, 2, 9, 6\).*swap these axes"),
        (small()[0], r"\(2, 6, 9\), expected is \(n, 2, 6, 9\).*images\[None\]"),
        (small()[:, :1], r"\(4, 1, 6, 9\)"),
        (small()[:, :, :3], r"\(4, 2, 3, 9\)"),
        (small().reshape(4, -1), r"\(4, 108\)"),
        (small()[:0], "no events"),
        (small().astype(np.float16), "are float16; expected are float32 or float64"),
        (small().astype(np.int32), "are int32"),
        (small().astype(object), "are object"),
        (small().astype(complex), "are complex128"),
        (small() > 0, "are bool"),
        ([[1.0], [1.0, 2.0]], "not an array"),
        (np.ma.masked_less(small(), 1.0), "masked"),
        (_with((2, 0, 1, 1), -3.0), r"event 2 .*'ecal' that is negative \(-3\)"),
        (_with((3, 1, 0, 8), np.nan), r"event 3 .*'hcal' that is not finite \(nan\)"),
        (_with((1, 0, 5, 8), -np.inf), r"event 1 .*'ecal' that is not finite"),
    ],
)
def test_arrays_that_are_no_images_of_the_grid_are_refused(images: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        from_images(images, SMALL)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"label": [0, 1, 0]}, "label has 3 rows, the images 4"),
        ({"label": [0, 1, 2, 1]}, "label is 2 for event 2; labels must be 0"),
        ({"label": [0, 1, 0.5, 1]}, "label is 0.5 for event 2"),
        ({"label": ["g", "q", "g", "q"]}, "no class 'g'; choose gluon or quark"),
        ({"label": np.array([0, 1, 1, None])}, "label has shape .* and type object"),
        ({"label": 1}, r"label has shape \(\)"),
        ({"label": np.zeros((4, 2))}, r"label has shape \(4, 2\)"),
        ({"label": [0, 1, -1, 1]}, "label is -1 for event 2"),
        ({"pt": [1, 2, np.nan, 4]}, "pt is nan for event 2"),
        ({"pt": [1, 2, 3, -4]}, "pt is -4 for event 3"),
        ({"m0": [np.inf, 2, 3, 4]}, "m0 is inf for event 0"),
        ({"eta": [0.1, 0.2]}, r"eta has shape \(2,\)"),
        ({"eta": [0.1, 0.2, np.nan, 0]}, "eta of event 2 is not finite"),
        ({"value": [1, 2, 3, 4]}, "called 'value'"),
        *(({name: [1, 2, 3, 4]}, f"called '{name}'") for name in ("offsets", "hash", "split")),
        ({"weight": [1, 2, np.nan, 4]}, "weight is nan for event 2"),
    ],
)
def test_columns_that_do_not_belong_to_the_images_are_refused(
    columns: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        from_images(small(), SMALL, **columns)


def test_labels_may_be_names_of_classes() -> None:
    made = from_images(small(), SMALL, label=["quark", "gluon", "gluon", "quark"])
    assert (made.label.tolist(), made.label.dtype) == ([1, 0, 0, 1], np.int8)


def test_numbers_that_are_no_float32_are_refused() -> None:
    large = small().astype(np.float64)
    large[2, 1, 3:, :3] = 1e39
    with pytest.raises(InputError, match=r"event 2 .*'hcal' that is not finite"):
        from_images(large, SMALL)


def test_a_geometry_is_one() -> None:
    with pytest.raises(InputError, match="give a Geometry, such as JET_IMAGES"):
        from_images(small(), geometry="jets")  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", ["x", None, "MeV", 1])
def test_images_have_no_other_unit(unit: Any) -> None:
    events = from_images(small(), SMALL)
    for refused in (lambda: events.to_dense(unit), lambda: from_images(small(), SMALL, unit=unit)):
        with pytest.raises(InputError, match="the unit must be 'gev' or 'image'"):
            refused()
    np.testing.assert_array_equal(events.to_dense("GeV"), events.to_dense())
    assert from_images(small(), SMALL, unit="GeV") == events


def test_signed_channels_may_be_negative() -> None:
    images = np.zeros((1, 2, 32, 32), np.float32)
    images[0, 1, 3, 3] = -0.5
    assert from_images(images, cv.EGAMMA_CROPS).value.tolist() == [-0.5]
    images[0, 0, 3, 3] = -0.5
    with pytest.raises(InputError, match=r"'energy' that is negative \(-0.5\)"):
        from_images(images, cv.EGAMMA_CROPS)


def test_an_order_that_the_shape_does_not_tell_must_be_said() -> None:
    images = np.zeros((2, 3, 3, 3), np.float32)
    images[0, 1, 2, 0] = 5.0
    with pytest.raises(InputError, match="say channels="):
        from_images(images, CUBE)
    assert from_images(images, CUBE, channels="first").sums()[0].tolist() == [0, 5, 0]
    assert from_images(images, CUBE, channels="last").sums()[0].tolist() == [5, 0, 0]


def test_towers_whose_pixels_differ_are_told() -> None:
    images = small()
    images[2, 1, 4, 1] = 7.0
    with pytest.warns(UserWarning, match=r"1 of 4 images .*3 x 3 .*'hcal'.*order of the axes"):
        events = from_images(images, SMALL)
    assert events.sums()[:, 1].tolist() == [18.0, 18.0, 23.0, 18.0]
    scrambled = np.arange(108, dtype=np.float32).reshape(1, 2, 6, 9)
    with pytest.warns(UserWarning, match="pixels differ"):
        from_images(scrambled, SMALL)


@pytest.mark.parametrize("block", [2, 4, 0])
def test_a_geometry_that_is_no_grid_is_refused(block: int) -> None:
    odd = Geometry("odd", 6, 9, (Channel("a", block=block),), "jets")
    with pytest.raises(InputError, match="'odd' is not a grid"):
        from_images(np.zeros((1, 1, 6, 9), np.float32), odd)


@pytest.mark.parametrize("options", [{"unit": "mev"}, {"channels": "middle"}])
def test_unknown_units_and_orders_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"must be 'gev' or 'image'|must be 'first' or 'last'"):
        from_images(small(), SMALL, **options)


def test_the_function_below_refuses_other_shapes_too(toy_jets: Events) -> None:
    last = np.ascontiguousarray(toy_jets[:2].to_dense().transpose(0, 2, 3, 1))
    for images, order in ((last, False), (last.transpose(0, 3, 1, 2), True), (last[0], True)):
        with pytest.raises(InputError, match="images have shape"):
            sparsify(images, toy_jets.geometry, channels_last=order)
    with pytest.raises(InputError, match="float16"):
        sparsify(last.astype(np.float16), toy_jets.geometry, channels_last=True)


@pytest.mark.parametrize("rows", [10_000, 3, 5])
def test_a_column_of_another_length_is_not_saved(
    make_jets: Callable[[int, int], Events], tmp_path: Any, rows: int
) -> None:
    events = make_jets(4, 1)
    events.columns["more"] = np.zeros(rows)
    with pytest.raises(InputError, match=rf"'more' has shape \({rows},\) for 4 events"):
        save(events, tmp_path / "set", provenance={})
    assert not (tmp_path / "set").exists()
