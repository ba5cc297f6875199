from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toys
from calovision.errors import InputError
from calovision.events import JET_IMAGES, Events, concatenate
from calovision.events import store as store_module
from calovision.events.formats import chunks as portions_module
from calovision.events.formats import convert as convert_module
from calovision.events.formats import hdf5 as hdf5_module
from calovision.events.formats.chunks import _limited
from calovision.events.formats.convert import convert

FULL = 125 * 125 * 3  #: hits of a jet without a zero
STORAGE: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "in pieces": {"compression": "lzf", "chunks": (7, 20, 125, 1)},
}


def full_jets(path: Path, n: int, **storage: Any) -> np.ndarray[Any, Any]:
    """A file of ``n`` jets without a zero; returns its images."""
    images = np.random.default_rng(1).uniform(0.1, 1.0, (n, 125, 125, 3)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("X_jets", data=images, **storage)
        file["m0"] = file["pt"] = np.arange(float(n))
        file["y"] = np.arange(n) % 2.0
    return images


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("storage", STORAGE)
def test_hits_of_a_shard_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    path, n, limit = tmp_path / "full.h5", 11, 3 * FULL + 100
    images = full_jets(path, n, **STORAGE[storage])
    monkeypatch.setattr(portions_module, "SHARD_HITS", limit)
    monkeypatch.setattr(convert_module, "SHARD_HITS", limit)
    monkeypatch.setattr(hdf5_module, "BAND_BYTES", 2_000_000)
    store = convert([path], tmp_path / "set")
    assert max(s["hits"] for s in store.manifest["shards"]) <= limit
    assert [s["events"] for s in store.manifest["shards"]] == [3] * 3 + [2]
    back = np.ascontiguousarray(store.load().to_dense("image").transpose(0, 2, 3, 1))
    assert back.tobytes() == images.tobytes()
    np.testing.assert_array_equal(store.column("pt"), np.arange(n))


def test_usual_jets_do_not_reach_the_limit() -> None:
    per_event = JET_IMAGES.cells * len(JET_IMAGES.channels)
    jets = convert_module.SHARD_VALUES // per_event
    assert portions_module.SHARD_HITS / jets > 2 * toys.JET_OCCUPANCY.sum(axis=1).max()
    # What one shard may take in memory while it is made: some ten copies of seven bytes.
    assert portions_module.SHARD_HITS * 7 * 10 < 600e6


@pytest.mark.parametrize("kept", [1, 3])
def test_interrupted_within_the_shards_of_one_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    path = tmp_path / "full.h5"
    full_jets(path, 10)
    monkeypatch.setattr(portions_module, "SHARD_HITS", 3 * FULL)
    convert([path], tmp_path / "whole")
    write = store_module.StoreWriter.write_bytes

    def some(self: store_module.StoreWriter, index: int, payload: bytes) -> None:
        if len(self.done()) == kept:
            raise InputError("the disk is full")
        write(self, index, payload)

    out = tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(store_module.StoreWriter, "write_bytes", some)
        with pytest.raises(InputError, match="full"):
            convert([path], out)
    before = {p: p.stat().st_mtime_ns for p in out.glob("shard-*")}
    assert len(before) == kept
    convert([path], out)
    assert contents(out) == contents(tmp_path / "whole")
    assert all(p.stat().st_mtime_ns == t for p, t in before.items())


def test_another_limit_is_another_set(
    toy_jets: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets)

    def interrupted(self: store_module.StoreWriter) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module.StoreWriter, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert([path], tmp_path / "set")
    monkeypatch.setattr(convert_module, "SHARD_HITS", 1000)
    with pytest.raises(InputError, match="another origin"):
        convert([path], tmp_path / "set")


@given(
    hits=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
def test_where_shards_end_does_not_depend_on_the_blocks(hits: list[int], cuts: list[int]) -> None:
    offsets = np.concatenate([[0], np.cumsum(hits)]).astype(np.int64)
    cell = np.arange(offsets[-1], dtype=np.uint16)
    events = Events(
        JET_IMAGES, offsets, cell, np.zeros(len(cell), np.uint8), cell.astype(np.float32)
    )
    ends = sorted({min(c, len(hits)) for c in cuts} | {0, len(hits)})
    blocks = [events[a:b] for a, b in pairwise(ends)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions_module, "SHARD_HITS", 12)
        found = list(_limited(iter(blocks)))
        alone = list(_limited(iter([events])))
    assert [len(f) for f in found] == [len(a) for a in alone]
    assert all(f.offsets[-1] <= 12 for f in found)
    np.testing.assert_array_equal(concatenate(found).cell, cell)
    np.testing.assert_array_equal(concatenate(found).offsets, offsets)


def test_a_limit_below_one_event_gives_shards_of_one(
    toy_jets: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toys.write_hdf5(tmp_path / "jets.h5", toy_jets[:5])
    whole = convert([path], tmp_path / "whole")
    monkeypatch.setattr(portions_module, "SHARD_HITS", 10)
    single = convert([path], tmp_path / "single")
    assert [s["events"] for s in single.manifest["shards"]] == [1] * 5
    np.testing.assert_array_equal(single.load().value, whole.load().value)
