from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import calovision as cv
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models.autoencoders.point_vae import PointVAETask
from calovision.models.config import load_config
from calovision.models.load import load_task
from calovision.models.train import train
from calovision.training.parts import parts_of
from calovision.training.run import RunDir
from calovision.training.settings import Training
from calovision.training.task import Batch

SMALL = {
    "code": 32,
    "points": 40,
    "width": 8,
    "epochs": 4,
    "batch": 16,
    "validate_every": 5,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    path = tmp_path_factory.mktemp("data") / "jets"
    return save(make_jets(120, 5), path, provenance={"made_by": "toys"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, store: EventStore) -> RunDir:
    out = tmp_path_factory.mktemp("runs") / "point"
    return train(load_config("jet-vae", overrides=SMALL), store, out, quiet=True)


def test_a_run_holds_what_it_takes_to_repeat_it(run: RunDir, store: EventStore) -> None:
    described = run.describe()
    assert described["config"]["points"] == 40
    assert described["data"]["hash"] == store.hash
    rows = run.rows()
    assert rows[-1]["step"] == run.budget()["steps"]
    assert {"train_loss", "val_loss", "wall_s"} <= rows[0].keys()
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    assert sorted(p.name for p in run.path.iterdir()) == [
        "best.ckpt",
        "budget.json",
        "config.yaml",
        "last.ckpt",
        "metrics.jsonl",
        "model.safetensors",
        "training-events.npy",
    ]


def test_same_seed_same_weights(run: RunDir, store: EventStore, tmp_path: Path) -> None:
    again = train(load_config("jet-vae", overrides=SMALL), store, tmp_path / "r", quiet=True)
    other = train(
        load_config("jet-vae", overrides={**SMALL, "seed": 2}), store, tmp_path / "s", quiet=True
    )
    first, second, third = (load_file(r.weights) for r in (run, again, other))
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert any(not torch.equal(first[k], third[k]) for k in first)


def test_parts_keep_collisions_together(store: EventStore) -> None:
    parts = parts_of(store, load_config("jet-vae"))
    collisions = [set(store.column("event_id")[i]) for i in parts.values()]
    assert not collisions[0] & collisions[1]
    assert not collisions[0] & collisions[2]
    assert sum(map(len, parts.values())) == len(store)


def test_a_look_at_the_validation_loss_does_not_start_the_batches_again(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    loss = PointVAETask.loss

    def spy(self: PointVAETask, batch: Batch, generator: torch.Generator) -> dict[str, Any]:
        if torch.is_grad_enabled():
            seen.append(batch[0].energy.numpy().tobytes())
        return loss(self, batch, generator)

    monkeypatch.setattr(PointVAETask, "loss", spy)
    config = load_config("jet-vae", overrides={**SMALL, "epochs": 1, "validate_every": 2})
    train(config, store, tmp_path / "r", quiet=True)
    assert len(seen) == 6
    assert len(set(seen)) == len(seen)


def _weights(store: EventStore, out: Path, **settings: object) -> dict[str, torch.Tensor]:
    return load_file(train(load_config("jet-vae", overrides=SMALL | settings), store, out).weights)


def test_an_average_with_no_memory_is_the_weights(
    run: RunDir, store: EventStore, tmp_path: Path
) -> None:
    plain = load_file(run.weights)
    brief = _weights(store, tmp_path / "brief", ema=1e-9)
    long = _weights(store, tmp_path / "long", ema=0.9)
    assert all(torch.equal(plain[k], brief[k]) for k in plain)
    assert not all(torch.equal(plain[k], long[k]) for k in plain)


def test_the_rate_falls_at_a_plateau(store: EventStore, tmp_path: Path) -> None:
    still = {"schedule": "plateau", "learning_rate": 1e-30, "validate_every": 1}
    _weights(store, tmp_path, **still)
    rates = [row["rate"] for row in RunDir(tmp_path).rows()]
    assert rates[0] == 1e-30
    # One look sets the best loss, four more without improvement, then it falls.
    assert rates[5:8] == pytest.approx([1e-31] * 3)


def test_an_epoch_lies_between_two_looks(store: EventStore, tmp_path: Path) -> None:
    _weights(store, tmp_path, validate_every=0, epochs=2)
    steps = [row["step"] for row in RunDir(tmp_path).rows()]
    train_events = RunDir(tmp_path).describe()["data"]["split"]["train"]
    assert steps[0] == train_events // SMALL["batch"]


def test_a_killed_training_resumes_to_the_same_weights(
    run: RunDir, store: EventStore, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    settings = [f"--set={k}={v}" for k, v in SMALL.items()]
    command = [sys.executable, "-m", "calovision.cli.app", "train", "jet-vae"]
    command += ["--data", str(store.path), "--out", str(out), *settings]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (out / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (out / "last.ckpt").exists(), "it never got as far as a checkpoint"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "model.safetensors").exists()
    checkpoint = torch.load(out / "last.ckpt", weights_only=True)
    # As if it had been a long time: what was spent before the end is not forgotten.
    torch.save(checkpoint | {"cpu_s": checkpoint["cpu_s"] + 1e4}, out / "last.ckpt")
    resumed = train(load_config("jet-vae", overrides=SMALL), store, out, resume=True, quiet=True)
    first, second = load_file(run.weights), load_file(resumed.weights)
    assert all(torch.allclose(first[k], second[k], atol=1e-6) for k in first)
    assert json.loads((out / "budget.json").read_text())["cpu_s"] > checkpoint["cpu_s"] + 1e4


def test_a_full_disk_is_one_line(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import calovision.training.trainer as fitting

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fitting, "write_bytes", full)
    config = load_config("jet-vae", overrides={**SMALL, "epochs": 0.5})
    with pytest.raises(InputError, match="No space left"):
        train(config, store, tmp_path / "r", quiet=True)
    assert not (tmp_path / "r" / "model.safetensors").exists()


def test_the_budget_ends_a_training(store: EventStore, tmp_path: Path) -> None:
    config = load_config("jet-vae", overrides={**SMALL, "epochs": 1e6, "budget_s": 1.0})
    finished = train(config, store, tmp_path / "r", quiet=True)
    assert finished.budget()["wall_s"] < 10


def test_the_baseline_trains_and_reconstructs(store: EventStore, tmp_path: Path) -> None:
    small = {"latent": 4, "epochs": 0.1, "batch": 4, "validate_every": 2}
    baseline = train(
        load_config("jet-vae", "baseline", overrides=small), store, tmp_path / "b", quiet=True
    )
    rebuilt = cv.load_model(baseline.path).reconstruct(store, out=tmp_path / "out").events
    assert len(rebuilt) == len(store)
    assert np.load(tmp_path / "out" / "latent.npy").shape == (len(store), 4)


def test_reconstructions_are_stored_with_labels_and_latents(
    run: RunDir, store: EventStore, tmp_path: Path
) -> None:
    rebuilt = cv.load_model(run.path).reconstruct(store, out=tmp_path / "out").events
    assert np.array_equal(rebuilt.column("label"), store.column("label"))
    assert not np.array_equal(rebuilt.column("pt"), store.column("pt"))
    assert np.load(tmp_path / "out" / "latent.npy").shape == (120, 32 + 3 * 40)
    again = cv.load_model(run.path).reconstruct(store, out=tmp_path / "again").events
    assert again.hash == rebuilt.hash


def test_what_is_wrong_is_said(
    run: RunDir, store: EventStore, tmp_path: Path, make_crops: Callable[..., Events]
) -> None:
    config = load_config("jet-vae", overrides=SMALL)
    with pytest.raises(InputError, match="--resume"):
        train(config, store, run.path, quiet=True)
    crops = save(make_crops(20, 1), tmp_path / "crops", provenance={})
    with pytest.raises(InputError, match="does not hold jets"):
        train(config, crops, tmp_path / "r", quiet=True)
    with pytest.raises(InputError, match="trained on"):
        cv.load_model(run.path).reconstruct(crops, out=tmp_path / "o")
    with pytest.raises(InputError, match="not a run"):
        load_task(RunDir(tmp_path / "nothing"))
    other = RunDir(tmp_path / "other")
    other.start(Training.model_construct(task="jet-tagger", model="x"), {"hash": ""}, resume=False)
    with pytest.raises(InputError, match="jet-tagger"):
        load_task(other)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in run.path.iterdir():
        content = file.read_bytes()
        (damaged / file.name).write_bytes(
            content[: len(content) // 2] if "model" in file.name else content
        )
    with pytest.raises(InputError, match="damaged"):
        load_task(RunDir(damaged))
