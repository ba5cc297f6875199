"""Trainings that are interrupted, and those that are given more epochs or time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models.autoencoders.point_vae import PointVAETask
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.training import loop, trainer
from calovision.training.run import RunDir
from calovision.training.task import Batch
from calovision.training.trainer import tidy
from calovision.utils.interruption import Interrupted, Stop, handled_by

SMALL = {"code": 8, "points": 20, "width": 8, "batch": 16, "validate_every": 4, "ema": 0.9}
SMALL |= {"epochs": 4, "schedule": "constant"}
Words = Callable[..., subprocess.CompletedProcess[str]]
Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(120, 5), tmp_path_factory.mktemp("data") / "jets", provenance={})


def trained(store: EventStore, out: Path, *, resume: bool = False, **more: Any) -> RunDir:
    config = load_config("jet-vae", overrides=SMALL | more)
    return train(config, store, out, resume=resume, quiet=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, store: EventStore) -> RunDir:
    """24 steps in one go."""
    return trained(store, tmp_path_factory.mktemp("runs") / "whole")


def log(run: RunDir) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "wall_s"} for row in run.rows()]


def same(one: RunDir, two: RunDir) -> bool:
    first, second = load_file(one.weights), load_file(two.weights)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize(("call", "learning", "step"), [(6, True, 6), (2, False, 8), (1, True, 1)])
def test_what_was_interrupted_goes_on_as_if_it_had_not_been(
    run: RunDir,
    store: EventStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: int,
    learning: bool,
    step: int,
) -> None:
    loss, calls = PointVAETask.loss, 0

    def interrupting(self: PointVAETask, batch: Batch, noise: torch.Generator) -> dict[str, Any]:
        nonlocal calls
        calls += torch.is_grad_enabled() is learning
        if calls == call and torch.is_grad_enabled() is learning:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss(self, batch, noise)

    out = tmp_path / "a run"
    with monkeypatch.context() as patch:
        patch.setattr(PointVAETask, "loss", interrupting)
        with pytest.raises(Interrupted) as stopped:
            trained(store, out)
    assert stopped.value.reached == (
        f"stopped at step {step}; go on with: calovision train --resume '{out}'"
    )
    assert not (out / "model.safetensors").exists()
    again = trained(store, out, resume=True)
    assert same(run, again)
    assert log(run) == log(again)


def test_a_step_that_does_not_end_is_cut_and_the_last_state_kept(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = PointVAETask.loss

    def hanging(self: PointVAETask, batch: Batch, noise: torch.Generator) -> dict[str, Any]:
        if torch.is_grad_enabled() and (tmp_path / "r" / "last.ckpt").exists():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        return loss(self, batch, noise)

    monkeypatch.setattr(PointVAETask, "loss", hanging)
    monkeypatch.setattr("calovision.utils.interruption.PATIENCE_S", 0.2)
    begun = time.monotonic()
    with pytest.raises(Interrupted, match="stopped at step 4;"):
        trained(store, tmp_path / "r")
    assert time.monotonic() - begun < 20
    assert torch.load(tmp_path / "r" / "last.ckpt", weights_only=True)["global_step"] == 4


def test_the_state_is_on_disk_every_minute_whenever_validation_comes(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loop.SAVE_EVERY_S < 60
    seen: list[int] = []
    kept = loop.write_checkpoint

    def spy(path: Path, state: dict[str, Any]) -> None:
        seen.append(state["global_step"])
        kept(path, state)

    monkeypatch.setattr(loop, "write_checkpoint", spy)
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
    trained(store, tmp_path / "r", epochs=1, validate_every=1000)
    assert seen == [1, 2, 3, 4, 5, 6, 6, 6]


def test_a_finished_run_goes_on_as_if_it_had_been_longer_from_the_start(
    run: RunDir, store: EventStore, tmp_path: Path
) -> None:
    short = trained(store, tmp_path / "r", epochs=2)
    assert short.budget()["passes"] == 2
    assert not same(run, short)
    (tmp_path / "r" / "results.json").write_text("{}")
    longer = trained(store, tmp_path / "r", resume=True)
    assert same(run, longer)
    assert log(run) == log(longer)
    assert longer.budget()["passes"] == 4
    assert longer.describe()["config"]["epochs"] == 4
    assert not (tmp_path / "r" / "results.json").exists()
    before = longer.weights.stat().st_mtime_ns
    trained(store, tmp_path / "r", resume=True)
    assert longer.weights.stat().st_mtime_ns == before


def test_without_its_last_state_it_goes_on_from_its_weights_and_says_so(
    store: EventStore, tmp_path: Path
) -> None:
    short = trained(store, tmp_path / "r", epochs=2)
    first = load_file(short.weights)
    short.checkpoint.unlink()
    longer = trained(store, tmp_path / "r", resume=True)
    assert longer.budget()["steps"] == 24
    assert any("fresh optimiser" in line for line in longer.budget()["warnings"])
    now = load_file(longer.weights)
    assert any(not torch.equal(first[k], now[k]) for k in first)
    assert longer.rows()[-1]["val_loss"] < longer.rows()[0]["val_loss"]


def test_lengths_that_are_over_and_other_settings_are_refused(
    run: RunDir, store: EventStore
) -> None:
    with pytest.raises(InputError, match=r"finished after 4 epochs, 3 are asked for.*epochs=5"):
        trained(store, run.path, resume=True, epochs=3)
    with pytest.raises(InputError, match=r"budget is 0\.001 s in all.*budget_s="):
        trained(store, run.path, resume=True, epochs=9, budget_s=0.001)
    with pytest.raises(InputError, match="batch is 16 there, not 8"):
        trained(store, run.path, resume=True, batch=8)
    assert run.describe()["config"]["epochs"] == 4


def test_the_command_needs_no_option_to_go_on(
    store: EventStore, tmp_path: Path, started: Started, calovision: Words
) -> None:
    out = tmp_path / "r"
    settings = [f"--set={k}={v}" for k, v in (SMALL | {"epochs": 10**6}).items()]
    process = started("train", "jet-vae", "--data", store.path, "--out", out, *settings)
    deadline = time.monotonic() + 120
    while not (out / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert text.count("interrupted; finished parts are kept; stopped at step ") == 1
    assert text.rstrip().endswith(f"go on with: calovision train --resume {out}")
    assert "Traceback" not in text
    step = torch.load(out / "last.ckpt", weights_only=True)["global_step"]
    assert f"stopped at step {step};" in text
    epochs = (step + 3) * 16 / 96
    done = calovision("train", "--resume", out, "--set", f"epochs={epochs}")
    assert done.returncode == 0, done.stderr
    assert RunDir(out).budget()["steps"] == step + 3
    other = calovision("train", "jet-tagger", "--resume", out)
    assert other.returncode == 2
    assert "task is jet-vae there, not jet-tagger" in other.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--resume"], "no run to go on with"),
        (["--resume", "nowhere"], "nowhere is not a run directory"),
        (["jet-vae", "runs/a"], "give --resume"),
        (["jet-vae", "--out", "o"], "--data"),
        ([], "a task"),
    ],
)
def test_what_is_missing_is_one_line(
    words: list[str], says: str, calovision: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failed = calovision("train", *words)
    assert failed.returncode == 2
    assert says in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_a_stop_waits_for_what_is_held_but_not_the_second_time() -> None:
    stop, done = Stop(), []

    def arrive(times: int, held: bool) -> None:
        with stop.held() if held else nullcontext():
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGTERM)
            done.append((times, held))

    with handled_by(stop.arrived):
        with pytest.raises(KeyboardInterrupt):
            arrive(1, held=True)
        assert not stop.wanted
        assert not stop.cut
        with pytest.raises(KeyboardInterrupt):
            arrive(2, held=True)
        assert stop.cut
        with pytest.raises(KeyboardInterrupt):
            arrive(1, held=False)
    stop.over()
    assert done == [(1, True)]
    assert signal.getsignal(signal.SIGTERM) != stop.arrived


def test_a_large_state_is_not_kept_behind_a_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir(tmp_path)
    for file in (run.checkpoint, run.best):
        file.write_bytes(bytes(600))
    tidy(run)
    assert run.checkpoint.exists()
    monkeypatch.setattr(trainer, "KEPT_BYTES", 1000)
    tidy(run)
    assert not run.checkpoint.exists()
    assert not run.best.exists()
