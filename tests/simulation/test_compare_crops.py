"""The script that compares recorded crops with the simulation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from calovision.errors import InputError


@pytest.fixture(scope="module")
def script(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("compare_crops")


@pytest.fixture(scope="module")
def made(script: ModuleType) -> Any:
    return script.simulated(600, 1)


def test_simulation_agrees_with_itself(script: ModuleType, made: Any) -> None:
    other = script.simulated(200, 2)
    pulls = [row[-1] for row in script.by_class(other, made)]
    assert np.abs(pulls).max() < 4
    for value, floor in script.distances(other, made, 1).values():
        assert value < 2 * floor
    text = script.page(other, made)
    assert text.count("| sigma_ieta_ieta |") == 2
    assert "AUC 0." in text


def test_wrong_unit_and_swapped_classes_are_seen(script: ModuleType, made: Any) -> None:
    other = script.simulated(200, 2)
    scaled = script.Crops(1.1 * other.energy, other.label)
    value, floor = script.distances(scaled, made, 1)["W1 of the sum, image units"]
    assert value > 2 * floor
    swapped = script.Crops(other.energy, 1 - other.label)
    assert script.learned(swapped, made, 1)[0] < 0.5 < script.learned(other, made, 1)[0]


def test_file_and_set_give_the_same_crops(script: ModuleType, tmp_path: Path) -> None:
    import calovision as cv

    events = cv.simulate.egamma(40, seed=3, quiet=True, out=tmp_path / "set").load()
    np.savez(tmp_path / "a.npz", energy=events.to_dense("image")[:, 0], label=events.label)
    of_set, of_file = script.read(tmp_path / "set"), script.read(tmp_path / "a.npz")
    np.testing.assert_allclose(of_set.energy, of_file.energy, rtol=1e-6)
    np.testing.assert_array_equal(of_set.label, of_file.label)
    halved = script.read(tmp_path / "a.npz", unit=25.0)
    np.testing.assert_allclose(2 * halved.energy, of_file.energy, rtol=1e-6)


def test_what_is_no_crops_is_refused(script: ModuleType, tmp_path: Path) -> None:
    for arrays, message in (
        ({"X": np.zeros(3)}, "no energy and label"),
        ({"energy": np.zeros((30, 16, 16)), "label": np.arange(30) % 2}, "are no crops"),
        ({"energy": np.zeros((30, 32, 32)), "label": np.zeros(30, int)}, "fewer than 10"),
    ):
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(InputError, match=message):
            script.read(tmp_path / "bad.npz")
