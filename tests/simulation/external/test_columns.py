"""Labels, weights and missing values in files of particles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from calovision.errors import InputError
from calovision.simulation.external.files import Options
from calovision.simulation.external.images import image
from external_toys import (
    momenta,
    padded,
    some_jets,
    tables,
    write_hepmc,
    write_nullable,
    write_parquet,
    write_root,
)

JETS = some_jets(6, 5)
QUIET = Options(pileup=0.0, noise=0.0)


def read(file: Path, options: Options | None = None) -> dict[str, Any]:
    """Per-row numbers, from portions of four rows."""
    parts = [t.columns for t in tables(file, 4, options)]
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def test_nullable_columns_without_nulls_are_plain(tmp_path: Path) -> None:
    file = write_nullable(tmp_path / "x.parquet", JETS | {"label": [0, 1] * 3})
    assert pq.read_schema(file).field("pdg").nullable
    (table,) = tables(file, 100)
    assert type(table.pdg) is np.ndarray
    assert np.array_equal(table.pdg, ak.to_numpy(ak.flatten(JETS["pdg"])))
    assert table.momentum[3] == pytest.approx(ak.to_numpy(ak.flatten(momenta(JETS)["energy"])))
    store = image([file], tmp_path / "out", 1, QUIET)
    assert store.column("label").tolist() == [0, 1] * 3


@pytest.mark.parametrize("name", ["pdg", "pt", "label", "weight"])
@pytest.mark.parametrize("whole", [True, False])
def test_nulls_are_told_with_their_row(tmp_path: Path, name: str, whole: bool) -> None:
    columns = {k: ak.to_list(v) for k, v in JETS.items()}
    columns |= {"label": [0, 1] * 3, "weight": [1.0] * 6}
    if whole or name in ("label", "weight"):
        columns[name][4] = None
    else:
        columns[name][4][1] = None
    file = write_nullable(tmp_path / "x.parquet", columns)
    for size in (100, 3):
        with pytest.raises(InputError, match=rf"x.parquet: {name} .*missing.* in row 4"):
            list(tables(file, size))


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["quark", "gluon"] * 3, r"label is string \(quark in row 0\)"),
        ([b"1", b"0"] * 3, "label is bytes"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.5], "label is 0.5 in row 5"),
        ([0, 1, 2, 0, 1, 2], "label is 2 in row 2"),
        ([0, 0, 0, 0, -1, 0], "label is -1 in row 4"),
        ([0.0, float("nan"), 1.0] * 2, "label is nan in row 1"),
        ([[0, 1]] * 6, "label is .*not one number a row"),
    ],
)
def test_labels_that_are_no_classes_are_told(tmp_path: Path, labels: list[Any], told: str) -> None:
    file = write_nullable(tmp_path / "x.parquet", JETS | {"label": labels})
    with pytest.raises(InputError, match=rf"x.parquet: {told}.*give 0 \(gluon\) or 1 \(quark\)"):
        read(file)
    assert "label" not in read(file, Options(label=0))


@pytest.mark.parametrize(
    "labels", [[True, False] * 3, [1.0, 0.0] * 3, [[1], [0]] * 3, np.array([1, 0] * 3, np.uint8)]
)
def test_labels_that_are_classes_are_kept(tmp_path: Path, labels: Any) -> None:
    for name in ("label", "Label", "y"):
        file = write_nullable(tmp_path / "x.parquet", JETS | {name: labels})
        if name == "y" and isinstance(labels[0], list):
            continue  # a list of that name is a rapidity
        found = read(file)["label"]
        assert found.dtype == np.int8
        assert found.tolist() == [1, 0] * 3


def test_labels_of_tables_are_checked_too(tmp_path: Path) -> None:
    table = padded(JETS)
    cube = np.stack([table["pt"], table["eta"], table["phi"], table["pdg"]], 2)
    for labels, told in (
        (np.array(["q", "g"] * 3), "y is string"),
        (np.arange(6) / 2, "y is 0.5 in row 1"),
        (np.zeros(5), r"y has the shape \(5,\)"),
    ):
        np.savez(tmp_path / "x.npz", X=cube, y=labels)
        with pytest.raises(InputError, match=told):
            read(tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", X=cube, y=np.array([[0.0], [1.0]] * 3))
    assert read(tmp_path / "x.npz")["label"].tolist() == [0, 1] * 3


WEIGHTS = np.array([-1.5, 0.0, 2.0, 1e-9, 3.25, 1e9])


@pytest.mark.parametrize("name", ["weight", "genWeight", "Event.Weight", "EventHeader.weight"])
def test_weights_are_kept_exactly(tmp_path: Path, name: str) -> None:
    listed = "." in name  # as Delphes and EDM4hep have them
    column = ak.Array([[w] for w in WEIGHTS]) if listed else ak.Array(WEIGHTS)
    for file in (
        write_root(tmp_path / "x.root", JETS | {name: column}),
        write_parquet(tmp_path / "x.parquet", JETS | {name: column}),
    ):
        found = read(file)["weight"]
        assert found.dtype == np.float64
        assert np.array_equal(found, WEIGHTS)


def test_weights_of_jets_are_those_of_their_rows(tmp_path: Path) -> None:
    file = write_hepmc(tmp_path / "x.hepmc3", JETS, weights=lambda i: [WEIGHTS[i]])
    store = image([file], tmp_path / "out", 1, QUIET)
    assert len(store) > 3
    assert store.column("weight").dtype == np.float64
    assert np.array_equal(store.column("weight"), WEIGHTS[store.column("event_id")])
    plain = image([write_parquet(tmp_path / "x.parquet", JETS)], tmp_path / "plain", 1, QUIET)
    assert "weight" not in plain.manifest["columns"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "heavy", [1.0, 2.0]])
def test_weights_that_are_no_numbers_are_told(tmp_path: Path, bad: Any) -> None:
    weights = [bad] * 6 if isinstance(bad, str | list) else [1.0, 1.0, 1.0, bad, 1.0, 1.0]
    file = write_nullable(tmp_path / "x.parquet", JETS | {"weight": weights})
    with pytest.raises(InputError, match=r"x.parquet: weight is"):
        read(file)


def test_files_must_tell_the_same_of_their_rows(tmp_path: Path) -> None:
    bare = write_parquet(tmp_path / "bare.parquet", JETS)
    labelled = write_nullable(tmp_path / "known.parquet", JETS | {"label": [1] * 6})
    with pytest.raises(InputError, match=r"known.parquet: it has a label, .* none"):
        image([bare, labelled], tmp_path / "out", 1, QUIET)
    with pytest.raises(InputError, match=r"bare.parquet: it has no label, .* one"):
        image([labelled, bare], tmp_path / "out2", 1, QUIET)
    other = write_hepmc(tmp_path / "x.hepmc3", JETS)
    with pytest.raises(InputError, match=r"row of known.parquet is one of jets, .* of events"):
        image([labelled, other], tmp_path / "out3", 1, QUIET)
