from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
SHORT = ("vae_steps=2", "oracle_steps=2", "refine_steps=1", "group_steps=1", "points=60")


@pytest.fixture(scope="module")
def digits(calovision: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "digits"
    done = calovision("data", "digits", "--out", out, "--seed", "2", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["digits"] == 1000
    assert "200 held out" in done.stderr
    return out


def test_train_and_discover(calovision: Run, digits: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = [word for pair in SHORT for word in ("--set", pair)]
    done = calovision("train", "symmetry", "--data", digits, "--out", run, *settings)
    assert done.returncode == 0, done.stderr
    assert "trained isometry" in done.stdout
    done = calovision("discover", run, "--data", digits, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "symmetry"
    assert "no symmetry found" in done.stderr
    assert (run / "results.json").exists()
    done = calovision("discover", run, "--data", digits, "--ablate", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [r["prior"] for r in rows] == ["nothing", "isometry", "linear", "oracle", "guess"]
    assert json.loads((run / "ablation.json").read_text())["rows"] == rows
    assert set(rows[2]["classes"]) == {"1", "2"}


def test_bad_input_is_one_line(calovision: Run, digits: Path, tmp_path: Path) -> None:
    for words in (
        ("data", "digits", "--out", digits),
        ("train", "symmetry", "--data", tmp_path, "--out", tmp_path / "run"),
        ("train", "symmetry", "--data", digits, "--out", tmp_path / "run", "--set", "latnet=3"),
        ("discover", tmp_path, "--data", digits),
    ):
        done = calovision(*words)
        assert done.returncode == 2, words
        assert len(done.stderr.splitlines()) == 1, done.stderr
