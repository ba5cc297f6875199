"""Shower shapes on images whose shapes are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.errors import InputError
from calovision.events.geometry import CRYSTAL_ETA, CRYSTAL_PHI
from calovision.features import shower_shapes as shapes


def image(energy: dict[tuple[int, int], float]) -> np.ndarray:
    """One 32 x 32 crop; places are counted from the peak."""
    crop = np.zeros((1, 32, 32))
    for (i, j), e in energy.items():
        crop[0, 16 + i, 16 + j] = e
    return crop


def test_single_crystal() -> None:
    crop = image({(0, 0): 40.0})
    assert shapes.e1_e25(crop) == shapes.e9_e25(crop) == shapes.r9(crop) == 1
    for width in (shapes.sigma_ieta_ieta, shapes.sigma_iphi_iphi, shapes.eta_width):
        assert width(crop) == 0


def test_ratios_of_a_flat_image() -> None:
    crop = np.full((2, 32, 32), 0.3)
    assert shapes.e1_e25(crop) == pytest.approx([1 / 25] * 2)
    assert shapes.e9_e25(crop) == pytest.approx([9 / 25] * 2)
    assert shapes.r9(crop) == pytest.approx([9 / 160] * 2)


def test_log_weighted_widths() -> None:
    """Three equal crystals in a row: equal weights, mean square 2/3 of a crystal."""
    rows = image({(0, 0): 5.0, (-1, 0): 5.0, (1, 0): 5.0})
    assert shapes.sigma_ieta_ieta(rows) == pytest.approx(CRYSTAL_ETA * math.sqrt(2 / 3))
    assert shapes.sigma_iphi_iphi(rows) == 0
    cols = rows.transpose(0, 2, 1)
    assert shapes.sigma_iphi_iphi(cols) == pytest.approx(CRYSTAL_PHI * math.sqrt(2 / 3))
    faint = image({(0, 0): 100.0, (2, 0): 0.5})  # below exp(-4.7) = 0.9 %
    assert shapes.sigma_ieta_ieta(faint) == 0


def test_widths_of_the_whole_crop() -> None:
    crop = image({(0, 0): 3.0, (0, 10): 1.0})
    assert shapes.phi_width(crop) == pytest.approx(CRYSTAL_PHI * 10 * math.sqrt(3) / 4)
    assert shapes.eta_width(crop) == 0
    assert shapes.phi_width(image({(0, 0): 3.0, (3, 10): 1.0})) == 0  # beside the five rows
    assert shapes.r9(crop) == pytest.approx(0.75)


@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 100))
@settings(deadline=None, max_examples=25)
def test_bounds_scale_and_mirrors(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    crop = rng.exponential(0.1, (3, 33, 33)) ** 2
    crop[:, 16, 16] = 5.0
    for ratio in (shapes.e1_e25, shapes.e9_e25, shapes.r9):
        assert ((ratio(crop) > 0) & (ratio(crop) < 1)).all()
    for function in (shapes.r9, shapes.sigma_ieta_ieta, shapes.phi_width, shapes.eta_width):
        whole = function(crop)
        np.testing.assert_allclose(function(scale * crop), whole)
        np.testing.assert_allclose(function(crop[:, ::-1, ::-1]), whole)
    np.testing.assert_allclose(
        shapes.sigma_ieta_ieta(crop) / CRYSTAL_ETA,
        shapes.sigma_iphi_iphi(crop.transpose(0, 2, 1)) / CRYSTAL_PHI,
    )


def test_empty_and_negative_energies() -> None:
    nothing = np.zeros((2, 32, 32))
    for values in shapes.shower_shapes(nothing).values():
        np.testing.assert_array_equal(values, [0, 0])
    below = image({(0, 0): 3.0, (1, 1): -2.0})
    assert shapes.e1_e25(below) == 1


def test_matrix_has_a_name_for_every_column() -> None:
    crop = image({(0, 0): 40.0, (0, 4): 2.0, (0, -1): 1.0})
    matrix, names = shapes.shape_matrix(crop)
    assert matrix.shape == (1, len(names))
    values = dict(zip(names, matrix[0], strict=True))
    assert values["phi +3"] == pytest.approx(2.0 / 41.0)
    assert values["phi -3"] == 0
    assert values["left/E9"] == pytest.approx(1 / 41)
    assert values["crystals"] == 3
    assert values["E2/E25"] == pytest.approx(2 / 41)


def test_what_is_no_crop_is_refused() -> None:
    for shape in ((32, 32), (1, 4, 32)):
        with pytest.raises(InputError, match="no crops"):
            shapes.r9(np.zeros(shape))
    with pytest.raises(ValueError, match="window"):
        shapes.window_energy(np.zeros((1, 32, 32)), 4)
