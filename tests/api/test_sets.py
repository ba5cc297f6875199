"""Event sets of event sets, through Python and the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_the_command_merges_divides_and_selects(
    make_jets: Callable[[int, int], Events], tmp_path: Path, calovision: Command
) -> None:
    one, two = make_jets(60, 1), make_jets(60, 2)
    two.columns["event_id"] += 1_000_000
    first, second = cv.save(one, tmp_path / "one"), cv.save(two, tmp_path / "two")
    done = calovision(
        "data", "merge", first.path, second.path, "--out", tmp_path / "both", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] == 120
    assert "copies" not in done.stderr
    origin = cv.open(tmp_path / "both").manifest["provenance"]
    assert [part["hash"] for part in origin["of"]] == [first.hash, second.hash]

    words = ("--share", "train=0.7", "--share", "test=0.3", "--seed", "4")
    done = calovision("data", "split", tmp_path / "both", "--out", tmp_path / "parts", *words)
    assert done.returncode == 0, done.stderr
    train, test = (cv.load(tmp_path / "parts" / name) for name in ("train", "test"))
    assert (len(train) + len(test), abs(len(test) - 36) < 4) == (120, True)
    assert not set(train["event_id"]) & set(test["event_id"])

    where = "pt > 100 and label == quark"
    done = calovision("data", "select", tmp_path / "both", where, "--out", tmp_path / "hard")
    assert done.returncode == 0, done.stderr
    both = cv.concatenate([one, two])
    wanted = both[(both.pt > 100) & (both.label == 1)]
    np.testing.assert_array_equal(cv.load(tmp_path / "hard").value, wanted.value)


def test_copies_are_counted(toy_jets: Events, tmp_path: Path) -> None:
    cv.save(toy_jets, tmp_path / "a")
    cv.save(toy_jets[10:30], tmp_path / "b")
    with pytest.warns(UserWarning, match="20 of 84 events are copies"):
        merged = cv.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    train, test = merged.split(train=0.5, test=0.5)
    assert not set(train.pt.tolist()) & set(test.pt.tolist())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("split", "SET", "--out", "OUT", "--share", "train"), "NAME=SHARE"),
        (("split", "SET", "--out", "OUT", "--share", "a=0.9", "--share", "b=0.9"), "at most 1"),
        (("select", "SET", "pt >", "--out", "OUT"), "is not a selection"),
        (("select", "SET", "pt > 9000", "--out", "OUT"), "no event satisfies"),
        (("select", "SET", "nothing > 1", "--out", "OUT"), "there is no column 'nothing'"),
        (("merge", "SET", "gone", "--out", "OUT"), "no event set at gone"),
        (("merge", "SET", "CROPS", "--out", "OUT"), "differ in geometry"),
    ],
)
def test_what_cannot_be_is_one_line(
    words: tuple[str, ...],
    told: str,
    toy_jets: Events,
    toy_crops: Events,
    tmp_path: Path,
    calovision: Command,
) -> None:
    sets = {"SET": toy_jets, "CROPS": toy_crops}
    paths = {name: str(cv.save(e, tmp_path / name).path) for name, e in sets.items()}
    done = calovision("data", *(paths.get(w, w).replace("OUT", str(tmp_path / "o")) for w in words))
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not (tmp_path / "o" / "manifest.json").exists()


def test_a_folder_that_is_taken_is_kept(toy_jets: Events, tmp_path: Path) -> None:
    made = cv.save(toy_jets, tmp_path / "a")
    with pytest.raises(InputError, match="already holds"):
        cv.save(toy_jets[:3], tmp_path / "a")
    assert len(cv.open(made.path)) == 64
    assert len(cv.save(toy_jets[:3], tmp_path / "a", overwrite=True)) == 3
