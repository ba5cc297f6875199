"""Sets as jagged arrays for other programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.formats import export_jagged as exporting
from calovision.events.formats.export_jagged import export_jagged
from calovision.events.store import EventStore, save


@pytest.fixture
def store(tmp_path: Path, toy_jets: Events, monkeypatch: pytest.MonkeyPatch) -> EventStore:
    monkeypatch.setattr(exporting, "CHUNK_EVENTS", 25)
    jets = toy_jets[:60]
    jets.columns["pair"] = np.arange(120, dtype=np.float32).reshape(60, 2)
    return save(jets, tmp_path / "jets", provenance={})


def check(arrays: ak.Array, store: EventStore) -> None:
    events = store[:]
    assert ak.num(arrays["hit_energy"]).tolist() == events.n_hits.tolist()
    for name, wanted in exporting._hits(events).items():
        assert np.array_equal(ak.to_numpy(ak.flatten(arrays["hit_" + name])), wanted), name
    for name, values in events.columns.items():
        assert np.array_equal(ak.to_numpy(arrays[name]), values), name
    assert ak.sum(arrays["hit_energy"]) == pytest.approx(events.sums().sum(), rel=1e-5)


def test_awkward_reads_the_parquet_file(store: EventStore, tmp_path: Path) -> None:
    path = export_jagged(store, tmp_path / "jets.parquet")
    check(ak.from_parquet(path), store)


def test_uproot_reads_the_root_file(store: EventStore, tmp_path: Path) -> None:
    uproot = pytest.importorskip("uproot")
    path = export_jagged(store, tmp_path / "jets.root")
    with uproot.open(path) as file:
        check(file["events"].arrays(), store)


def test_a_refused_export_leaves_nothing(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="end it with"):
        export_jagged(store, tmp_path / "jets.csv")
    path = export_jagged(store, tmp_path / "jets.parquet")
    with pytest.raises(InputError, match="exists"):
        export_jagged(store, path)
    with pytest.raises(InputError, match="no folder"):
        export_jagged(store, tmp_path / "none" / "jets.parquet")
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(InputError, match=r"calovision\[interchange\]"):
        export_jagged(store, tmp_path / "jets.root")
    assert {p.name for p in tmp_path.iterdir()} == {"jets", "jets.parquet"}


def test_columns_named_like_lists_are_refused(tmp_path: Path, toy_jets: Events) -> None:
    jets = toy_jets[:3]
    jets.columns["hit_energy"] = np.ones(3, np.float32)
    with pytest.raises(InputError, match="hit_energy"):
        export_jagged(save(jets, tmp_path / "jets", provenance={}), tmp_path / "x.parquet")


def test_the_command_chooses_by_the_suffix(
    store: EventStore, tmp_path: Path, calovision: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    shown = calovision("data", "export", store.path, "--out", tmp_path / "jets.parquet")
    assert shown.returncode == 0, shown.stderr
    assert len(ak.from_parquet(tmp_path / "jets.parquet")) == 60
