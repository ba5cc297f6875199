from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from calovision.errors import InputError
from calovision.training.checkpoints import read_checkpoint, write_checkpoint

STATE = {"state_dict": {"a": torch.ones(2)}, "global_step": 3, "spent_s": 0.5}


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "last.ckpt", STATE)
    found = read_checkpoint(tmp_path / "last.ckpt")
    assert found is not None
    assert found["global_step"] == 3
    assert torch.equal(found["state_dict"]["a"], torch.ones(2))
    assert read_checkpoint(tmp_path / "none.ckpt") is None


def test_a_failed_write_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, STATE)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"full.*last\.ckpt"):
        write_checkpoint(path, STATE | {"global_step": 4})
    found = read_checkpoint(path)
    assert found is not None
    assert found["global_step"] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


class _Command:
    def __init__(self, words: str) -> None:
        self.words = words

    def __reduce__(self) -> Any:
        return os.system, (self.words,)


@pytest.mark.parametrize("damage", ["pickle", "cut", "else"])
def test_what_is_no_checkpoint_is_refused_and_not_run(tmp_path: Path, damage: str) -> None:
    path, trap = tmp_path / "last.ckpt", tmp_path / "trap"
    if damage == "pickle":
        path.write_bytes(pickle.dumps(STATE | {"spent_s": _Command(f"touch {trap}")}))
    elif damage == "cut":
        write_checkpoint(path, STATE)
        path.write_bytes(path.read_bytes()[:-100])
    else:
        torch.save([1, 2], path)
    with pytest.raises(InputError, match="delete it to start the training again"):
        read_checkpoint(path)
    assert not trap.exists()
