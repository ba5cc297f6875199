from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calovision.cli.app import app
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.studies.bench.commands import peak
from calovision.studies.bench.material import SIZES, Material
from calovision.studies.bench.rows import ON_TWO_CORES, ROWS, bench, measured

TRIED = ["convert", "loader-egamma", "train", "train-bfloat16", "predict-loader"]


@pytest.fixture(autouse=True)
def toys(
    make_jets: Callable[[int, int], Events],
    make_crops: Callable[[int, int], Events],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Toys in place of simulated events."""
    monkeypatch.setattr(Material, "jets", make_jets(60, 1))
    monkeypatch.setattr(Material, "crops", make_crops(600, 1))


def test_the_command_measures_writes_and_keeps_other_rows(tmp_path: Path) -> None:
    out, page = tmp_path / "bench.json", tmp_path / "page.md"
    page.write_text("<!-- bench: begin -->\n<!-- bench: end -->\n")
    words = [w for name in TRIED for w in ("--only", name)]
    command = ["bench", "--quick", "--out", str(out), "--json"]
    done = CliRunner().invoke(app, [*command, "--page", str(page), *words])
    assert done.exit_code == 0, done.output
    rows = json.loads(out.read_text())["rows"]
    assert list(rows) == TRIED
    assert json.loads(done.stdout)["rows"] == rows
    for row in rows.values():
        assert row["ratio"] > 0
        assert row["kind"] == "CPU time"
    assert rows["loader-egamma"]["ratio"] < 1  # building is a part of a step
    assert rows["predict-loader"]["ratio"] < 1.5
    assert "torch-geometric's GraphSAGE (32 jets)" in page.read_text()
    again = bench(out, only=["convert"], size="quick", quiet=True)["rows"]
    assert list(again) == TRIED
    assert again["convert"] != rows["convert"]
    assert again["train"] == rows["train"]


def test_what_cannot_be_measured_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calovision.studies.bench.networks.find_spec", lambda name: None)
    found = measured("predict", Material(tmp_path, SIZES["quick"], 1))
    assert found == {
        "unavailable": "needs onnx, onnxscript, onnxruntime: pip install 'calovision[deploy]'"
    }


@pytest.mark.parametrize("name", sorted(ON_TWO_CORES))
def test_processes_need_cores(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0}, raising=False)
    found = measured(name, Material(tmp_path, SIZES["quick"], 1))
    assert found == {"unavailable": "needs two cores"}


def test_memory_is_the_childs_own() -> None:
    assert 5 < peak(["--version"]) < 150  # this process, with PyTorch in it, is larger


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row 'speed'"):
        bench(only=["speed"])
    with pytest.raises(InputError, match="no folder"):
        bench(tmp_path / "a" / "b.json")
    other = tmp_path / "other.json"
    other.write_text("[]")
    with pytest.raises(InputError, match="is no speed table"):
        bench(other)
    other.write_text('{"rows": {}, "size": "quick"}')
    with pytest.raises(InputError, match="of size quick, not standard"):
        bench(other)
    assert set(TRIED) < set(ROWS)
