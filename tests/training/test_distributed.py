"""Two processes that train one model, over gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore, save
from calovision.models.config import load_config
from calovision.models.load import build
from calovision.models.train import train
from calovision.training import distributed
from calovision.training.distributed import ProcessGroup, current_group, own_device, session
from calovision.training.run import RunDir

#: nothing random but the weights at the start and the order, and two windows an epoch
SETTINGS = {
    "k": 2,
    "dropout": 0.0,
    "epochs": 3,
    "window": 32,
    "validate_every": 3,
    "ema": 0.9,
    "clip": 1.0,
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, make_jets: Callable[..., Events]) -> EventStore:
    return save(make_jets(80, 5), tmp_path_factory.mktemp("data") / "jets", provenance={})


def trained(store: EventStore, out: Path, batch: int, number: int, **how: bool) -> RunDir:
    settings = SETTINGS | {"batch": batch, "processes": number}
    config = load_config("jet-tagger", "baseline", overrides=settings)
    return train(config, store, out, quiet=True, **how)


def same(one: RunDir, two: RunDir, store: EventStore) -> bool:
    """Whether two trainings have led to the same weights, compared with how far they moved."""
    config = load_config("jet-tagger", "baseline", overrides=SETTINGS)
    torch.manual_seed(config.seed)
    task = build(config, store.geometry, store.load())
    start = {name: weight.detach() for name, weight in task.named_parameters()}
    first, second = load_file(one.weights), load_file(two.weights)
    moved, apart = (
        sum(float((first[k] - x[k]).square().sum()) for k in start) for x in (start, second)
    )
    return apart < 1e-4 * moved


@pytest.mark.timeout(1200)  # three processes start, which takes long on a busy machine
def test_two_are_as_one_with_the_doubled_batch_even_after_a_death(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = trained(store, tmp_path / "one", 16, 1)
    others: list[subprocess.Popen[bytes]] = []
    append, start = RunDir.append, distributed._started

    def started(*arguments: object) -> subprocess.Popen[bytes]:
        others.append(start(*arguments))  # type: ignore[arg-type]
        return others[-1]

    def append_and_kill(self: RunDir, row: dict[str, object]) -> None:
        append(self, row)
        if row["step"] == 6:
            others[0].kill()

    monkeypatch.setattr(distributed, "_started", started)
    monkeypatch.setattr(RunDir, "append", append_and_kill)
    with pytest.raises(InputError, match="process 1 of the training ended too early"):
        trained(store, tmp_path / "two", 8, 2)
    monkeypatch.setattr(RunDir, "append", append)
    two = trained(store, tmp_path / "two", 8, 2, resume=True)
    assert len(others) == 2
    assert others[1].returncode == 0
    assert sorted(p.name for p in two.path.iterdir()) == sorted(p.name for p in one.path.iterdir())
    for before, after in zip(one.rows(), two.rows(), strict=True):
        assert before.keys() == after.keys()
        for name in ("step", "train_loss", "val_loss", "val_auc"):
            assert before[name] == pytest.approx(after[name], abs=1e-4)
    assert abs(two.rows()[0]["val_loss"] - two.rows()[-1]["val_loss"]) > 1e-3
    assert same(one, two, store)


@pytest.mark.timeout(1200)
def test_torchrun_starts_them_too(store: EventStore, tmp_path: Path) -> None:
    one = trained(store, tmp_path / "one", 16, 1)
    settings = [f"--set={k}={v}" for k, v in (SETTINGS | {"batch": 8}).items()]
    what = ["jet-tagger", "--model", "baseline", "--data", str(store.path), "--seed", "1"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node=2", "-m", "calovision.cli.app", "train", *what]
    out = ["--out", str(tmp_path / "two"), *settings]
    done = subprocess.run([*command, *out], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained baseline") == 1
    two = RunDir(tmp_path / "two")
    assert two.describe()["config"]["processes"] == 2
    assert same(one, two, store)


def test_places_given_by_torchrun_and_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_group() == ProcessGroup(0, 1)
    monkeypatch.setattr(os, "environ", {"RANK": "3", "WORLD_SIZE": "4"})
    assert current_group() == ProcessGroup(3, 4)
    slurm = {
        "SLURM_PROCID": "1",
        "SLURM_STEP_NUM_TASKS": "8",
        "SLURM_STEP_NODELIST": "node[07-10]",
        "SLURM_JOB_ID": "123456",
    }
    monkeypatch.setattr(os, "environ", slurm)
    assert current_group() == ProcessGroup(1, 8)
    assert slurm["MASTER_ADDR"] == "node07"
    assert slurm["MASTER_PORT"] == str(15_000 + 3456)
    # A batch script of several tasks, not started by srun, is one process.
    monkeypatch.setattr(os, "environ", {"SLURM_PROCID": "0", "SLURM_NTASKS": "8"})
    assert current_group() == ProcessGroup(0, 1)


def test_one_process_is_a_team_of_its_own(tmp_path: Path) -> None:
    with session(1, tmp_path, torch.device("cpu")) as group:
        network = torch.nn.Linear(1, 1)
        assert group.data_parallel(network) is network
        assert group.from_first(lambda: 3) == 3
        assert not group.any(False)
        assert group.any(True)
    assert distributed.total(2.0) == distributed.largest(2.0) == 2.0
    assert distributed.gathered({"loss": [1.0]}) == {"loss": [1.0]}


def test_more_processes_than_there_are_is_one_line(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "RANK": "0", "WORLD_SIZE": "4"})
    with pytest.raises(InputError, match="4 processes were started, not 2"):
        trained(store, tmp_path, 8, 2)


LAUNCHED = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
SLURM = {"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8", "SLURM_LOCALID": "1"}
SLURM |= {"MASTER_ADDR": "head", "MASTER_PORT": "1"}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("cuda", LAUNCHED, "cuda:1"),
        ("auto", LAUNCHED, "cuda:1"),
        ("cpu", LAUNCHED, "cpu"),
        ("cuda", SLURM, "cuda:1"),
        ("cuda", SLURM | {"SLURM_GPUS_PER_TASK": "1"}, "cuda:0"),
        ("cuda", {}, "cuda:0"),
    ],
)
def test_every_process_has_a_gpu_of_its_own(
    name: str, given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(monkeypatch, 4)
    monkeypatch.setattr(os, "environ", dict(given))
    device = own_device(name, 8 if given else 4)
    assert str(device) == expected
    assert ("nccl" in distributed._backend(device)) == (device.type == "cuda")


@pytest.mark.parametrize(
    ("name", "given", "gpus", "problem"),
    [
        ("cuda", {}, 1, "2 processes of the training are to share 1 GPU, but each needs its own"),
        ("auto", LAUNCHED, 3, "4 processes of the training are to share 3 GPUs"),
        ("cuda", SLURM, 1, "2 processes of the training are to share 1 GPU"),
        ("cuda:1", {}, 2, "cuda:1 is one GPU, but 2 processes train together"),
    ],
)
def test_too_few_gpus_are_one_line(
    name: str, given: dict[str, str], gpus: int, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_gpus(monkeypatch, gpus)
    monkeypatch.setattr(os, "environ", dict(given))
    with pytest.raises(InputError, match=problem):
        own_device(name, 2)


def with_gpus(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
