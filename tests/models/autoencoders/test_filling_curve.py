from __future__ import annotations

import numpy as np
import pytest

from calovision.models.autoencoders.filling_curve import FillingCurve


@pytest.mark.parametrize("side", [1, 2, 32, 125, 128])
def test_every_pixel_has_a_place_of_its_own(side: int) -> None:
    curve = FillingCurve(side)
    row, col = np.divmod(np.arange(side**2), side)
    place = curve.along(row, col)
    assert len(np.unique(place)) == side**2
    assert np.abs(place).max() < 1
    for error in (0, 0.49, -0.49):
        back = curve.at(place + error * curve.step)
        assert np.array_equal(back, (row, col))


def test_steps_along_it_are_steps_in_the_image() -> None:
    curve = FillingCurve(64)
    row, col = np.divmod(np.arange(64**2), 64)
    order = np.argsort(curve.along(row, col))
    assert set(np.abs(np.diff(row[order])) + np.abs(np.diff(col[order]))) == {1}


def test_numbers_off_the_curve_are_its_ends() -> None:
    row, col = FillingCurve(32).at(np.array([-9.0, 9.0]))
    assert np.array_equal(row, [0, 31])
    assert np.array_equal(col, [0, 0])
