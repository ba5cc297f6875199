"""``calovision generate`` as a user types it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.events.events import Events
from calovision.events.store import EventStore, StoreWriter, save
from calovision.events.training_fingerprints import TRAINING
from calovision.models.config import load_config
from calovision.models.generators.hits.task import HitsTask
from calovision.models.pretrained import pretrained_run
from calovision.models.train import train

SMALL = {
    **{"width": 16, "layers": 1, "heads": 2, "components": 2, "companion_width": 8},
    **{"jet_width": 16, "jet_components": 2, "epochs": 2, "batch": 16},
}

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> Path:
    folder = tmp_path_factory.mktemp("generator")
    store = save(make_jets(80, 3), folder / "jets", provenance={"source": "toys"})
    config = load_config("jet-generator", overrides=SMALL)
    return train(config, store, folder / "run", quiet=True).path


def test_generate_on_request(run: Path, tmp_path: Path, calovision: Command) -> None:
    out = tmp_path / "made"
    words = ("--events", "12", "--label", "gluon", "--pt", "105", "130", "--json")
    done = calovision("generate", str(run), "--out", str(out), *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"set": str(out), "events": 12}
    assert (out / TRAINING).read_bytes() == (run / TRAINING).read_bytes()
    jets = EventStore.open(out).load()
    assert (jets.label == 0).all()
    assert np.all((jets.columns["pt"] >= 105) & (jets.columns["pt"] <= 130))


def test_beyond_the_training_jets_a_warning_then_with_strict_an_error(
    run: Path, tmp_path: Path, calovision: Command
) -> None:
    words = ("generate", str(run), "--events", "3", "--pt", "100", "5000", "--out")
    done = calovision(*words, str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    assert "warning: the generator was trained on pt of" in done.stderr
    refused = calovision(*words, str(tmp_path / "other"), "--strict")
    assert refused.returncode == 2
    assert "--strict" in refused.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--pt", "4000", "5000"), "trained on pt of"),
        (("--pretrained",), "which model"),
        (("--label", "charm"), "charm"),
        (("--pt", "140", "100"), "no pt is between 140 and 100 GeV"),
        (("--m0", "-5", "20"), "no m0 is below 0 GeV"),
        (("--pt", "nan", "120"), "pt cannot be between nan and 120"),
    ],
)
def test_bad_requests(
    run: Path, tmp_path: Path, calovision: Command, words: tuple[str, ...], problem: str
) -> None:
    refused = calovision("generate", str(run), "--out", str(tmp_path / "made"), *words)
    assert refused.returncode == 2
    assert problem in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_interrupted_set_goes_on(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HitsTask, "chunk", 20)
    whole = cv.load_model(run).generate(200, out=tmp_path / "whole", seed=4)
    with monkeypatch.context() as broken:
        write, made = StoreWriter.write, []

        def until_the_second(writer: StoreWriter, index: int, events: Events) -> None:
            if index:
                raise KeyboardInterrupt
            made.append(index)
            write(writer, index, events)

        broken.setattr(StoreWriter, "write", until_the_second)
        with pytest.raises(KeyboardInterrupt):
            cv.load_model(run).generate(200, out=tmp_path / "part", seed=4)
    assert made == [0]
    assert cv.load_model(run).generate(200, out=tmp_path / "part", seed=4).hash == whole.hash


def test_the_shipped_generator_works_at_once(tmp_path: Path, calovision: Command) -> None:
    words = ("--pretrained", "--events", "20", "--label", "quark", "--pt", "100", "140")
    done = calovision("generate", *words, "--out", str(tmp_path / "jets"))
    assert done.returncode == 0, done.stderr
    jets = EventStore.open(tmp_path / "jets").load()
    assert (jets.label == 1).all()
    assert 40 < jets.counts()[:, 0].mean() < 120
    assert 100 < jets.columns["pt"].min() < jets.columns["pt"].max() < 140
    weights = pretrained_run("jet-generator") / "model.safetensors"
    assert weights.stat().st_size < 8_000_000
    assert (weights.parent / "card.md").exists()
