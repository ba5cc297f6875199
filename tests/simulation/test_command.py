"""``calovision data simulate`` as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from calovision.events.store import EventStore

MAIN = [sys.executable, "-c", "from calovision.cli.app import main; main()", "data", "simulate"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN, *arguments], capture_output=True, text=True, check=False)


def test_json_is_all_that_stdout_gets(tmp_path: Path) -> None:
    result = run("jets", "--events", "6", "--out", str(tmp_path), "--seed", "4", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    store = EventStore.open(tmp_path)
    assert answer["events"] == len(store) == 6
    assert answer["hash"] == store.hash
    assert "6/6" in result.stderr  # the progress bar


@pytest.mark.parametrize(
    "arguments",
    [
        ("jets", "--events", "0"),
        ("jets", "--events", "4", "--workers", "0"),
        ("bananas", "--events", "4"),
        ("egamma", "--events", "0"),
        ("egamma", "--events", "4", "--tune", "5"),
        ("egamma", "--events", "4", "--engine", "slow"),
        ("jets", "--events", "4", "--engine", "fast"),
        ("jets", "--events", "many"),
    ],
)
def test_bad_input_exits_2_and_leaves_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    out = tmp_path / "set"
    result = run(*arguments, "--out", str(out))
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not out.exists()


def test_egamma_reports_events_without_deposit(tmp_path: Path) -> None:
    out = str(tmp_path / "set")
    result = run("egamma", "--events", "6", "--out", out, "--engine", "fast", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    store = EventStore.open(out)
    assert answer["events"] == len(store) == 6
    assert answer["without_deposit"] == 0
    assert store.geometry.channel_names == ("energy", "time")
    assert "0 of them leave nothing" in result.stderr
