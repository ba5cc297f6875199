from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from calovision.errors import DamagedError, InputError
from calovision.models.load import load_task
from calovision.models.pretrained import pretrained_run
from calovision.models.taggers.crop_net import CropTask
from calovision.training.checkpoints import read_checkpoint
from calovision.training.run import RunDir
from calovision.training.weights import read_weights


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A trained run in the working directory."""
    shutil.copytree(pretrained_run("egamma"), tmp_path / "run")
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    found = RunDir(Path("run"))
    load_task(found)  # loads what it needs while there are rights to do so
    return found


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of the administrator, who may read whatever is forbidden."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


READS: dict[str, Callable[[RunDir], object]] = {
    "model.safetensors": load_task,
    "config.yaml": load_task,
    "budget.json": RunDir.budget,
    "last.ckpt": lambda run: read_checkpoint(run.checkpoint),
}


@pytest.mark.parametrize("what", READS)
def test_a_run_without_permission_is_not_called_damaged(run: RunDir, what: str) -> None:
    path = run.path / what
    path.touch()
    path.chmod(0)
    with nobody(), pytest.raises(InputError) as caught:
        READS[what](run)
    assert not isinstance(caught.value, DamagedError)
    assert f"run/{what} cannot be read: permission denied" in str(caught.value)


def test_weights_that_are_not_there_are_told(run: RunDir) -> None:
    run.weights.unlink()
    with pytest.raises(InputError, match=r"model\.safetensors does not exist"):
        read_weights(run.weights)


@pytest.mark.parametrize("how", ["shape", "lost", "more", "torn", "empty"])
def test_other_weights_are_called_so(run: RunDir, how: str) -> None:
    state = load_file(run.weights)
    name = sorted(k for k, v in state.items() if v.ndim > 1)[0]
    if how == "shape":
        state[name] = state[name][:, :-1].contiguous()
    elif how == "lost":
        del state[name]
    elif how == "more":
        state["more"] = torch.zeros(2)
    save_file(state, run.weights)
    if how in ("torn", "empty"):
        content = run.weights.read_bytes()
        run.weights.write_bytes(content[: len(content) // 2 if how == "torn" else 0])
    with pytest.raises(DamagedError, match="is damaged, or written by another version"):
        load_task(run)


@pytest.mark.parametrize("bug", [AttributeError, TypeError, RuntimeError, KeyError, ValueError])
def test_a_mistake_of_ours_is_not_called_damage(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, bug: type[Exception]
) -> None:
    def wrong(*_: object) -> None:
        raise bug("ours")

    monkeypatch.setattr(CropTask, "__init__", wrong)
    with pytest.raises(bug, match="ours"):
        load_task(run)
