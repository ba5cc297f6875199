from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.cylinders import voxel_cells
from calovision.events.formats.calochallenge import SETS, cylinder

UNEVEN = cylinder("uneven", [("a", (0, 2, 6), 4), ("b", (1, 3), 2)])


def test_centres_of_cells_are_in_the_middle_of_ring_and_sector() -> None:
    cell, layer = np.array([[0, 1], [2, 0]]), np.array([[0, 0], [0, 1]])
    x, y = UNEVEN.eta(cell, layer), UNEVEN.phi(cell, layer)
    angle = np.array([[-0.75, -0.75], [-0.25, -0.5]]) * np.pi
    radius = np.array([[1, 4], [1, 2]])
    np.testing.assert_allclose(x, radius * np.cos(angle), atol=1e-6)
    np.testing.assert_allclose(y, radius * np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(UNEVEN.radius(cell, layer), radius, rtol=1e-6)


def test_layers_must_be_told_where_they_differ() -> None:
    with pytest.raises(InputError, match="lie differently"):
        UNEVEN.eta(np.zeros(1, int))
    assert SETS[6480].eta(np.zeros(1, int)).shape == (1,)  # all alike


def test_voxels_come_ring_by_ring_then_sector_by_sector_then_layer_by_layer() -> None:
    layer, cell = voxel_cells(UNEVEN.channels, UNEVEN.cols)
    assert layer.tolist() == [0] * 8 + [1] * 2
    assert cell.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 2]


def test_what_is_no_cylinder_is_not_sound() -> None:
    assert UNEVEN.is_sound()
    first = UNEVEN.channels[0]
    for changed in (
        {"rings": ()},
        {"rings": (0, 2, 2)},
        {"rings": (-1, 2)},
        {"rings": (0, 1, 2, 3)},
        {"sectors": 0},
        {"sectors": 5},
        {"block": 3},
        {"rings": ("a", "b")},
    ):
        other = replace(UNEVEN, channels=(replace(first, **changed), UNEVEN.channels[1]))
        assert not other.is_sound(), changed
        with pytest.raises(ValueError, match="geometry"):
            cv.Geometry.from_dict(other.to_dict())
    jets = replace(cv.JET_IMAGES, channels=(first,))
    assert not jets.is_sound()


def test_descriptions_of_images_are_as_they_always_were() -> None:
    """Hashes of events and manifests of sets depend on them."""
    assert "rings" not in repr(cv.JET_IMAGES)
    assert all("rings" not in c and "sectors" not in c for c in cv.JET_IMAGES.to_dict()["channels"])
    assert "rings=(0, 2, 6), sectors=4" in repr(UNEVEN)


def test_a_geometry_may_have_several_classes() -> None:
    several = replace(cv.JET_IMAGES, classes=("gluon", "quark", "top"))
    assert several.is_sound()
    assert several.class_number("top") == several.class_number(2) == 2
    assert cv.Geometry.from_dict(several.to_dict()) == several
    with pytest.raises(InputError, match="numbers 0 or 1 or 2"):
        several.class_number(3)
    for wrong in (("one",), ("a", "a"), ("a", ""), ("a", 1), tuple(map(str, range(200)))):
        assert not replace(cv.JET_IMAGES, classes=wrong).is_sound()
