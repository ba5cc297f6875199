from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.evaluation import challenge
from calovision.events.events import Events

Make = Callable[[int, int], Events]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "STEPS", 5)


@pytest.fixture
def sets(tmp_path: Path, make_crops: Make) -> list[str]:
    """Folders of true crops and of two generators, the second of which makes too little energy."""
    for name, seed, share in (("truth", 1, 1), ("good", 2, 1), ("bad", 3, 4)):
        crops = make_crops(80, seed)
        cv.save(crops.keep(np.arange(len(crops.cell)) % share == 0), tmp_path / name)
    return [str(tmp_path / name) for name in ("truth", "good", "bad")]


def test_the_command_says_what_python_says(sets: list[str], tmp_path: Path) -> None:
    out = tmp_path / "ranks.json"
    done = CliRunner().invoke(app, ["rank", *sets, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert json.loads(out.read_text()) == found
    assert found["truth"]["used"] == found["made"]["good"]["used"] == 80
    assert "log_posterior_good" in done.stderr
    from_python = cv.rank(sets[0], {"good": sets[1], "bad": cv.load(sets[2])})
    assert from_python.content["metrics"] == found["metrics"]


def test_bad_input_is_one_line(sets: list[str]) -> None:
    for words, said in (
        (["rank", *sets[:2]], "one set cannot be ranked"),
        (["rank", sets[0], sets[1], sets[1]], "two sets are called 'good'"),
        (["rank", *sets, "--judge", "nobody"], "no judge 'nobody'"),
    ):
        done = CliRunner().invoke(app, words)
        assert done.exit_code != 0
        assert said in str(done.exception), words


def test_sets_in_memory_need_names(sets: list[str]) -> None:
    crops = cv.load(sets[1])
    with pytest.raises(InputError, match="sets in memory have no names"):
        cv.rank(sets[0], [crops, crops])
    with pytest.raises(InputError, match="one set cannot be ranked"):
        cv.rank(sets[0], sets[1])
