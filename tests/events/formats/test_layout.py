"""Files with other names, grids and orders than the public ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

import calovision as cv
from calovision.errors import InputError
from calovision.events.formats.hdf5 import Hdf5Images
from calovision.events.formats.layout import keys_of

GRID = cv.Geometry(
    "mine",
    20,
    30,
    (cv.Channel("ecal", gev_per_unit=2.0), cv.Channel("hcal", block=5, gev_per_unit=2.0)),
    "jets",
    classes=("light", "top"),
)


def images(n: int = 6) -> np.ndarray[Any, Any]:
    """``(n, channels, rows, cols)`` in image units, with some 30 GeV an event."""
    rng = np.random.default_rng(3)
    found = np.where(rng.random((n, 2, 20, 30)) < 0.05, rng.exponential(0.4, (n, 2, 20, 30)), 0)
    found[:, 1] = found[:, 1, 2::5, 2::5].repeat(5, 1).repeat(5, 2) / 25
    return found.astype("f4")


def mine(path: Path, pixels: np.ndarray[Any, Any], **storage: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("pictures", data=pixels, **storage)
        file["kind"] = np.arange(len(pixels), dtype="u1")[:, None] % 2
        file["jetPt"] = np.full(len(pixels), 20.0)
        file["run"] = np.arange(len(pixels))
        file["y"] = np.full(len(pixels), 7)
    return path


KEYS = {"X": "pictures", "y": "kind", "pt": "jetPt", "number": "run"}


@pytest.mark.parametrize("storage", [{}, {"chunks": (2, 1, 7, 30), "compression": "gzip"}])
@pytest.mark.parametrize("band", [1, 1 << 25])
def test_own_names_and_grid(
    tmp_path: Path, storage: dict[str, Any], band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calovision.events.formats.hdf5.BAND_BYTES", band)
    (tmp_path / "grid.yaml").write_text(
        yaml.safe_dump(GRID.to_dict() | {"classes": ["light", "top"]})
    )
    path = mine(tmp_path / "a.h5", images(), **storage)
    store = cv.convert(
        path, tmp_path / "set", keys=KEYS, geometry=tmp_path / "grid.yaml", channels_first=True
    )
    assert store.geometry == GRID
    events = store.load()
    assert events.to_dense("image").tobytes() == images().tobytes()
    assert set(np.unique(events.code)) == {0, 1}
    assert events.label.tolist() == [0, 1, 0, 1, 0, 1]
    assert events["number"].tolist() == list(range(6))
    assert set(events.columns) == {"label", "pt", "number"}
    known = store.manifest["provenance"]["files"][0]
    assert (known["keys"], known["channels_first"], known["unit"]) == (KEYS, True, "image")


def test_gev_on_an_own_grid(tmp_path: Path) -> None:
    path = mine(tmp_path / "a.h5", np.ascontiguousarray(2 * images().transpose(0, 2, 3, 1)))
    store = cv.convert(path, tmp_path / "set", keys=KEYS, geometry=GRID, unit="gev", threshold=0)
    np.testing.assert_allclose(store.load().to_dense("image"), images(), rtol=1e-6)


def test_the_order_that_was_said_is_the_only_one(tmp_path: Path) -> None:
    path = mine(tmp_path / "a.h5", np.ascontiguousarray(images().transpose(0, 2, 3, 1)))
    with pytest.raises(InputError, match=r"shape .6, 20, 30, 2.; expected is .n, 2, 20, 30."):
        cv.convert(path, tmp_path / "set", keys=KEYS, geometry=GRID, channels_first=True)
    with pytest.raises(InputError, match=r"expected is .n, 32, 32, 2.; for another grid, give its"):
        cv.convert(path, tmp_path / "set", keys=KEYS)


def test_nothing_but_images_must_be_there(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["pictures"] = images()
    store = cv.convert(
        tmp_path / "a.h5", tmp_path / "set", keys={"X": "pictures"}, geometry=GRID, quiet=True
    )
    assert len(store) == 6
    assert tuple(store.columns) == ()


def test_the_public_jets_with_their_channels_first(toy_jets: cv.Events, tmp_path: Path) -> None:
    jets = toy_jets[:9]
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        chunks = (4, 3, 30, 40)
        file.create_dataset("X_jets", data=jets.to_dense("image"), chunks=chunks, compression="lzf")
        file["y"], file["m0"], file["pt"] = jets.label.astype("u1")[:, None], jets["m0"], jets["pt"]
        file.swmr_mode = True
    assert (
        cv.convert(tmp_path / "a.h5", tmp_path / "set").load().value.tolist() == jets.value.tolist()
    )


def test_half_precision_is_read(toy_jets: cv.Events, tmp_path: Path) -> None:
    half = toy_jets[:5].to_dense("image").transpose(0, 2, 3, 1).astype("f2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X_jets"] = half
        file["y"], file["m0"], file["pt"] = np.zeros(5, bool), np.ones(5, "f2"), np.full(5, 100)
    events = cv.convert(tmp_path / "a.h5", tmp_path / "set").load()
    assert events.value.dtype == np.float32
    np.testing.assert_array_equal(events.to_dense("image").transpose(0, 2, 3, 1), half)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"keys": {"X": "nothing"}}, "has no key nothing .it has jetPt, kind, pictures, run, y."),
        ({"keys": {"X": "pictures", "X_jets": "run"}}, "name one thing twice"),
        ({"keys": {"X": "pictures", "y": "pictures"}}, "name one thing twice"),
        ({"keys": {"X": 3}}, "give names by names"),
        ({"keys": ["X"]}, "give names by names"),
        ({"unit": "MeV"}, "no unit 'MeV'"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": "1"}, "threshold is '1'"),
        ({"geometry": "missing.yaml"}, r"missing\.yaml does not exist"),
        ({"keys": {"X": "pictures"}}, "shape"),
        ({}, "neither X_jets nor X .* name other keys, as X=images,y=target"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    path = mine(tmp_path / "a.h5", images())
    with pytest.raises(InputError, match=message) as caught:
        cv.convert(path, tmp_path / "set", quiet=True, **said)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("content", ["rows: 3", "{", "[1]", "rows: &a 3\ncols: *a"])
def test_files_of_no_geometry(tmp_path: Path, content: str) -> None:
    (tmp_path / "grid.yaml").write_text(content)
    path = mine(tmp_path / "a.h5", images())
    with pytest.raises(InputError, match="holds no geometry"):
        cv.convert(path, tmp_path / "set", geometry=tmp_path / "grid.yaml")


def test_names_as_they_are_typed() -> None:
    assert keys_of("X=energy, y = label") == {"X": "energy", "y": "label"}
    for text in ("", "X", "X=", "=a", "X=a,,y=b", "X=a,X=b"):
        with pytest.raises(InputError, match="write X=images,y=target"):
            keys_of(text)


def test_a_file_of_both_kinds_is_one_of_jets_unless_said(
    toy_jets: cv.Events, toy_crops: cv.Events, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X_jets"] = toy_jets[:4].to_dense("image").transpose(0, 2, 3, 1)
        file["X"] = toy_crops[:4].to_dense("image").transpose(0, 2, 3, 1)
        file["y"], file["m0"], file["pt"] = np.zeros(4), toy_jets["m0"][:4], toy_jets["pt"][:4]
    assert Hdf5Images(tmp_path / "a.h5").geometry == cv.JET_IMAGES
    crops = cv.convert(tmp_path / "a.h5", tmp_path / "set", keys={"X": "X", "y": "y"})
    assert crops.geometry == cv.EGAMMA_CROPS
