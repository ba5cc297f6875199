"""Archives of arrays, such as the ML4SCI extracts of the public electron/photon set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError


def parts(crops: cv.Events, depth: int) -> dict[str, Any]:
    """Names and shapes of the extract: energies alone, or energies and times."""
    pixels = crops.to_dense("image").transpose(0, 2, 3, 1)
    x = pixels[..., 0] if depth == 0 else pixels[..., :depth]
    y = crops.label
    return {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:40], "y_test": y[20:40]}


def test_both_parts_of_an_extract_are_taken_and_told_apart(
    toy_crops: cv.Events, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **parts(toy_crops, 2))
    store = cv.convert(tmp_path / "a.npz", tmp_path / "set", quiet=True)
    assert store.geometry == cv.EGAMMA_CROPS
    events = store.load()
    assert events.value.tobytes() == toy_crops[:40].value.tobytes()
    assert events.label.tolist() == toy_crops.label[:40].tolist()
    assert events["test"].tolist() == [0] * 20 + [1] * 20
    assert len(store.select("test == 1")) == 20


@pytest.mark.parametrize("depth", [0, 1])
def test_energies_alone_are_crops_without_times(
    toy_crops: cv.Events, tmp_path: Path, depth: int
) -> None:
    np.savez_compressed(tmp_path / "a.npz", **parts(toy_crops, depth))
    with pytest.warns(UserWarning, match="energies alone: the set has no times"):
        store = cv.convert(tmp_path / "a.npz", tmp_path / "set", quiet=True)
    assert store.geometry == cv.EGAMMA_CROPS
    events, wanted = store.load(), toy_crops[:40].keep(toy_crops[:40].code == 0)
    assert events.value.tobytes() == wanted.value.tobytes()
    assert events.cell.tobytes() == wanted.cell.tobytes()


def test_one_part_by_its_names(toy_crops: cv.Events, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **parts(toy_crops, 2))
    keys = {"X": "x_test", "y": "y_test"}
    events = cv.convert(tmp_path / "a.npz", tmp_path / "set", keys=keys, quiet=True).load()
    assert events.value.tobytes() == toy_crops[20:40].value.tobytes()
    assert set(events.columns) == {"label"}


def test_energies_on_a_grid_of_their_own(toy_crops: cv.Events, tmp_path: Path) -> None:
    energies = toy_crops.to_dense("gev")[:, 0]
    np.savez(tmp_path / "a.npz", energy=energies, label=toy_crops.label.astype("u1"))
    grid = cv.Geometry("energies", 32, 32, (cv.Channel("energy", gev_per_unit=50.0),), "crops")
    keys = {"X": "energy", "y": "label"}
    with pytest.warns(UserWarning, match="taken as GeV"):
        store = cv.convert(
            tmp_path / "a.npz", tmp_path / "set", keys=keys, geometry=grid, quiet=True
        )
    assert store.geometry == grid
    np.testing.assert_allclose(store.load().to_dense("gev")[:, 0], energies, rtol=1e-5)


def test_public_names_and_double_precision(toy_jets: cv.Events, tmp_path: Path) -> None:
    jets = toy_jets[:7]
    content = {k: jets.columns[v] for k, v in (("y", "label"), ("m0", "m0"), ("pt", "pt"))}
    np.savez(tmp_path / "a.npz", X_jets=jets.to_dense("image").astype("f8"), **content)
    events = cv.load(tmp_path / "a.npz", limit=5)
    assert events.value.dtype == np.float64
    np.testing.assert_array_equal(events.value, jets[:5].value)


def test_archives_of_something_else(tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "particles": ({"X": np.zeros((4, 30, 5)), "y": np.zeros(4)}, "shape .4, 30, 5."),
        "names": ({"a": np.zeros(3)}, "neither X_jets nor X .it has a.; .* data image"),
        "pickled": ({"X": np.array([{}, []], object), "y": np.zeros(2)}, "damaged"),
        "uneven": ({"x_train": np.zeros((3, 32, 32)), "y_train": np.zeros(2)}, "neither X_jets"),
    }
    for name, (arrays, message) in cases.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(InputError, match=message):
            cv.convert(tmp_path / f"{name}.npz", tmp_path / "set", quiet=True)
    whole = (tmp_path / "names.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        cv.convert(tmp_path / "short.npz", tmp_path / "set", quiet=True)
