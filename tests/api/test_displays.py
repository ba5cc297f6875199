"""What is drawn of a set, of several, of a run and of a study."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovision.api.displays import shown
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.config import load_config
from calovision.models.train import train


def keep(events: Events, path: Path) -> None:
    save(events, path, provenance={})


def test_a_set_is_shown_from_the_event_asked_for(toy_jets: Events, tmp_path: Path) -> None:
    keep(toy_jets, tmp_path / "jets")
    (row,) = shown(tmp_path / "jets", 60, 10)
    assert np.array_equal(row.events.cell, toy_jets[60:].cell)
    with pytest.raises(InputError, match="no event 64"):
        shown(tmp_path / "jets", 64, 10)


def test_sets_of_the_same_events_are_paired(toy_jets: Events, tmp_path: Path) -> None:
    study = tmp_path / "study" / "examples"
    study.mkdir(parents=True)
    for name in ("baseline", "original"):
        keep(toy_jets[:8], study / name)
    strangers = toy_jets[10:16]
    keep(strangers, study / "other")
    rows = shown(tmp_path / "study", 0, 100)
    assert [(r.name, r.paired) for r in rows] == [
        ("original", True),
        ("baseline", True),
        ("other", False),
    ]
    assert {len(r.events) for r in rows} == {6}


def test_generated_jets_stand_beside_simulated_ones(toy_jets: Events, tmp_path: Path) -> None:
    for name in ("data/test", "generated/hits"):
        (tmp_path / name).parent.mkdir()
        keep(replace(toy_jets, columns={"pt": toy_jets.columns["pt"]}), tmp_path / name)
        toy_jets = toy_jets[::-1]
    rows = shown(tmp_path, 0, 5)
    assert [(r.name, r.paired) for r in rows] == [("simulated", True), ("hits", False)]
    # The likest are found among more events than are shown.
    assert rows[1].matched == ("pt",)
    assert np.array_equal(rows[0].events.columns["pt"], rows[1].events.columns["pt"])


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither an event set nor a run nor a study"):
        shown(tmp_path, 0, 5)
    with pytest.raises(InputError, match="ask for one"):
        shown(tmp_path, -1, 5)


@pytest.mark.parametrize(
    ("task", "model", "settings"),
    [
        ("jet-vae", "point", {"points": 32, "width": 16, "code": 32}),
        ("jet-tagger", "particle-transformer", {"width": 16, "hits": 10, "layers": 1}),
        ("jet-generator", "baseline", {"widths": [8, 16], "steps": 3}),
    ],
)
def test_of_a_run_what_its_model_makes_is_shown(
    make_jets: Callable[..., Events], tmp_path: Path, task: str, model: str, settings: dict
) -> None:
    store = save(make_jets(60, 8), tmp_path / "jets", provenance={})
    settings = {"epochs": 1, "batch": 20, "validation": 0.2, **settings}
    run = train(load_config(task, model, overrides=settings), store, tmp_path / "run", quiet=True)
    rows = shown(run.path, 2, 4)
    assert np.array_equal(rows[0].events.cell, store[2:6].cell)
    if task == "jet-tagger":
        assert len(rows) == 1
        assert (rows[0].events.columns["probability"] > 0).all()
    else:
        assert rows[1].name == model
        assert rows[1].paired == (task == "jet-vae")
        assert len(rows[1].events) == 4
    keep(store[:3], tmp_path / "others")
    assert len(shown(run.path, 0, 9, data=tmp_path / "others")[0].events) == 3
    (tmp_path / "jets").rename(tmp_path / "moved")
    if task == "jet-generator":
        (alone,) = shown(run.path, 2, 4)
        assert (alone.name, len(alone.events)) == (model, 4)
    else:
        with pytest.raises(InputError, match="are gone"):
            shown(run.path, 0, 4)


def test_the_command_writes_one_file(
    toy_jets: Events, tmp_path: Path, calovision: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    keep(toy_jets, tmp_path / "jets")
    words = ("--out", tmp_path / "v.html", "--events", "3", "--no-browser", "--json")
    done = calovision("view", tmp_path / "jets", *words)
    assert done.returncode == 0, done.stderr
    assert '"events": 3' in done.stdout
    assert "</html>" in (tmp_path / "v.html").read_text()
    (tmp_path / "empty").mkdir()
    refused = calovision("view", tmp_path / "empty", "--no-browser")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
