from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from calovision.events.events import Events
from calovision.events.store import EventStore, save

SMALL = ("code=32", "points=40", "width=8", "epochs=1", "batch=16")


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events], calovision: Command
) -> Path:
    path = tmp_path_factory.mktemp("cli")
    save(make_jets(80, 3), path / "jets", provenance={})
    settings = [w for s in SMALL for w in ("--set", s)]
    trained = calovision(
        "train", "jet-vae", "--data", str(path / "jets"), "--out", str(path / "run"), *settings
    )
    assert trained.returncode == 0, trained.stderr
    return path


def test_train_then_reconstruct(folder: Path, calovision: Command) -> None:
    out = folder / "rebuilt"
    words = ["reconstruct", str(folder / "run"), "--data", str(folder / "jets"), "--out", str(out)]
    made = calovision(*words, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == {"out": str(out), "events": 80, "training_events": 72}
    assert len(EventStore.open(out)) == 80
    assert (out / "latent.npy").exists()


def test_a_run_is_not_overwritten(folder: Path, calovision: Command) -> None:
    again = calovision(
        "train", "jet-vae", "--data", str(folder / "jets"), "--out", str(folder / "run")
    )
    assert again.returncode == 2
    assert "--resume" in again.stderr


def test_evaluating_too_few_unseen_events_says_how_many_are_needed(
    folder: Path, calovision: Command
) -> None:
    refused = calovision("evaluate", str(folder / "run"), "--data", str(folder / "jets"))
    assert refused.returncode == 2
    assert "200" in refused.stderr


def test_compress_then_decompress(folder: Path, calovision: Command) -> None:
    file, run = folder / "jets.cv", str(folder / "run")
    made = calovision("compress", run, "--data", str(folder / "jets"), "--out", str(file), "--json")
    assert made.returncode == 0, made.stderr
    spent = json.loads(made.stdout)
    assert spent["events"] == 80
    assert 8 * file.stat().st_size >= 80 * (spent["written"] + spent["columns"])
    back = calovision("decompress", run, "--data", str(file), "--out", str(folder / "back"))
    assert back.returncode == 0, back.stderr
    assert len(EventStore.open(folder / "back")) == 80
    other = calovision(
        "decompress", "--pretrained", "--data", str(file), "--out", str(folder / "x")
    )
    assert other.returncode == 2
    assert "another model" in other.stderr
    assert not (folder / "x").exists()
