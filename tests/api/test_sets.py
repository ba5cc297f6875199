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


def written_over(one: cv.EventStore, link: Path) -> dict[str, Callable[[], object]]:
    """Calls that would write a set over the one that they read, by every way there is."""
    part, again = one.select("pt > 0"), {"overwrite": True}
    dotted = one.path / ".." / one.path.name
    return {
        "save": lambda: cv.save(one, one.path, overwrite=True),
        "save without overwrite": lambda: cv.save(one, one.path),
        "save a selection": lambda: cv.save(part, one.path, overwrite=True),
        "save a part of a selection": lambda: cv.save(part.select("pt > 0"), dotted, **again),
        "save through a link": lambda: cv.save(one, link, overwrite=True),
        "save what was opened by a link": lambda: cv.save(cv.open(link), one.path, overwrite=True),
        "select": lambda: cv.select(one.path, "pt > 0", one.path, overwrite=True),
        "merge": lambda: cv.merge([one.path, link], link, overwrite=True),
        "merge after another": lambda: cv.merge([one[:3], one], one.path, overwrite=True),
        "split": lambda: cv.split(link, one.path.parent, b=0.1, a=0.9, overwrite=True),
    }


def test_a_set_is_not_written_over_itself(toy_jets: Events, tmp_path: Path) -> None:
    one = cv.save(toy_jets, tmp_path / "a")
    (tmp_path / "link").symlink_to("a")
    for how, call in written_over(one, tmp_path / "link").items():
        with pytest.raises(InputError, match="would destroy them"):
            call()
        assert cv.load(one.path).hash == toy_jets.hash, how
    assert not (tmp_path / "b").exists()
    one.verify()
    assert len(cv.save(one.load(), one.path, overwrite=True)) == 64  # in memory they are safe


@pytest.mark.parametrize("words", [("merge", "SET"), ("select", "SET", "pt > 0")])
def test_the_command_does_not_write_a_set_over_itself(
    words: tuple[str, ...], toy_jets: Events, tmp_path: Path, calovision: Command
) -> None:
    one = cv.save(toy_jets, tmp_path / "a")
    named = [str(one.path) if w == "SET" else w for w in words]
    done = calovision("data", *named, "--out", one.path, "--overwrite")
    assert (done.returncode, done.stderr.strip().count("\n")) == (2, 0)
    assert "would destroy them" in done.stderr
    assert cv.load(one.path).hash == toy_jets.hash


def test_files_are_not_written_into_the_set_that_they_are_of(
    toy_crops: Events, tmp_path: Path
) -> None:
    one = cv.save(toy_crops, tmp_path / "a")
    shard = one.path / "shard-00000.parquet"
    for events in (one, one.path, one.select("label == photon")):
        with pytest.raises(InputError, match="lies in the event set itself"):
            cv.export(events, shard, overwrite=True, quiet=True)
    public = cv.export(one, tmp_path / "public.h5", quiet=True)
    inside = public.rename(tmp_path / "a" / "shard-00001.parquet")
    with pytest.raises(InputError, match="which is to be written"):
        cv.convert(inside, one.path, overwrite=True, quiet=True)
    assert cv.load(one.path).hash == toy_crops.hash


@pytest.mark.parametrize("name", ["egamma", "symmetry", "all"])
def test_a_study_does_not_begin_in_a_folder_of_something_else(
    name: str, toy_crops: Events, tmp_path: Path
) -> None:
    one = cv.save(toy_crops, tmp_path / "a")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="is no study and not empty"):
        cv.study(name, out=one.path)
    assert sorted(tmp_path.rglob("*")) == before
