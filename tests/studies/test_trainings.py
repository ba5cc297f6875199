from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from calovision.errors import InputError
from calovision.studies.trainings import ENVIRONMENT, Training, each

#: work of a module that other processes find
WORK = """
from functools import partial

import torch

from calovision.errors import InputError


def note(folder, training):
    if training.label == "bad":
        raise InputError("a bad training", "leave it out")
    (folder / training.label).write_text(str(torch.get_num_threads()))


def noting(folder):
    return partial(note, folder)
"""


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Training], None]:
    """Leaves a file that says how many threads there are; one training fails."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "noting_threads.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.delitem(sys.modules, "noting_threads", raising=False)
    module: Any = importlib.import_module("noting_threads")
    work: Callable[[Training], None] = module.noting(tmp_path)
    return work


@pytest.fixture
def trainings() -> list[Training]:
    return [Training(label, "", label) for label in ("first", "second", "third")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("workers", [1, 2])
def test_every_training_has_one_thread(
    tmp_path: Path,
    note: Callable[[Training], None],
    trainings: list[Training],
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")  # to be undone
    threads = torch.get_num_threads()
    each(note, trainings, workers=workers, quiet=True)
    assert [(tmp_path / t.label).read_text() for t in trainings] == ["1"] * 3
    assert torch.get_num_threads() == threads


def test_the_bar_counts_what_was_done_before(
    note: Callable[[Training], None],
    trainings: list[Training],
    capsys: pytest.CaptureFixture[str],
) -> None:
    each(note, trainings, workers=1, quiet=False, done=2, title="judge")
    told = capsys.readouterr().err
    assert "judge:  40%" in told
    assert "5/5" in told


def test_an_error_is_not_lost(
    tmp_path: Path, note: Callable[[Training], None], trainings: list[Training]
) -> None:
    bad = [Training("bad", "", "bad"), *trainings]
    with pytest.raises(InputError, match="a bad training"):
        each(note, bad, workers=1, quiet=True)
    assert not (tmp_path / "first").exists()
