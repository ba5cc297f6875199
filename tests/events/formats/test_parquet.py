"""Parquet as different programs write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import calovision as cv
from calovision.errors import InputError

LIST, LARGE = pa.list_, pa.large_list


def fixed(kind: pa.DataType, sizes: tuple[int, ...]) -> pa.DataType:
    for size in reversed(sizes):
        kind = pa.list_(kind, size)
    return kind


KINDS: dict[str, tuple[pa.DataType, str]] = {
    "lists of double": (LIST(LIST(LIST(pa.float64()))), "f8"),
    "lists of float": (LIST(LIST(LIST(pa.float32()))), "f4"),
    "large lists": (LARGE(LARGE(LARGE(pa.float32()))), "f4"),
    "lists of a fixed size": (fixed(pa.float32(), (3, 125, 125)), "f4"),
    "a mixture": (LARGE(fixed(pa.float64(), (125, 125))), "f8"),
}


def columns(jets: cv.Events) -> dict[str, Any]:
    return {"y": jets.label.astype("f4"), "pt": jets["pt"], "m0": jets["m0"]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("group", [1, 100])
def test_any_lists(toy_jets: cv.Events, tmp_path: Path, kind: str, group: int) -> None:
    jets, (arrow, dtype) = toy_jets[:4], KINDS[kind]
    images = pa.array(jets.to_dense("image").astype(dtype).tolist(), arrow)
    table = pa.table({"X_jets": images, **columns(jets)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    events = cv.convert(tmp_path / "a.parquet", tmp_path / "set", quiet=True).load()
    assert events.value.dtype == dtype
    np.testing.assert_array_equal(events.value, jets.value)
    np.testing.assert_array_equal(events.cell, jets.cell)


def test_as_pandas_writes_it(toy_jets: cv.Events, tmp_path: Path) -> None:
    jets = toy_jets[:4]
    images = [list(map(list, image)) for image in jets.to_dense("image")]
    frame = pd.DataFrame({"X_jets": images, **columns(jets), "event": jets["event_id"]})
    frame.index = np.array([3, 1, 4, 5])
    frame.to_parquet(tmp_path / "a.parquet")
    events = cv.convert(tmp_path / "a.parquet", tmp_path / "set", quiet=True).load()
    np.testing.assert_array_equal(events.value, jets.value)
    assert set(events.columns) == {"label", "pt", "m0", "event"}


def test_columns_of_lists_of_one(toy_jets: cv.Events, tmp_path: Path) -> None:
    jets = toy_jets[:3]
    images = jets.to_dense("image").tolist()
    content = {k: pa.array([[x] for x in v.tolist()]) for k, v in columns(jets).items()}
    more = {"tags": pa.array([[1], [2, 3], []]), "name": pa.array(["a", "b", "c"])}
    pq.write_table(pa.table({"X_jets": images, **content, **more}), tmp_path / "a.parquet")
    events = cv.convert(tmp_path / "a.parquet", tmp_path / "set", quiet=True).load()
    assert events.label.tolist() == jets.label.tolist()
    np.testing.assert_allclose(events["pt"], jets["pt"])
    assert "name" not in events.columns
    content["pt"] = pa.array([[1.0], [2.0, 3.0], [4.0]])
    pq.write_table(pa.table({"X_jets": images, **content}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="pt has 4 rows, the images 3"):
        cv.convert(tmp_path / "b.parquet", tmp_path / "set-b", quiet=True)


def test_images_of_one_channel_need_no_list_of_it(toy_crops: cv.Events, tmp_path: Path) -> None:
    energies = toy_crops[:5].to_dense("image")[:, 0]
    table = pa.table({"e": energies.tolist(), "kind": toy_crops.label[:5]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.warns(UserWarning, match="energies alone"):
        store = cv.convert(
            tmp_path / "a.parquet", tmp_path / "set", keys={"X": "e", "y": "kind"}, quiet=True
        )
    np.testing.assert_array_equal(store.load().to_dense("image")[:, 0], energies)
