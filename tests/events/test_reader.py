from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events import Events, EventStore, StoreWriter, split
from calovision.events.formats.reading import read_events
from calovision.events.info import info
from calovision.events.shards import shard_name

SIZES = (10, 20, 30)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[[int, int], Events]
) -> EventStore:
    path = tmp_path_factory.mktemp("sets") / "jets"
    events = make_jets(sum(SIZES), 1)
    writer = StoreWriter(path, events.geometry, provenance={})
    for index, start in enumerate((0, 10, 30)):
        writer.write(index, events[start : start + SIZES[index]])
    return writer.finish()


@pytest.fixture
def damaged(whole: EventStore, tmp_path: Path) -> Path:
    """The set with one byte of its middle shard turned."""
    path = tmp_path / "damaged"
    shutil.copytree(whole.path, path)
    shard = path / shard_name(1)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    return path


def test_what_is_sound_of_a_damaged_set_can_be_used(whole: EventStore, damaged: Path) -> None:
    with pytest.raises(InputError, match=r"shard-00001.*--skip-corrupt"):
        EventStore.open(damaged).load()
    with pytest.warns(UserWarning, match=r"1 of 3 shards .*shard-00001.*20 of 60 events"):
        store = EventStore.open(damaged, skip_corrupt=True)
    left = np.r_[0:10, 30:60]
    events = store.load()
    assert np.array_equal(events.value, whole[left].value)
    assert np.array_equal(store.column("event_id"), whole.column("event_id")[left])
    assert np.array_equal(store.numbers, left)
    assert np.array_equal(np.concatenate([e.label for e in store.stream(7)]), events.label)
    assert info(store)["events"] == 40
    assert info(store)["skipped_shards"] == [1]
    assert store.hash != whole.hash
    assert store.whole.hash == whole.hash


def test_a_missing_shard_is_a_damaged_one(whole: EventStore, damaged: Path) -> None:
    (damaged / shard_name(2)).unlink()
    with pytest.warns(UserWarning, match=r"2 of 3 shards .*50 of 60 events"):
        events, about = read_events(damaged, skip_corrupt=True)
    assert np.array_equal(events.value, whole[:10].value)
    assert about["events"] == 10
    (damaged / shard_name(0)).unlink()
    with pytest.raises(InputError, match="all shards of"):
        EventStore.open(damaged, skip_corrupt=True)


def test_the_same_loss_gives_the_same_split(damaged: Path) -> None:
    parts = []
    for _ in range(2):
        with pytest.warns(UserWarning, match="left out"):
            store = EventStore.open(damaged, skip_corrupt=True)
        fractions = {"train": 0.7, "test": 0.3}
        parts.append(split(len(store), fractions, 1, store.column("event_id")))
    assert all(np.array_equal(parts[0][k], parts[1][k]) for k in parts[0])


@pytest.mark.filterwarnings("error")
def test_nothing_is_left_out_of_a_sound_set(whole: EventStore) -> None:
    store = EventStore.open(whole.path, skip_corrupt=True)
    assert store.skipped == []
    assert np.array_equal(store.numbers, np.arange(60))


def test_commands_say_what_they_leave_out(
    damaged: Path, calovision: Callable[..., CompletedProcess[str]]
) -> None:
    out = damaged.with_name("jets.parquet")
    refused = calovision("data", "export", damaged, "--out", out)
    assert refused.returncode == 2
    assert "shard-00001" in refused.stderr
    assert "--skip-corrupt" in refused.stderr
    assert not out.exists()
    done = calovision("data", "export", damaged, "--out", out, "--skip-corrupt", "--json")
    assert done.returncode == 0
    assert '"events": 40' in done.stdout
    assert "20 of 60 events" in done.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("events", 10**12),
        ("shards", [{"index": 0, "events": 10**12, "hits": 0, "bytes": 1, "sha256": "a"}]),
        ("shards", [{"index": -1, "events": 1, "hits": 0, "bytes": 1, "sha256": "a"}]),
        ("columns", {"label": "int8", "lost": "int8"}),
        ("value", "float64"),
        ("geometry", {"name": "x", "rows": 10**6, "cols": 10**6, "channels": [], "schema": "jets"}),
    ],
)
def test_false_claims_of_a_manifest_are_refused(
    whole: EventStore, tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "jets"
    shutil.copytree(whole.path, path)
    manifest = json.loads((path / "manifest.json").read_text())
    if key == "shards":
        manifest |= {"events": value[0]["events"], "hits": 0}  # type: ignore[index]
    (path / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(InputError, match="damaged"):
        EventStore.open(path).load()
