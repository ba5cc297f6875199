"""No command judges a model by its training events, in whatever set or order they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import toys
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events import Events, EventStore, StoreWriter, concatenate, save
from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import export
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.training.parts import parts_of
from calovision.training.run import RunDir
from calovision.training.seen_events import training_events

SMALL = {"hits": 12, "width": 16, "layers": 1, "epochs": 2, "batch": 16, "test": 0.4}
TRAINED, NEW = 390, 210  #: training and validation jets; jets of another set
Variant = Callable[[Path, Events, Events], Path]


def jets(n: int, seed: int) -> Events:
    """Toy jets whose collisions have numbers of their own."""
    made: Events = toys.toy_jets(n, seed)
    made.columns["event_id"] += 10_000_000 * seed
    return made


def called(*words: str | Path) -> tuple[dict[str, Any], str]:
    """A command's result and what it tells."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout), done.stderr


def refused(*words: str | Path) -> str:
    """The line of a command that refuses."""
    done = CliRunner().invoke(app, [*map(str, words)])
    assert isinstance(done.exception, InputError), (done.output, done.exception)
    return str(done.exception)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger, ``run``, of ``train``: 650 jets in seven shards."""
    path = tmp_path_factory.mktemp("seen")
    events = jets(650, 1)
    writer = StoreWriter(path / "train", events.geometry, provenance={})
    for i in range(7):
        writer.write(i, events[100 * i : 100 * (i + 1)])
    train(load_config("jet-tagger", overrides=SMALL), writer.finish(), path / "run", quiet=True)
    save(jets(NEW, 2), path / "new", provenance={})
    return path


@pytest.fixture(scope="module")
def trained(room: Path) -> Events:
    """The jets that the tagger was trained or validated on."""
    store = EventStore.open(room / "train")
    parts = parts_of(store, load_config("jet-tagger", overrides=SMALL))
    events = store[np.sort(np.concatenate([parts["train"], parts["validation"]]))]
    assert len(events) == TRAINED
    return events


@pytest.fixture(scope="module")
def auc(room: Path) -> float:
    """Of the tagger on the new jets alone."""
    found, said = called("evaluate", room / "run", "--data", room / "new")
    assert found["data"]["training_events"] == 0
    assert f"measured on {NEW} events" in said
    return float(found["metrics"]["auc"]["value"])


def mixed(trained: Events, new: Events, share: float) -> Events:
    """The new jets in the middle of training jets, in random order."""
    some = trained[: round(share / (1 - share) * len(new))]
    both = concatenate([some, new])
    return both[np.random.default_rng(1).permutation(len(both))]


def shuffled(out: Path, trained: Events, new: Events) -> Path:
    return save(mixed(trained, new, 0.43), out / "set", provenance={}).path


def exported(out: Path, trained: Events, new: Events) -> Path:
    store = save(mixed(trained, new, 0.43), out / "first", provenance={})
    return convert([export(store, out / "set.h5")], out / "set").path


def stripped(out: Path, trained: Events, new: Events) -> Path:
    return convert([toys.write_hdf5(out / "a.h5", mixed(trained, new, 0.43), "f8")], out / "b").path


def merged(out: Path, trained: Events, new: Events) -> Path:
    files = [toys.write_hdf5(out / f"{k}.h5", e) for k, e in enumerate((trained[:158], new))]
    return convert(files, out / "set").path


def noisy(out: Path, trained: Events, new: Events) -> Path:
    """The training jets after another simulation of the detector."""
    again = replace(trained[:158], value=trained[:158].value * np.float32(1.1))
    return save(concatenate([new, again]), out / "set", provenance={}).path


def relabelled(out: Path, trained: Events, new: Events) -> Path:
    events = mixed(trained, new, 0.43)
    columns = {"label": events.label, "pt": 2 * events.columns["pt"]}
    return save(replace(events, columns=columns), out / "set", provenance={}).path


@pytest.mark.parametrize("variant", [shuffled, exported, stripped, merged, noisy, relabelled])
def test_training_events_are_left_out_and_counted(
    room: Path, trained: Events, auc: float, tmp_path: Path, variant: Variant
) -> None:
    data = variant(tmp_path, trained, EventStore.open(room / "new").load())
    found, said = called("evaluate", room / "run", "--data", data)
    assert found["data"]["training_events"] == 158
    assert found["data"]["events"] == NEW
    assert "left out: 158 events on which it was trained" in said
    assert found["metrics"]["auc"]["value"] == pytest.approx(auc, abs=1e-6)
    table = tmp_path / "scores.parquet"
    scored, said = called("classify", room / "run", "--data", data, "--out", table)
    assert scored["training_events"] == 158
    assert "trained or chosen on 158 of these 368 events" in said
    flagged = np.array(pq.read_table(table)["training"])
    assert flagged.sum() == 158
    assert np.array_equal(flagged, training_events(RunDir(room / "run"), EventStore.open(data)))


def test_the_whole_training_set_under_another_name_is_refused(
    room: Path, trained: Events, tmp_path: Path
) -> None:
    copy = save(trained, tmp_path / "copy", provenance={}).path
    said = refused("evaluate", room / "run", "--data", copy)
    assert f"has 0 events that the run has not seen, and {TRAINED} of its training" in said


def test_a_longer_set_and_the_test_part_are_new(room: Path, tmp_path: Path) -> None:
    whole = EventStore.open(room / "train").load()
    longer = save(concatenate([whole, jets(50, 3)]), tmp_path / "longer", provenance={}).path
    own, _ = called("evaluate", room / "run", "--data", room / "train")
    assert own["data"]["training_events"] == TRAINED
    assert own["data"]["events"] == 650 - TRAINED
    more, _ = called("evaluate", room / "run", "--data", longer)
    assert more["data"]["training_events"] == TRAINED
    assert more["data"]["events"] == 650 - TRAINED + 50


def test_what_is_left_of_the_training_set(room: Path, trained: Events, tmp_path: Path) -> None:
    events = EventStore.open(room / "train").load()
    writer = StoreWriter(tmp_path / "set", events.geometry, provenance={})
    for i in range(7):
        writer.write(i, events[100 * i : 100 * (i + 1)])
    writer.finish()
    lost = tmp_path / "set" / "shard-00006.parquet"
    lost.write_bytes(bytes(lost.stat().st_size))
    words = ("evaluate", room / "run", "--data", tmp_path / "set", "--skip-corrupt")
    found, said = called(*words)
    left = EventStore.open(room / "train")[:600]
    numbers = set(np.round(trained.columns["pt"], 4).tolist())
    seen = sum(x in numbers for x in np.round(left.columns["pt"], 4).tolist())
    assert found["data"]["training_events"] == seen
    assert found["data"]["events"] == 600 - seen
    assert "1 of 7 shards" in said


def test_copies_count_once_and_share_a_part(room: Path, tmp_path: Path) -> None:
    new = EventStore.open(room / "new").load()
    file, copy = toys.write_hdf5(tmp_path / "a.h5", new), tmp_path / "b.h5"
    copy.write_bytes(file.read_bytes())
    again = tmp_path / "c.h5"
    again.symlink_to(file)
    for twice in (file, again):
        said = refused("data", "convert", file, twice, "--out", tmp_path / "no")
        assert "is given twice" in said
    assert not (tmp_path / "no").exists()
    _, said = called("data", "convert", file, copy, "--out", tmp_path / "set", "--workers", "1")
    assert f"warning: {NEW} of the {2 * NEW} events are copies" in said
    store = EventStore.open(tmp_path / "set")
    parts = parts_of(store, load_config("jet-tagger", overrides=SMALL))
    owner = np.arange(2 * NEW) % NEW
    homes = [set(owner[rows]) for rows in parts.values()]
    assert len(set.union(*homes)) == sum(map(len, homes))
    assert [len(h) for h in homes] == pytest.approx([0.5 * NEW, 0.1 * NEW, 0.4 * NEW], abs=2)
    found, said = called("evaluate", room / "run", "--data", store.path)
    assert found["data"]["events"] == found["data"]["repeated_events"] == NEW
    assert f"left out: {NEW} events that are in {store.path} more than once" in said


def test_a_run_without_its_list(room: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.yaml", "budget.json", "model.safetensors"):
        (run / name).write_bytes((room / "run" / name).read_bytes())
    said = refused("evaluate", run, "--data", room / "new")
    assert "has lost training-events.npy" in said
    assert "--resume" in said
    words = ("classify", run, "--data", room / "new", "--out", tmp_path / "s.csv")
    scored, said = called(*words)
    assert scored["training_events"] is None
    assert "does not tell on which events" in said
    again = [w for k, v in SMALL.items() for w in ("--set", f"{k}={v}")]
    called("train", "jet-tagger", "--data", room / "train", "--out", run, "--resume", *again)
    found, _ = called("evaluate", run, "--data", room / "new")
    assert found["data"]["events"] == NEW
