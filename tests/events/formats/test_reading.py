from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import toys
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.formats.reading import read_events
from calovision.events.store import save


@pytest.fixture(params=["set", "hdf5", "parquet"])
def place(request: pytest.FixtureRequest, toy_jets: Events, tmp_path: Path) -> Path:
    if request.param == "set":
        return save(toy_jets[:40], tmp_path / "jets", provenance={}).path
    write = toys.write_hdf5 if request.param == "hdf5" else toys.write_parquet
    path: Path = write(tmp_path / "jets.file", toy_jets[:40])
    return path


@pytest.mark.parametrize("limit", [None, 7, 100])
def test_the_first_events_come_from_any_form(
    place: Path, toy_jets: Events, limit: int | None
) -> None:
    events, origin = read_events(place, limit)
    wanted = toy_jets[: min(limit or 40, 40)]
    assert np.array_equal(events.offsets, wanted.offsets)
    assert np.array_equal(events.cell, wanted.cell)
    assert np.array_equal(events.code, wanted.code)
    assert np.allclose(events.value, wanted.value, rtol=1e-7)
    for name in ("label", "pt", "m0"):
        assert np.allclose(events.columns[name], wanted.columns[name])
    assert origin["path"] == str(place)
    assert origin["events"] == len(wanted)
    assert len(origin["hash"]) == 64


def test_another_content_has_another_hash(toy_jets: Events, tmp_path: Path) -> None:
    first = toys.write_hdf5(tmp_path / "a.h5", toy_jets[:5])
    second = toys.write_hdf5(tmp_path / "b.h5", toy_jets[5:10])
    assert read_events(first, 2)[1]["hash"] != read_events(second, 2)[1]["hash"]
    assert read_events(first, 2)[1]["hash"] == read_events(first, 3)[1]["hash"]


def test_what_is_no_event_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no images")
    (tmp_path / "folder").mkdir()
    for name, says in (("text", "not an HDF5"), ("folder", "not an event set"), ("no", "no event")):
        with pytest.raises(InputError, match=says):
            read_events(tmp_path / name)
