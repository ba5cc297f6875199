"""Which process of how many this one is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import save
from calovision.models.config import load_config
from calovision.models.train import train
from calovision.training.launchers import (
    check_rendezvous,
    first_node,
    rank_and_size,
    unfollowed_warning,
)

STEP = {"SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_NODELIST": "node[07-10]", "SLURM_JOB_ID": "123456"}
MEET = {"MASTER_ADDR": "head", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    "here",
    [
        {},
        {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"},
        {"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"},
        {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "interactive", "SLURM_NNODES": "2"},
        {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_STEP_ID": "4294967290"},
        {"SLURM_STEP_NUM_TASKS": "4(x2)", "SLURM_PROCID": "0"},
        {"SLURM_STEP_NUM_TASKS": "8"},
        {"WORLD_SIZE": "4"},
        {"WORLD_SIZE": ""},
        {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0", **MEET},
        {"RANK": "3"},
        {"LOCAL_RANK": "1", "MASTER_ADDR": "head"},
        {"WORLD_SIZE": "4", "MASTER_ADDR": "head", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},
        {
            "OMPI_COMM_WORLD_SIZE": "4",
            "OMPI_COMM_WORLD_RANK": "2",
            "PMI_SIZE": "4",
            "PMI_RANK": "2",
        },
    ],
)
def test_what_no_launcher_set_is_one_process(here: dict[str, str]) -> None:
    assert rank_and_size(here) == (0, 1)


@pytest.mark.parametrize(
    ("here", "found"),
    [
        ({"RANK": "3", "WORLD_SIZE": "4", **MEET}, (3, 4)),
        (STEP | {"SLURM_PROCID": "5"}, (5, 8)),
        (STEP | {"SLURM_PROCID": "5", "WORLD_SIZE": "8"}, (5, 8)),
        # srun starts one torchrun a node, torchrun four processes on each.
        (STEP | {"SLURM_PROCID": "1", "RANK": "6", "WORLD_SIZE": "32", **MEET}, (6, 32)),
    ],
)
def test_launchers_are_followed(here: dict[str, str], found: tuple[int, int]) -> None:
    assert rank_and_size(here) == found
    check_rendezvous(here)
    assert rank_and_size(here) == found
    assert unfollowed_warning(here) is None


@pytest.mark.parametrize(
    ("here", "says"),
    [
        ({"RANK": "4", "WORLD_SIZE": "4"}, "RANK is 4, but WORLD_SIZE is 4"),
        ({"RANK": "-1", "WORLD_SIZE": "4"}, "RANK is -1"),
        ({"RANK": "3", "WORLD_SIZE": "1"}, "RANK is 3, but WORLD_SIZE is 1"),
        ({"RANK": "first", "WORLD_SIZE": "4"}, "RANK is 'first', not a number"),
        (STEP | {"SLURM_PROCID": "5", "WORLD_SIZE": "4"}, "WORLD_SIZE is 4, but srun started 8"),
        (STEP | {"SLURM_PROCID": "9"}, "SLURM_PROCID is 9, but SLURM_STEP_NUM_TASKS is 8"),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "1"}, "set MASTER_ADDR"),
    ],
)
def test_contradictions_are_one_line(here: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        rank_and_size(here)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("here", "says"),
    [
        ({"WORLD_SIZE": "4"}, "WORLD_SIZE is 4, but RANK is not set"),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, "mpirun's 4 processes are not joined"),
        ({"SLURM_NTASKS": "4"}, None),
    ],
)
def test_what_looks_like_several_processes_is_told(here: dict[str, str], says: str | None) -> None:
    found = unfollowed_warning(here)
    assert found is None if says is None else says in str(found)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("head", "head"),
        ("a,b", "a"),
        ("node[07-10]", "node07"),
        ("node[3,5-6],other", "node3"),
        ("rack[1-2]n[03-04]", "rack1n03"),
    ],
)
def test_the_first_node_of_a_list(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


def test_a_training_in_a_batch_script_is_one_process_and_half_a_launcher_none(
    make_jets: Callable[..., Events], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = save(make_jets(60, 5), tmp_path / "jets", provenance={})
    small = {"code": 8, "points": 20, "width": 8, "epochs": 0.3, "batch": 16}
    config = load_config("jet-vae", overrides=small)
    slurm = {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "WORLD_SIZE": "4"}
    monkeypatch.setattr(os, "environ", {**os.environ, **slurm})
    run = train(config, store, tmp_path / "one", quiet=True)
    assert run.describe()["config"]["processes"] == 1
    assert run.weights.exists()
    monkeypatch.setattr(os, "environ", {**os.environ, "RANK": "0"})
    with pytest.raises(InputError, match="MASTER_ADDR is not"):
        train(config, store, tmp_path / "four", quiet=True)
    assert not (tmp_path / "four").exists()
