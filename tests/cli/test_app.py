from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

VERBS = [
    ["train"],
    ["evaluate"],
    ["reconstruct"],
    ["study"],
    ["report"],
    ["data", "simulate"],
    ["data", "convert"],
    ["data", "export"],
    ["data", "info"],
    ["data", "fetch"],
]


Command = Callable[..., subprocess.CompletedProcess[str]]
Started = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_shows_help_with_an_example(verb: list[str], calovision: Command) -> None:
    shown = calovision(*verb, "--help")
    assert shown.returncode == 0
    assert "Example: calovision " + " ".join(verb) in " ".join(shown.stdout.split())
    assert "--json" in shown.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, calovision.cli.app;"
        "print([m for m in ('torch', 'numba', 'pyarrow', 'pythia8mc', 'matplotlib') "
        "if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "jet-vae", "--data", "nowhere", "--out", "o"], "nowhere"),
        (["train", "jet-vea", "--data", "nowhere", "--out", "o"], "jet-vae"),
        (["train", "jet-vae", "--data", "n", "--out", "o", "--set", "bta=1"], "bta"),
        (["evaluate", "nowhere", "--data", "nowhere"], "nowhere"),
        (["reconstruct", "nowhere", "--data", "nowhere", "--out", "o"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["data", "info", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calovision: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    failed = calovision(*words)
    assert failed.returncode == 2
    assert says in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
    assert failed.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(calovision: Command) -> None:
    failed = calovision("--debug", "data", "info", "nowhere")
    assert "Traceback" in failed.stderr


def _told(text: str) -> list[str]:
    """Lines on standard error that are not of a progress bar."""
    return [line for line in text.splitlines() if line.strip() and "jet/s" not in line]


def _children(process: subprocess.Popen[str]) -> list[int]:
    threads = list(Path(f"/proc/{process.pid}/task").glob("*/children"))
    if not threads:
        pytest.skip("no list of children on this system")
    return [int(number) for file in threads for number in file.read_text().split()]


@pytest.mark.parametrize(
    ("number", "whole_group"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["C-c", "term"]
)
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_is_told_once_and_exit_code_130(
    tmp_path: Path, started: Started, number: signal.Signals, whole_group: bool, workers: int
) -> None:
    words = ["data", "simulate", "jets", "--events", "100000", "--out", tmp_path / "jets"]
    # No other set on this machine has this seed, which would be told.
    process = started(*words, "--workers", str(workers), "--seed", "4711")
    ready = (lambda: bool(_children(process))) if workers > 1 else (tmp_path / "jets").exists
    deadline = time.monotonic() + 60
    while process.poll() is None and not ready() and time.monotonic() < deadline:
        time.sleep(0.02)
    (os.killpg if whole_group else os.kill)(process.pid, number)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert _told(text) == ["calovision: interrupted; finished parts are kept"]


@pytest.mark.parametrize("moment", [0.12, 0.25, 0.5, 0.8])
def test_an_interruption_while_libraries_are_loaded_is_one_line(
    tmp_path: Path, started: Started, moment: float
) -> None:
    process = started("train", "jet-vae", "--data", tmp_path, "--out", tmp_path / "o")
    time.sleep(moment)
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=60)
    if "no event set" in text:
        return  # it was about to end by itself
    if process.returncode == 130:
        assert len(_told(text)) == 1
        assert text.startswith("calovision: interrupted")
    else:
        assert process.returncode == 2 or "runpy" in text


def test_an_interruption_inside_a_callback_is_not_forgotten() -> None:
    code = """
import ctypes, os, signal, time
from calovision.cli import app
signal.signal(signal.SIGINT, signal.default_int_handler)

def work():
    call = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGINT))
    call()
    time.sleep(30)

app.app = work
app.main()
"""
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 130
    assert time.monotonic() - begun < 20
    assert "Traceback" not in ended.stderr


def test_json_is_alone_on_stdout(tmp_path: Path, toy_jets: object, calovision: Command) -> None:
    from calovision.events.events import Events
    from calovision.events.store import save

    assert isinstance(toy_jets, Events)
    save(toy_jets, tmp_path / "jets", provenance={})
    shown = calovision("data", "info", str(tmp_path / "jets"), "--json")
    assert json.loads(shown.stdout)["events"] == 64


def test_pytorch_without_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from calovision.cli import app

    def greedy() -> None:
        torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr(app, "app", greedy)
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 2
    assert "not enough memory" in capsys.readouterr().err


def test_other_errors_of_the_program_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from calovision.cli import app

    def wrong() -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(app, "app", wrong)
    with pytest.raises(RuntimeError, match="a mistake"):
        app.main()


def test_what_the_system_refuses_is_one_line() -> None:
    from calovision.cli.app import exhausted

    told = exhausted(PermissionError(errno.EACCES, "x", "runs/results.json"))
    assert told == "runs/results.json: permission denied; check permissions, disk and limits"
    assert exhausted(OSError(errno.EMFILE, "x")) == (
        "too many open files; check permissions, disk and limits"
    )
    assert exhausted(FileNotFoundError(errno.ENOENT, "x", "ours")) is None
    assert exhausted(RuntimeError("ours")) is None
