from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calovision.reports.from_runs import report
from calovision.reports.pages.symmetry import STUDY, parts_of
from calovision.reports.sources import read_source, save_arrays


def results(model: str, shift: float) -> dict[str, object]:
    keys = {"cover_1_d5": 170.0, "cover_2_d5": 340.0, "r2_1_d5": 0.9}
    return {
        "task": "symmetry",
        "model": model,
        "data": {"path": "data", "hash": "x", "events": 200, "split": "held out"},
        "seed": 1,
        "budget": {"wall_s": 10.0, "cpu_s": 9.0, "parameters": 100, "device": "cpu"},
        "metrics": {
            k: {"value": v - shift, "error": 1.0, "unit": "", "floor": None}
            | {"higher_is_better": True}
            for k, v in keys.items()
        },
        "versions": {"python": "3"},
    }


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for model in ("isometry", "baseline"):
        for space, dimension in (("d5", 5), ("d2", 2)):
            for digit, period in ((1, 180.0), (2, 360.0)):
                name = f"{model}/{space}/{digit}"
                arrays |= {
                    f"{name}/times": np.linspace(0, 6, 50),
                    f"{name}/angle": np.cumsum(rng.random((4, 50)), 1) * 10,
                    f"{name}/covered": np.full(4, period),
                    f"{name}/frames": np.arange(25),
                    f"{name}/degrees": np.zeros((2, 25)),
                    f"{name}/flowed": rng.integers(0, 255, (2, 25, 784), dtype=np.uint8),
                    f"{name}/true": rng.integers(0, 255, (2, 25, 784), dtype=np.uint8),
                    f"{name}/period": np.array(period),
                }
            name = f"{model}/{space}/latent"
            arrays |= {f"{name}/{k}": rng.normal(size=(80, 2)) for k in ("points", "velocity")}
            arrays[f"{name}/label"] = 1 + np.arange(80) % 2
            assert dimension
    save_arrays(tmp_path / "flows.npz", arrays)
    brackets = {"names": ["rotation", "slant"], "size": [[0, 0.5], [0.5, 0]]}
    brackets["open"] = [[None, 0.9], [0.9, None]]
    found = {
        "verdict": "a symmetry",
        "leaks": [0.05, 0.2],
        "spectrum": {
            "frequencies": [3.0, 2.0, 1.0],
            "fundamental": 1.0,
            "residual": 0.01,
            "closes": True,
        },
        "brackets": brackets,
    }
    (tmp_path / "found.json").write_text(json.dumps({"isometry/d5": found, "baseline/d5": {}}))
    models = [results("baseline", 100), results("isometry", 0)]
    comparison = {"study": "symmetry", "scale": "quick", "models": models, "differences": []}
    (tmp_path / "comparison.json").write_text(json.dumps({**comparison, "floor": {}}))
    return tmp_path


def test_everything_there_is_is_shown(study: Path) -> None:
    shown = {s.title: s for s in STUDY.sections(read_source(study))}
    assert list(shown)[:5] == [
        "The flow",
        "Flowed digits and true rotations",
        "Angle against time",
        "The latent space",
        "The group that was found",
    ]
    assert shown["The flow"].widget.count("flow-slider") == 2
    assert len(shown["Flowed digits and true rotations"].figures) == 4
    assert "leaks 5.0%" in shown["The group that was found"].text
    (table,) = shown["The group that was found"].tables
    assert table.rows[0][2].text == "0.50 (90%)"


def test_parts_go_by_the_names_shown(study: Path) -> None:
    digits, maps = parts_of(read_source(study))
    assert set(digits) == set(maps) == {"ours", "baseline"}
    assert set(digits["ours"]["d5"]) == {1, 2}


def test_the_page_is_self_contained(study: Path) -> None:
    page = report([study], study / "report.html").read_text()
    assert "Symmetries found in a latent space" in page
    assert 'type="range"' in page
    assert 'src="http' not in page


def test_missing_files_leave_out_their_part(study: Path) -> None:
    (study / "flows.npz").unlink()
    (study / "found.json").unlink()
    assert [s.title for s in STUDY.sections(read_source(study))] == ["How well digits are turned"]
