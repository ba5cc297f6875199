from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.errors import InputError
from calovision.events import (
    JET_IMAGES,
    Events,
    EventStore,
    StoreWriter,
    concatenate,
    save,
    shard_bytes,
)
from calovision.events import store as store_module

PUBLIC_JETS = 139_306
DISK_LIMIT_BYTES = 600e6


def assert_same(a: Events, b: Events) -> None:
    assert a.geometry == b.geometry
    np.testing.assert_array_equal(a.offsets, b.offsets)
    for name in ("cell", "code", "value"):
        mine, other = getattr(a, name), getattr(b, name)
        assert mine.dtype == other.dtype
        assert mine.tobytes() == other.tobytes()
    assert list(a.columns) == list(b.columns)
    for name, column in a.columns.items():
        assert column.dtype == b.columns[name].dtype
        np.testing.assert_array_equal(column, b.columns[name])


@pytest.fixture
def many(make_jets: Callable[[int, int], Events]) -> Events:
    return make_jets(1200, 3)


@pytest.fixture
def stored(many: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventStore:
    monkeypatch.setattr(store_module, "SHARD_EVENTS", 700)
    return save(many, tmp_path / "set", provenance={"made_by": "test"})


def test_round_trip_keeps_every_bit_and_type(stored: EventStore, many: Events) -> None:
    assert len(stored) == 1200
    assert len(stored.manifest["shards"]) == 2
    assert_same(EventStore.open(stored.path).load(), many)
    np.testing.assert_array_equal(stored.column("pt"), many.columns["pt"])
    assert tuple(stored.columns) == tuple(many.columns)


def test_float64_vector_columns_and_odd_bits_survive(toy_jets: Events, tmp_path: Path) -> None:
    events = toy_jets[:5]
    value = events.value.astype(np.float64)
    value[0], value[1] = -0.0, 5e-324
    events = Events(
        events.geometry,
        events.offsets,
        events.cell,
        events.code,
        value,
        {"vector": np.arange(30.0).reshape(5, 2, 3), "flag": np.arange(5) % 2 == 0},
    )
    assert_same(save(events, tmp_path / "set", provenance={}).load(), events)


def test_events_without_hits_survive(toy_jets: Events, tmp_path: Path) -> None:
    offsets = np.zeros(4, np.int64)
    empty = Events(
        toy_jets.geometry, offsets, toy_jets.cell[:0], toy_jets.code[:0], toy_jets.value[:0]
    )
    assert_same(save(empty, tmp_path / "set", provenance={}).load(), empty)


INDICES = st.one_of(
    st.integers(-1200, 1199),
    st.slices(1200),
    st.lists(st.integers(-1200, 1199), max_size=20).map(lambda x: np.array(x, np.int64)),
    st.integers(0, 2**32).map(lambda s: np.random.default_rng(s).random(1200) < 0.05),
)


@pytest.fixture(scope="module")
def shared(
    make_jets: Callable[[int, int], Events], tmp_path_factory: pytest.TempPathFactory
) -> tuple[EventStore, Events]:
    events = make_jets(1200, 4)
    writer = StoreWriter(tmp_path_factory.mktemp("sets") / "set", JET_IMAGES, provenance={})
    for i in (1, 0):
        writer.write(i, events[i * 700 : (i + 1) * 700])
    return writer.finish(), events


@given(index=INDICES)
@settings(max_examples=40, deadline=None)
def test_selection_reads_what_numpy_would_select(
    shared: tuple[EventStore, Events], index: int | slice | np.ndarray
) -> None:
    store, events = shared
    chosen = np.atleast_1d(np.arange(1200)[index])
    assert_same(store[index], events[chosen])
    assert store[index].columns["event_id"].tolist() == events.columns["event_id"][chosen].tolist()


def test_stream_in_order_gives_everything_once(stored: EventStore, many: Events) -> None:
    batches = list(stored.stream(100))
    assert [len(b) for b in batches] == [100] * 12
    assert_same(concatenate(batches), many)


def test_shuffled_stream_is_a_permutation_divided_among_processes(stored: EventStore) -> None:
    def energies(seed: int, part: tuple[int, int]) -> list[float]:
        return [
            float(x)
            for b in stored.stream(64, shuffle_seed=seed, shard_of=part)
            for x in b.columns["pt"]
        ]

    whole = sorted(stored.column("pt").tolist())
    assert sorted(energies(1, (0, 1))) == whole
    assert sorted(energies(1, (0, 2)) + energies(1, (1, 2))) == whole
    assert energies(1, (0, 1)) == energies(1, (0, 1))
    assert energies(1, (0, 1)) != energies(2, (0, 1))
    assert energies(1, (0, 1)) != stored.column("pt").tolist()


def test_same_events_give_the_same_bytes_and_hash(many: Events, tmp_path: Path) -> None:
    assert shard_bytes(many[:50]) == shard_bytes(many[:50])
    first = save(many, tmp_path / "a", provenance={})
    second = save(many, tmp_path / "b", provenance={"other": 1})
    assert first.hash == second.hash
    assert save(many[1:], tmp_path / "c", provenance={}).hash != first.hash


def test_public_set_would_fit_on_disk(many: Events) -> None:
    assert len(shard_bytes(many)) / len(many) * PUBLIC_JETS < DISK_LIMIT_BYTES


def test_truncated_shard_is_named(stored: EventStore) -> None:
    shard = stored.path / "shard-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    store = EventStore.open(stored.path)
    assert len(store[:10]) == 10
    with pytest.raises(InputError, match=r"shard-00001\.parquet"):
        store.load()


def test_flipped_bit_in_a_shard_is_noticed(stored: EventStore) -> None:
    shard = stored.path / "shard-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-00000\.parquet"):
        stored.load()
    with pytest.raises(InputError, match=r"shard-00000\.parquet"):
        stored.verify()


def test_exchanged_shard_is_noticed(stored: EventStore, many: Events) -> None:
    (stored.path / "shard-00000.parquet").write_bytes(shard_bytes(many[:10]))
    with pytest.raises(InputError, match="damaged"):
        stored.load()


def test_missing_shard_is_named(stored: EventStore) -> None:
    (stored.path / "shard-00001.parquet").unlink()
    with pytest.raises(InputError, match=r"shard-00001\.parquet .* missing"):
        stored.load()


def test_paths_in_the_manifest_are_not_followed(
    stored: EventStore, many: Events, tmp_path: Path
) -> None:
    (tmp_path / "secret.parquet").write_bytes(shard_bytes(many))
    manifest = json.loads((stored.path / "manifest.json").read_text())
    manifest["shards"][0]["file"] = "../secret.parquet"
    (stored.path / "manifest.json").write_text(json.dumps(manifest))
    assert_same(EventStore.open(stored.path).load(), many)
    manifest["shards"][0]["index"] = "../secret"
    (stored.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="damaged"):
        EventStore.open(stored.path)


def test_opening_what_is_no_set_says_so(stored: EventStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no event set"):
        EventStore.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match="not an event set"):
        EventStore.open(tmp_path)
    (stored.path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="not a manifest"):
        EventStore.open(stored.path)
    with pytest.raises(InputError, match="no column or attribute 'nothing'"):
        stored.column("nothing")


def test_unfinished_set_is_recognised_and_continued(many: Events, tmp_path: Path) -> None:
    path = tmp_path / "set"
    first = StoreWriter(path, JET_IMAGES, provenance={"seed": 1})
    first.write(1, many[600:])
    with pytest.raises(InputError, match="unfinished"):
        EventStore.open(path)
    with pytest.raises(InputError, match="another origin"):
        StoreWriter(path, JET_IMAGES, provenance={"seed": 2})
    second = StoreWriter(path, JET_IMAGES, provenance={"seed": 1})
    assert second.done() == {1}
    second.write(0, many[:600])
    store = second.finish()
    assert_same(store.load(), many)
    store.verify()
    assert sorted(p.name for p in path.iterdir()) == [
        "manifest.json",
        "shard-00000.parquet",
        "shard-00001.parquet",
    ]


def test_torn_shard_of_an_unfinished_set_is_made_again(many: Events, tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "set", JET_IMAGES, provenance={})
    writer.write(0, many)
    shard = tmp_path / "set" / "shard-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:1000])
    assert StoreWriter(tmp_path / "set", JET_IMAGES, provenance={}).done() == set()


def test_finished_set_is_replaced_only_when_asked(stored: EventStore, many: Events) -> None:
    with pytest.raises(InputError, match="already holds"):
        save(many, stored.path, provenance={})
    writer = StoreWriter(stored.path, JET_IMAGES, provenance={}, overwrite=True)
    writer.write(0, many[:5])
    assert len(writer.finish()) == 5


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="not empty"):
            StoreWriter(tmp_path, JET_IMAGES, provenance={}, overwrite=overwrite)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_full_disk_is_one_line_and_leaves_no_half_shard(
    many: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StoreWriter(tmp_path / "set", JET_IMAGES, provenance={})

    def full(path: Path, payload: bytes) -> None:
        with path.open("wb") as file:
            file.write(payload[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="disk is full"):
            writer.write(0, many)
    assert [p.name for p in (tmp_path / "set").iterdir()] == ["unfinished.json"]


def test_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("")
    with pytest.raises(InputError, match="in the way"):
        StoreWriter(tmp_path / "set", JET_IMAGES, provenance={})


def test_shards_of_different_columns_do_not_make_a_set(many: Events, tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "set", JET_IMAGES, provenance={})
    writer.write(0, many[:10])
    other = many[10:20]
    del other.columns["m0"]
    writer.write(1, other)
    with pytest.raises(InputError, match="different columns"):
        writer.finish()


def test_what_a_kill_leaves_behind_is_in_nobodys_way(many: Events, tmp_path: Path) -> None:
    path = tmp_path / "set"
    path.mkdir()
    (path / "unfinished.json.part").write_text("{")
    done = save(many, path, provenance={"a": 1})
    assert np.array_equal(done.load().value, many.value)
    (path / "unfinished.json").write_text("{}")  # killed between the manifest and its last step
    with pytest.raises(InputError, match="already holds a finished event set"):
        save(many, path, provenance={"a": 1})
    assert not (path / "unfinished.json").exists()


@pytest.mark.parametrize("name", ["label", "weight"])
def test_labels_and_weights_are_one_number_an_event(
    name: str, toy_jets: Events, tmp_path: Path
) -> None:
    two = replace(toy_jets, columns={name: np.zeros((len(toy_jets), 2))})
    with pytest.raises(InputError, match="give one number an event"):
        save(two, tmp_path / "two", provenance={})
