from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events import Events, concatenate, save
from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import Compression, export


@pytest.mark.parametrize("compression", ["none", "lzf", "gzip"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_public_file_comes_back_to_the_last_bit(
    toy_jets: Events, tmp_path: Path, compression: Compression, dtype: str
) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_jets, dtype)
    store = convert([source], tmp_path / "set")
    out = export(store, tmp_path / "out.h5", compression=compression)
    with h5py.File(source) as a, h5py.File(out) as b:
        assert set(a) == set(b) == {"X_jets", "m0", "pt", "y"}
        for key in a:
            assert a[key].dtype == b[key].dtype
            assert a[key][:].tobytes() == b[key][:].tobytes()


def test_crops_come_back(toy_crops: Events, tmp_path: Path) -> None:
    source = toys.write_hdf5(tmp_path / "in.h5", toy_crops)
    out = export(convert([source], tmp_path / "set"), tmp_path / "out.h5")
    with h5py.File(source) as a, h5py.File(out) as b:
        assert set(b) == {"X", "y"}
        assert a["X"][:].tobytes() == b["X"][:].tobytes()


def test_truth_becomes_datasets_and_converts_back(toy_jets: Events, tmp_path: Path) -> None:
    out = export(save(toy_jets, tmp_path / "set", provenance={}), tmp_path / "out.h5")
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["y"][:], toy_jets.label)
        np.testing.assert_array_equal(file["event_id"][:], toy_jets.columns["event_id"])
        assert file["X_jets"].shape == (64, 125, 125, 3)
    again = convert([out], tmp_path / "again").load()
    for name in ("offsets", "cell", "code", "value"):
        assert getattr(again, name).tobytes() == getattr(toy_jets, name).tobytes()
    assert set(again.columns) == set(toy_jets.columns)
    for name, column in toy_jets.columns.items():
        assert again.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(again.columns[name], column)


def test_same_set_gives_the_same_bytes(toy_jets: Events, tmp_path: Path) -> None:
    store = save(toy_jets[:5], tmp_path / "set", provenance={})
    first = export(store, tmp_path / "a.h5").read_bytes()
    assert export(store, tmp_path / "b.h5").read_bytes() == first


def test_refusals_leave_nothing_behind(toy_jets: Events, tmp_path: Path) -> None:
    store = save(toy_jets[:5], tmp_path / "set", provenance={})
    out = tmp_path / "out.h5"
    out.write_text("precious")
    with pytest.raises(InputError, match="exists"):
        export(store, out)
    assert out.read_text() == "precious"
    export(store, out, overwrite=True)
    with pytest.raises(InputError, match="no folder"):
        export(store, tmp_path / "nowhere" / "out.h5")
    unlabelled = toy_jets[:5]
    del unlabelled.columns["label"]
    with pytest.raises(InputError, match="no labels"):
        export(save(unlabelled, tmp_path / "plain", provenance={}), tmp_path / "plain.h5")
    shard = store.path / "shard-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(InputError, match="damaged"):
        export(store, tmp_path / "torn.h5")
    assert not [p.name for p in tmp_path.iterdir() if "torn" in p.name or "plain.h5" in p.name]


FULL_DISK = """
import resource, signal, sys
from calovision.errors import InputError
from calovision.events import EventStore
from calovision.events.formats.export_dense import export
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    export(EventStore.open(sys.argv[1]), sys.argv[2], compression=sys.argv[3])
except InputError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_full_disk(toy_jets: Events, tmp_path: Path, compression: str) -> None:
    # A limit of the file's size fails writes as a full disk does, deep inside HDF5.
    store = save(concatenate([toy_jets] * 4), tmp_path / "set", provenance={})
    command = [sys.executable, "-c", FULL_DISK, str(store.path), str(tmp_path / "out.h5")]
    result = subprocess.run([*command, compression], capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert "the disk is full while writing" in result.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
