from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.evaluation.evaluate import classified
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models import classify as module
from calovision.models.classify import score
from calovision.models.config import load_config
from calovision.models.load import load_autoencoder, load_tagger
from calovision.models.train import train
from calovision.training.run import RunDir

SMALL = {"hits": 12, "width": 16, "layers": 1, "epochs": 3, "batch": 16, "validate_every": 5}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(150, 5), tmp_path_factory.mktemp("data") / "jets", provenance={})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, store: EventStore) -> RunDir:
    out = tmp_path_factory.mktemp("runs") / "tagger"
    return train(load_config("jet-tagger", overrides=SMALL), store, out, quiet=True)


def test_portions_do_not_change_the_scores(
    run: RunDir, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_tagger(run)
    whole = score(task, store.load(), quiet=True)
    assert ((whole.probability > 0) & (whole.probability < 1)).all()
    monkeypatch.setattr(module, "CHUNK_EVENTS", 40)
    parts = score(task, store, quiet=True)
    assert np.allclose(parts.probability, whole.probability, atol=1e-6)
    assert np.array_equal(parts.out_of_distribution, whole.out_of_distribution)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_one_row_an_event_is_written(
    run: RunDir, store: EventStore, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"scores{suffix}"
    scores = cv.load_model(run.path).predict(store, out=out)
    read = pyarrow.csv.read_csv if suffix == ".csv" else pyarrow.parquet.read_table
    table = read(out)
    assert table["event"].to_pylist() == list(range(len(store)))
    assert np.allclose(table["quark_probability"], scores.probability)
    assert table["label"].to_pylist() == store.column("label").tolist()
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_bad_input_is_named(run: RunDir, store: EventStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="csv"):
        cv.load_model(run.path).predict(store, out=tmp_path / "scores.txt")
    with pytest.raises(InputError, match="no folder"):
        cv.load_model(run.path).predict(store, out=tmp_path / "no" / "scores.csv")
    with pytest.raises(InputError, match="not an autoencoder"):
        load_autoencoder(run)


@pytest.mark.parametrize("kind", ["three", "text", "none"])
def test_events_are_scored_whatever_their_labels(run: RunDir, store: EventStore, kind: str) -> None:
    task, events = load_tagger(run), store.load()
    expected = score(task, events, quiet=True)
    label = np.arange(len(events)) % 3
    labels = {"three": {"label": label}, "text": {"label": label.astype(str)}, "none": {}}
    found = score(task, replace(events, columns=labels[kind]), quiet=True)
    np.testing.assert_array_equal(found.probability, expected.probability)
    with pytest.raises(InputError, match=r"a column 'label' of 0 \(gluon\) and 1 \(quark\)"):
        classified(task, replace(events, columns=labels[kind]), 1, quiet=True)
