"""Sets of one seed are noticed, wherever on this machine they were made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calovision.cli.app import app
from calovision.events import Events, save
from calovision.simulation import sets

MADE_BY = {"source": "calovision simulate jets", "seed": 1, "pythia": ["a", "b"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sets, "folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_set_beside_and_one_elsewhere(toy_jets: Events, tmp_path: Path, cache: Path) -> None:
    beside, elsewhere = tmp_path / "sets" / "one", tmp_path / "far" / "away"
    for path in (beside, elsewhere):
        save(toy_jets, path, provenance=MADE_BY | {"detector": {"noise": 2}})
    other = save(toy_jets, tmp_path / "sets" / "other", provenance=MADE_BY | {"seed": 2}).path
    (tmp_path / "sets" / "broken").mkdir()
    (tmp_path / "sets" / "broken" / "manifest.json").write_text('{"provenance": []}')
    new = tmp_path / "sets" / "new"
    assert sets.same_events(new, MADE_BY) == [(beside, 64)]
    for path in (elsewhere, other, elsewhere):
        sets.remember(path)
    assert sets.same_events(new, MADE_BY) == [(elsewhere, 64), (beside, 64)]
    assert sets.same_events(beside, MADE_BY) == [(elsewhere, 64)]
    assert sets.same_events(new, MADE_BY | {"seed": 3}) == []
    assert (cache / "simulated.txt").read_text().splitlines() == [str(other), str(elsewhere)]


def test_a_cache_that_cannot_be_used_is_no_fault(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file, not a folder")
    sets.remember(tmp_path / "set")
    assert sets.same_events(tmp_path / "nowhere" / "set", MADE_BY) == []
    cache.unlink()
    cache.mkdir()
    (cache / "simulated.txt").write_bytes(b"\xff\xfe\x00")
    assert sets.same_events(tmp_path / "nowhere" / "set", MADE_BY) == []


def test_simulate_warns_before_it_begins(tmp_path: Path) -> None:
    def made(name: str, *more: str) -> tuple[list[str], str]:
        words = ["data", "simulate", "egamma", "--events", "6", "--out", str(tmp_path / name)]
        done = CliRunner().invoke(app, [*words, *more, "--json"])
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout)["warnings"], done.stderr

    found, said = made("train")
    assert (found, "warning" in said) == ([], False)
    found, said = made("deep/down/test")
    assert [line.split(" holds ")[0] for line in found] == [str(tmp_path / "train")]
    assert said.startswith(f"warning: {tmp_path / 'train'} holds 6 events of the same seed, 1")
    assert made("other", "--seed", "2")[0] == []
    (again,) = made("train", "--overwrite")[0]
    assert again.startswith(str(tmp_path / "deep/down/test"))
