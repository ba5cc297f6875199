"""Both forms of the public jets, HDF5 in units of 100 GeV and noisy Parquet in GeV, are one set."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES
from calovision.events.reader import EventStore

Images = NDArray[Any]
UNIT_GEV = 100.0  #: of the public HDF5: printed sums of 2.5 a jet, 245 in the Parquet


def columns(jets: Events) -> dict[str, Images]:
    return {"m0": jets["m0"].astype("f8"), "pt": jets["pt"].astype("f8"), "y": jets.label * 1.0}


def write_hdf5(path: Path, jets: Events, images: Images | None = None, **storage: Any) -> Path:
    if images is None:
        images = jets.to_dense("image").transpose(0, 2, 3, 1)
    with h5py.File(path, "w") as file:
        file.create_dataset("X_jets", data=images, **storage)
        for name, column in columns(jets).items():
            file[name] = column
    return path


def write_parquet(path: Path, jets: Events, images: Images, group: int = 1) -> Path:
    table = pa.table({"X_jets": pa.array(images.tolist()), **columns(jets)})
    pq.write_table(table, path, row_group_size=group)
    return path


def with_noise(jets: Events, seed: int) -> Images:
    """The same in GeV, channels first, with noise that may be very negative."""
    rng = np.random.default_rng(seed)
    gev = UNIT_GEV * jets.to_dense("image").astype("f8")
    assert gev[gev > 0].min() > 2e-3
    noise = np.minimum(rng.normal(0, 0.04, gev.shape), rng.uniform(0, 9e-4, gev.shape))
    noise[:, 0] = 0  # tracks have none
    noise[:, 2] = noise[:, 2, 2::5, 2::5].repeat(5, 1).repeat(5, 2)
    noise[:, :, 0, 0] = -10.5
    noise[:, :, 1, 1] = -0.0
    return np.where(gev > 0, gev, noise)


def hits(events: Events) -> list[bytes]:
    parts = (events.offsets - events.offsets[0], events.cell, events.code, events.value)
    return [np.ascontiguousarray(part).tobytes() for part in parts]


def told(*args: Any, **settings: Any) -> tuple[EventStore, list[str]]:
    """A conversion and its warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        store = cv.convert(*args, workers=1, quiet=True, **settings)
    return store, [str(w.message) for w in found if w.category is UserWarning]


@pytest.fixture(scope="module")
def jets(make_jets: Callable[..., Events]) -> Events:
    return make_jets(12, 5)


def test_both_forms_of_the_same_jets_are_one_set(jets: Events, tmp_path: Path) -> None:
    public = write_hdf5(tmp_path / "a.h5", jets)
    noisy = write_parquet(tmp_path / "a.parquet", jets, with_noise(jets, 1))
    one, quiet = told(public, tmp_path / "one")
    other, said = told(noisy, tmp_path / "other")
    assert quiet == []
    assert [line.partition(": ")[2] for line in said] == [said[0].partition(": ")[2]]
    assert "taken as GeV" in said[0]
    assert "below 0.001 GeV become 0" in said[0]
    assert one.load().hash == other.load().hash
    assert hits(one.load()) == hits(jets)
    np.testing.assert_allclose(other[:].sums(), jets.sums(), rtol=1e-5)
    assert [f["unit"] for s in (one, other) for f in s.manifest["provenance"]["files"]] == [
        "image",
        "gev",
    ]
    with pytest.warns(UserWarning, match="taken as GeV"):
        assert hits(cv.load(noisy, limit=7)) == hits(jets[:7])


def test_each_file_is_judged_on_its_own(jets: Events, tmp_path: Path) -> None:
    files = [
        write_parquet(tmp_path / "a.parquet", jets[:5], with_noise(jets[:5], 1), group=3),
        write_hdf5(tmp_path / "b.h5", jets[5:9]),
        write_hdf5(tmp_path / "c.h5", jets[9:], with_noise(jets[9:], 2).transpose(0, 2, 3, 1)),
    ]
    store, said = told(files, tmp_path / "set")
    assert [line.partition(": ")[0] for line in said] == [str(files[0]), str(files[2])]
    assert hits(store.load()) == hits(jets)
    again, _ = told(files, tmp_path / "workers", overwrite=True)
    assert again.hash == store.hash


def test_what_is_said_holds_and_is_not_told(jets: Events, tmp_path: Path) -> None:
    noisy = write_parquet(tmp_path / "a.parquet", jets, with_noise(jets, 1))
    store, said = told(noisy, tmp_path / "set", unit="gev", threshold=1e-3)
    assert (hits(store.load()), said) == (hits(jets), [])
    hard, _ = told(noisy, tmp_path / "hard", unit="GeV", threshold=0.5)
    pixels = jets.to_dense("gev")
    assert hard.load().value.size < jets.value.size
    assert np.array_equal(hard.load().to_dense() > 0, pixels >= np.float32(0.5))
    loose, _ = told(noisy, tmp_path / "loose", unit="gev", threshold=0)
    dense = loose.load().to_dense()
    assert (dense >= 0).all()
    assert ((dense > 0) & (dense < 1e-3)).any()
    wrong, said = told(noisy, tmp_path / "wrong", unit="image", threshold=0.1)
    assert any("times what pt suggests: GeV taken as image units? give unit gev" in s for s in said)
    factor = float(next(s for s in said if "energies of" in s).split(" are ")[1].split()[0])
    assert 20 < factor < 500
    assert wrong.load().sums().sum() > 90 * jets.sums().sum()


def test_noise_in_image_units_needs_a_threshold(jets: Events, tmp_path: Path) -> None:
    images = (with_noise(jets, 1) / UNIT_GEV).transpose(0, 2, 3, 1).astype("f4")
    path = write_hdf5(tmp_path / "a.h5", jets, images)
    with pytest.raises(InputError, match=r"negative .-0\.105.; .* give a threshold"):
        cv.convert(path, tmp_path / "set", quiet=True)
    store, said = told(path, tmp_path / "set", threshold=1e-3)
    assert said == []
    np.testing.assert_array_equal(store.load().cell, jets.cell)
    np.testing.assert_allclose(store.load().value, jets.value, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("unit", ["gev", "image"])
def test_a_threshold_hides_no_broken_pixel(
    jets: Events, tmp_path: Path, value: float, unit: Any
) -> None:
    images = jets.to_dense("image").transpose(0, 2, 3, 1)
    images[3, 7, 8, 1] = value
    path = write_hdf5(tmp_path / "a.h5", jets, images)
    with pytest.raises(InputError, match=r"event 3 .* not finite"):
        cv.convert(path, tmp_path / "set", unit=unit, threshold=0.01, quiet=True)


def test_towers_as_loaders_multiply_them_are_told(jets: Events, tmp_path: Path) -> None:
    images = with_noise(jets, 1)
    # The toys' towers hold three times what the public ones do.
    images[:, 2] = np.where(images[:, 2] > 1e-3, 25 / 3 * images[:, 2], 0)
    _, said = told(write_parquet(tmp_path / "a.parquet", jets, images), tmp_path / "set")
    assert "taken as GeV" in said[0]
    (line,) = said[1:]
    assert "channel 'hcal'" in line
    assert "hold its whole tower, not 1/25? divide by 25" in line


def test_shifted_towers_are_told(jets: Events, tmp_path: Path) -> None:
    images = np.roll(jets.to_dense("image").transpose(0, 2, 3, 1), 2, axis=1)
    _, said = told(write_hdf5(tmp_path / "a.h5", jets, images), tmp_path / "set")
    (line,) = said
    assert "pixels of channel 'hcal' differ" in line


def test_mixed_units_in_one_file_are_told(jets: Events, tmp_path: Path) -> None:
    images = jets.to_dense("image").transpose(0, 2, 3, 1)
    images[9:] *= UNIT_GEV
    _, said = told(write_hdf5(tmp_path / "a.h5", jets, images), tmp_path / "set")
    (line,) = said
    assert "energies of 25 % of the events are" in line


def test_arrays_take_the_same_threshold(jets: Events) -> None:
    noisy = with_noise(jets, 3)
    given = {"label": jets.label, "pt": jets["pt"], "m0": jets["m0"]}
    with pytest.raises(InputError, match="negative"):
        cv.from_images(noisy, **given)
    events = cv.from_images(noisy, threshold=1e-3, **given)
    np.testing.assert_array_equal(events.cell, jets.cell)
    with pytest.raises(InputError, match="threshold is -1"):
        cv.from_images(noisy, threshold=-1, **given)
    with pytest.warns(UserWarning, match=r"0\.0\d+ times what pt suggests: image units taken as"):
        cv.from_images(jets.to_dense("image"), **given)


def test_a_grid_in_gev_has_no_other_unit(jets: Events, tmp_path: Path) -> None:
    grid = replace(
        JET_IMAGES, channels=tuple(replace(c, gev_per_unit=1.0) for c in JET_IMAGES.channels)
    )
    images = jets.to_dense("gev").transpose(0, 2, 3, 1)
    path = write_hdf5(tmp_path / "a.h5", jets, images)
    store, said = told(path, tmp_path / "set", geometry=grid)
    assert said == []
    np.testing.assert_allclose(store.load().sums(), jets.sums(), rtol=1e-5)
