from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from calovision.errors import InputError
from calovision.training.run import RunDir


class Settings(BaseModel):
    task: str = "jet-vae"
    model: str = "point"
    seed: int


CONFIG = Settings(seed=1)
DATA = {"path": "jets", "hash": "abc"}


def test_what_is_recorded_comes_back(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.start(CONFIG, DATA, resume=False)
    described = run.describe()
    assert described["config"] == CONFIG.model_dump()
    assert described["data"] == DATA
    assert "torch" in described["versions"]


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.start(CONFIG, DATA, resume=False)
    with pytest.raises(InputError, match="--resume"):
        run.start(CONFIG, DATA, resume=False)
    run.start(CONFIG, DATA, resume=True)
    with pytest.raises(InputError, match="another configuration"):
        run.start(Settings(seed=2), DATA, resume=True)
    with pytest.raises(InputError, match="other data"):
        run.start(CONFIG, {**DATA, "hash": "def"}, resume=True)


class Newer(Settings):
    warmup: int = 50


def test_what_an_older_run_did_not_record_had_its_default(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.start(CONFIG, DATA, resume=False)
    newer = Newer(seed=1)
    run.start(newer, DATA, resume=True)
    assert run.config_of(Newer) == newer.model_dump()
    with pytest.raises(InputError, match="warmup is 50 there, not 10"):
        run.start(Newer(seed=1, warmup=10), DATA, resume=True)


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        RunDir(tmp_path).start(CONFIG, DATA, resume=False)
    with pytest.raises(InputError, match="not a run"):
        RunDir(tmp_path).describe()


def test_rows_survive_a_line_cut_short(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.append({"step": 1})
    with run.metrics.open("a") as file:
        file.write('{"step": 2, "lo')
    assert run.rows() == [{"step": 1}]


def test_a_resumed_log_repeats_no_row(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for step in (5, 10, 15):
        run.append({"step": step})
    with run.metrics.open("a") as file:
        file.write('{"step": 20, "lo')
    run.keep_rows(10)
    run.append({"step": 15})
    assert [row["step"] for row in run.rows()] == [5, 10, 15]


def test_what_a_killed_process_was_writing_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "config.yaml.part").write_text("conf")
    run = RunDir(tmp_path)
    run.start(CONFIG, DATA, resume=False)
    assert run.describe()["config"] == CONFIG.model_dump()


@pytest.mark.parametrize("text", ["config: 1\ndata: {}", "- 1", "config: {}\ndata: &a [*a]"])
def test_odd_descriptions_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match="not a run"):
        RunDir(tmp_path).describe()
