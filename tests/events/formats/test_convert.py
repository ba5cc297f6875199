from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import toys
from calovision.errors import InputError
from calovision.events import Events, EventStore
from calovision.events.formats import convert as convert_module
from calovision.events.formats import hdf5 as hdf5_module
from calovision.events.formats.convert import convert
from calovision.events.formats.parquet import ParquetImages

STORAGE: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "gzip by event": {"compression": "gzip", "chunks": (4, 125, 125, 3)},
    "lzf in small pieces": {"compression": "lzf", "chunks": (40, 4, 16, 1)},
}


def dense_of(path: Path, key: str = "X_jets") -> np.ndarray[Any, Any]:
    with h5py.File(path) as file:
        images: np.ndarray[Any, Any] = file[key][:]
    return images


def assert_holds(store: EventStore, images: np.ndarray[Any, Any]) -> None:
    events = store.load()
    back = np.ascontiguousarray(events.to_dense("image").transpose(0, 2, 3, 1))
    assert back.dtype == images.dtype
    assert back.tobytes() == images.tobytes()


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
@pytest.mark.parametrize("storage", STORAGE)
def test_hdf5_jets_are_lossless(toy_jets: Events, tmp_path: Path, storage: str, dtype: str) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets, dtype, **STORAGE[storage])
    store = convert([path], tmp_path / "set")
    assert_holds(store, dense_of(path).astype(dtype.strip(">")))
    assert set(np.unique(store.load().code)) == {0, 1, 2}
    for name in ("label", "pt", "m0"):
        np.testing.assert_array_equal(store.column(name), toy_jets.columns[name])
    assert store.column("label").dtype == np.int8
    assert store.manifest["provenance"]["label_dtype"] == "float64"
    assert store.manifest["provenance"]["files"][0]["size"] == path.stat().st_size


def test_small_bands_of_rows_give_the_same_set(
    toy_jets: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets, **STORAGE["lzf in small pieces"])
    whole = convert([path], tmp_path / "whole")
    for budget in (1, 700_000, 1_300_000):
        monkeypatch.setattr(hdf5_module, "BAND_BYTES", budget)
        store = convert([path], tmp_path / f"bands-{budget}")
        assert_holds(store, dense_of(path))
        np.testing.assert_array_equal(store.load().cell, whole.load().cell)


def test_crops_of_two_files_become_one_set(toy_crops: Events, tmp_path: Path) -> None:
    paths = [
        toys.write_hdf5(tmp_path / f"{name}.h5", toy_crops[toy_crops.label == k])
        for k, name in enumerate(("photon", "electron"))
    ]
    store = convert(paths, tmp_path / "set")
    assert_holds(store, np.concatenate([dense_of(p, "X") for p in paths]))
    assert store.column("label").tolist() == sorted(toy_crops.label.tolist())
    names = [f["name"] for f in store.manifest["provenance"]["files"]]
    assert names == ["photon.h5", "electron.h5"]


@pytest.mark.parametrize(("group", "layout"), [(1, "first"), (5, "last"), (1000, "first")])
def test_parquet_images_are_lossless(
    toy_jets: Events, tmp_path: Path, group: int, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert_module, "SHARD_EVENTS", 5)
    monkeypatch.setattr(ParquetImages, "step", 3)
    jets = toy_jets[:13]
    path = toys.write_parquet(tmp_path / "jets.parquet", jets, group, layout)
    store = convert([path], tmp_path / "set")
    assert_holds(store, jets.to_dense("image").transpose(0, 2, 3, 1).astype("f8"))
    np.testing.assert_array_equal(store.column("pt"), jets.columns["pt"].astype("f8"))
    assert len(store.manifest["shards"]) == 3


def test_lone_hcal_pixels_survive(toy_jets: Events, tmp_path: Path) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets[:4])
    with h5py.File(path, "r+") as file:
        file["X_jets"][1, 17, 23, 2] = 0.75
    assert_holds(convert([path], tmp_path / "set"), dense_of(path))


def test_truth_columns_are_kept(toy_jets: Events, tmp_path: Path) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)
    with h5py.File(path, "r+") as file:
        file["gen_pt"] = toy_jets.columns["gen_pt"]
        file["notes"] = "text is left out"
        file["weights_of_something_else"] = np.zeros(3)
    store = convert([path], tmp_path / "set")
    assert set(store.columns) == {"label", "pt", "m0", "gen_pt"}


def test_same_file_gives_the_same_bytes(toy_jets: Events, tmp_path: Path) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)
    for out in ("a", "b"):
        convert([path], tmp_path / out)
    for name in ("manifest.json", "shard-00000.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def _edit(key: str, value: Any) -> Callable[[h5py.File], None]:
    def edit(file: h5py.File) -> None:
        del file[key]
        if value is not None:
            file[key] = value

    return edit


def _pixel(value: float) -> Callable[[h5py.File], None]:
    def edit(file: h5py.File) -> None:
        file["X_jets"][40, 3, 4, 1] = value

    return edit


BAD: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "no images": (_edit("X_jets", None), "neither X_jets nor X .it has m0, pt, y."),
    "no pt": (_edit("pt", None), "no key pt"),
    "no labels": (_edit("y", None), "no key y"),
    "wrong grid": (_edit("X_jets", np.zeros((64, 100, 125, 3), "f4")), "shape .64, 100, 125, 3."),
    "no channels": (_edit("X_jets", np.zeros((64, 125, 125), "f4")), "shape"),
    "integers": (_edit("X_jets", np.zeros((64, 125, 125, 3), "i4")), "int32"),
    "no events": (_edit("X_jets", np.zeros((0, 125, 125, 3), "f4")), "no events"),
    "too few labels": (_edit("y", np.zeros(63)), "y has 63 rows, the images 64"),
    "too many pt": (_edit("pt", np.ones(65)), "pt has 65 rows"),
    "one-hot labels": (_edit("y", np.zeros((64, 2))), "one number an event"),
    "text labels": (_edit("y", np.array([b"quark"] * 64)), "one number an event"),
    "third class": (_edit("y", np.arange(64) % 3), "y is 2 for event 2"),
    "half a label": (_edit("y", np.full(64, 0.5)), "y is 0.5 for event 0"),
    "nan label": (_edit("y", np.full(64, np.nan)), "y is nan"),
    "nan mass": (_edit("m0", np.full(64, np.nan)), "m0 is nan for event 0"),
    "negative pt": (_edit("pt", np.full(64, -1.0)), "pt is -1 for event 0"),
    "nan pixel": (_pixel(np.nan), "event 40 .* 'ecal' that is not finite"),
    "infinite pixel": (_pixel(np.inf), "event 40 .* not finite"),
    "negative pixel": (_pixel(-0.5), "event 40 .* negative .-0.5."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_content_is_one_line_and_leaves_nothing(
    toy_jets: Events, tmp_path: Path, case: str
) -> None:
    edit, message = BAD[case]
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(InputError, match=message) as caught:
        convert([path], tmp_path / "set")
    assert "\n" not in str(caught.value)
    assert "jets.h5" in str(caught.value)
    assert not (tmp_path / "set").exists()


def test_unreadable_files(toy_jets: Events, tmp_path: Path) -> None:
    good = toys.write_hdf5(tmp_path / "good.h5", toy_jets[:2]).read_bytes()
    table = toys.write_parquet(tmp_path / "good.parquet", toy_jets[:2]).read_bytes()
    cases = {
        "empty": (b"", "is empty"),
        "text": (b"hello" * 1000, r"is text, not an HDF5, NumPy .\.npz. or Parquet file"),
        "short.h5": (good[: len(good) // 2], "truncated"),
        "short.parquet": (table[: len(table) // 2], "truncated"),
        "torn.parquet": (table[:4] + bytes(1000) + table[1004:], "truncated or damaged"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            convert([tmp_path / name], tmp_path / "set")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "set").exists()
    with pytest.raises(InputError, match="does not exist"):
        convert([tmp_path / "nothing.h5"], tmp_path / "set")
    with pytest.raises(InputError, match="is a folder"):
        convert([tmp_path], tmp_path / "set")
    with pytest.raises(InputError, match="no file"):
        convert([], tmp_path / "set")


def test_bad_parquet_content(toy_jets: Events, tmp_path: Path) -> None:
    good = pq.read_table(toys.write_parquet(tmp_path / "good.parquet", toy_jets[:3]))
    images = good["X_jets"].to_pylist()
    ragged = [images[0], images[1][:2], images[2]]
    negative = np.array(images)
    negative[2, 1, 5, 5] = -1.0
    cases = {
        "ragged": (good.set_column(0, "X_jets", pa.array(ragged)), "different shapes"),
        "flat": (good.set_column(0, "X_jets", pa.array([[1.0]] * 3)), "shape"),
        "missing": (good.drop_columns(["m0"]), "no key m0"),
        "null": (good.set_column(1, "pt", pa.array([1.0, None, 2.0])), "pt has missing values"),
        "negative": (
            good.set_column(0, "X_jets", pa.array(negative.tolist())),
            "event 2 .* negative",
        ),
    }
    for name, (table, message) in cases.items():
        pq.write_table(table, tmp_path / name)
        with pytest.raises(InputError, match=message):
            convert([tmp_path / name], tmp_path / "set")
        assert not (tmp_path / "set").exists()


def test_files_of_different_kinds_are_not_mixed(
    toy_jets: Events, toy_crops: Events, tmp_path: Path
) -> None:
    jets = toys.write_hdf5(tmp_path / "jets.h5", toy_jets[:2])
    others = [
        toys.write_hdf5(tmp_path / "double.h5", toy_jets[:2], "f8"),
        toys.write_hdf5(tmp_path / "crops.h5", toy_crops[:2]),
    ]
    for other in others:
        with pytest.raises(InputError, match="different events"):
            convert([jets, other], tmp_path / "set")


CONVERT = """
import sys
from calovision.events.formats import convert as c
c.SHARD_EVENTS = 64
write = c.StoreWriter.write_bytes
def slow(self, index, payload):
    import time
    write(self, index, payload)
    time.sleep(0.3)
c.StoreWriter.write_bytes = slow
c.convert([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]))
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_conversion_goes_on_where_it_was(
    make_jets: Callable[[int, int], Events],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: str,
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", make_jets(400, 5))
    out = tmp_path / "set"
    command = [sys.executable, "-c", CONVERT, str(path), str(out), workers]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while len(list(out.glob("shard-*.parquet"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = {p: p.stat().st_mtime_ns for p in out.glob("shard-*.parquet")}
    assert 2 <= len(done) < 7
    with pytest.raises(InputError, match="unfinished"):
        EventStore.open(out)
    monkeypatch.setattr(convert_module, "SHARD_EVENTS", 64)
    store = convert([path], out)
    assert all(p.stat().st_mtime_ns == t for p, t in done.items())
    assert_holds(store, dense_of(path))
    store.verify()


def test_full_disk_keeps_finished_shards_and_can_go_on(
    make_jets: Callable[[int, int], Events], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", make_jets(200, 5))
    monkeypatch.setattr(convert_module, "SHARD_EVENTS", 64)
    write = Path.write_bytes

    def full(self: Path, payload: bytes) -> int:
        if "00128" in self.name:
            raise OSError(28, "No space left on device")
        return write(self, payload)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="disk is full"):
            convert([path], tmp_path / "set")
    kept = sorted(p.name for p in (tmp_path / "set").iterdir())
    assert kept[:2] == ["shard-00000.parquet", "shard-00064.parquet"]
    assert kept[-1] == "unfinished.json"
    assert not any(name.endswith(".part") for name in kept)
    assert_holds(convert([path], tmp_path / "set"), dense_of(path))


MEASURE = """
import re, sys
from pathlib import Path
from calovision.events.formats import convert as c
c.SHARD_EVENTS = 256
c.convert([sys.argv[1]], sys.argv[2])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("storage", [{"chunks": (64, 125, 125, 3), "compression": "lzf"}, {}])
def test_memory_does_not_grow_with_the_file(
    make_jets: Callable[[int, int], Events], tmp_path: Path, storage: dict[str, Any]
) -> None:
    path = tmp_path / "jets.h5"
    jets = make_jets(64, 1)
    copies = 50  # 3,200 jets, 600 MB dense
    with h5py.File(path, "w") as file:
        images = file.create_dataset("X_jets", (64 * copies, 125, 125, 3), "f4", **storage)
        dense = jets.to_dense("image").transpose(0, 2, 3, 1)
        for i in range(copies):
            images[64 * i : 64 * (i + 1)] = dense
        for name, column in (("m0", "m0"), ("pt", "pt"), ("y", "label")):
            file[name] = np.tile(jets.columns[column], copies)
    run = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "set")]
    peak_kib = int(subprocess.run(run, capture_output=True, check=True, text=True).stdout)
    assert peak_kib < 450 * 1024
    assert len(EventStore.open(tmp_path / "set")) == 64 * copies
