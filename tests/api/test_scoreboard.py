"""Several taggers on several sets."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import calovision as cv
from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events.events import Events

Make = Callable[[int, int], Events]
SMALL: dict[str, Any] = {"hidden": 16, "batch": 16, "quiet": True, "epochs": 1}


@pytest.fixture(scope="module")
def sets(make_crops: Make, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sets")
    usual, other = make_crops(400, 21), make_crops(300, 22)
    other = replace(other, value=other.value * 3)
    for name, events in (("usual", usual), ("other", other)):
        cv.save(events, folder / name)
    return {name: folder / name for name in ("usual", "other")}


@pytest.fixture(scope="module")
def runs(sets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that they learned nothing
        cv.train("egamma", sets["usual"], out=folder / "new", test=0.45, validation=0.45, **SMALL)
        cv.fine_tune(
            folder / "new", sets["other"], out=folder / "fine", frozen=True, epochs=1, quiet=True
        )
    return [folder / "new", folder / "fine"]


def test_every_model_is_measured_on_the_same_unseen_events(
    runs: list[Path], sets: dict[str, Path], make_crops: Make
) -> None:
    fresh = make_crops(250, 23)
    found = cv.scoreboard(runs, {"fresh": fresh, "again": fresh}, quiet=True).content
    rows, differences = found["rows"], found["differences"]
    assert [(r["model"], r["set"]) for r in rows] == [
        (m, s) for s in ("fresh", "again") for m in ("new", "fine")
    ]
    assert [r["began_with"] for r in rows[:2]] == ["nothing", "frozen weights"]
    assert [r["training_events"] for r in rows[:2]] == [40, 30]
    assert all(r["events"] == 250 for r in rows)
    model = cv.load_model(runs[1])
    alone = model.evaluate(fresh)["auc"]
    assert rows[1]["metrics"]["auc"]["value"] == pytest.approx(alone.value)
    assert set(rows[1]["metrics"]) >= {"temperature", "ece", "out_of_distribution"}
    gap = rows[1]["metrics"]["auc"]["value"] - rows[0]["metrics"]["auc"]["value"]
    assert differences[0] | {"value": 0, "error": 0} == {
        "set": "fresh", "a": "fine", "b": "new", "metric": "auc", "value": 0, "error": 0,
    }  # fmt: skip
    assert differences[0]["value"] == pytest.approx(gap)
    # what one of them was trained on is left out for both
    with pytest.raises(InputError, match="events that no model has seen"):
        cv.scoreboard(runs, [sets["other"]], quiet=True)


def test_other_energies_are_told(runs: list[Path], make_crops: Make) -> None:
    fresh = make_crops(250, 24)
    hot = replace(fresh, value=fresh.value * np.float32(30))
    found = cv.scoreboard({"a": runs[0]}, [fresh, hot], quiet=True)
    usual, other = (r["metrics"]["out_of_distribution"]["value"] for r in found.content["rows"])
    assert other > 0.9 > usual
    assert [row[1] for row in found.table()] == ["set 1", "set 2"]
    assert found.content["differences"] == []
    axes = found.plot("set 2").axes[0]
    assert axes.get_xlabel() == "training events"
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["crop-net from nothing"]
    with pytest.raises(InputError, match="no set 'mine'"):
        found.plot("mine")


def test_the_command_gives_the_same(runs: list[Path], make_crops: Make, tmp_path: Path) -> None:
    cv.save(make_crops(220, 25), tmp_path / "set")
    words = [str(runs[0]), "egamma", "--data", str(tmp_path / "set"), "--json"]
    done = CliRunner().invoke(app, ["scoreboard", *words, "--out", str(tmp_path / "board.json")])
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "board.json").read_text())
    assert [r["model"] for r in content["rows"]] == ["new", "egamma"]
    assert content["rows"][1]["training_events"] == 70_000
    python = cv.scoreboard([runs[0], "egamma"], [tmp_path / "set"], quiet=True)
    assert json.loads(python.to_json()) == content


def test_what_cannot_be_measured_is_refused(
    runs: list[Path], make_crops: Make, toy_jets: Events
) -> None:
    fresh = make_crops(220, 26)
    with pytest.raises(InputError, match="two are called 'new'"):
        cv.scoreboard([runs[0], runs[0]], [fresh])
    with pytest.raises(InputError, match="no set to measure"):
        cv.scoreboard([runs[0]], [])
    with pytest.raises(InputError, match="images, these are"):
        cv.scoreboard([runs[0]], [toy_jets])
    with pytest.raises(InputError, match="no tagger"):
        cv.scoreboard([cv.pretrained("jet-vae")], [toy_jets])
