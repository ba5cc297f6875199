from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from hepdata_validator.full_submission_validator import FullSubmissionValidator

import calovision as cv
from calovision.errors import InputError
from calovision.reports.hepdata import submission
from calovision.reports.sources import save_arrays


def accepted(folder: Path) -> None:
    """HEPData's own validator has nothing to say."""
    checks = FullSubmissionValidator(schema_version="1.1.0")
    assert checks.validate(directory=str(folder)), [
        m.message for several in checks.get_messages().values() for m in several
    ]


def test_a_study_becomes_a_submission(make_study: Callable[[Path], Path], tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    label = np.repeat([0, 1], 50)
    score = np.concatenate([np.linspace(0, 0.9, 50), np.linspace(0.1, 1, 50)])
    save_arrays(study / "scores.npz", {"label": label, "score/baseline": score})
    out = submission([study], tmp_path / "tables")
    accepted(out)
    about, *tables = yaml.safe_load_all((out / "submission.yaml").read_text())
    assert "1000 events, set abab" in about["comment"]
    assert [t["name"] for t in tables][-2:] == ["Other numbers", "Background rejection"]
    told = {t["name"]: yaml.safe_load((out / t["data_file"]).read_text()) for t in tables}
    rejection = told["Background rejection"]
    half = rejection["independent_variables"][0]["values"].index({"value": 0.5})
    value = rejection["dependent_variables"][0]["values"][half]["value"]
    assert value == pytest.approx(1 / np.mean(score[:50] > np.median(score[50:])), rel=0.1)


def test_values_and_errors_are_those_of_the_results(
    make_study: Callable[[Path], Path], tmp_path: Path
) -> None:
    study = make_study(tmp_path / "study")
    out = submission([study, study], tmp_path / "tables")
    accepted(out)
    cells = [
        (row["value"], cell)
        for file in out.glob("table*.yaml")
        for table in [yaml.safe_load(file.read_text())]
        for column in table["dependent_variables"]
        for row, cell in zip(
            table["independent_variables"][0]["values"], column["values"], strict=True
        )
    ]
    content = json.loads((study / "comparison.json").read_text())
    for metrics in (m["metrics"] for m in content["models"]):
        for m in (m for m in metrics.values() if m["value"] is not None and m["error"]):
            cell = {"value": m["value"]}
            cell |= {"errors": [{"symerror": m["error"], "label": "stat,bootstrap"}]}
            assert sum(c == cell for _, c in cells) >= 2, m
    assert any("[GeV]" in name for name, _ in cells)
    with pytest.raises(InputError, match="is not empty"):
        submission([study], out)


def test_the_front_door_writes_both(make_study: Callable[[Path], Path], tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    shutil.rmtree(study / "examples")  # drawn in other tests
    cv.report(study, tmp_path / "report.html", hepdata=tmp_path / "tables")
    assert (tmp_path / "report.html").exists()
    accepted(tmp_path / "tables")
