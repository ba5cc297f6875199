"""The tables of the searches beyond the study, made of what they wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def writer(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("write_symmetry")


def metric(value: float, unit: str = "") -> dict[str, Any]:
    return {"value": value, "error": 0.01, "unit": unit}


def of_jets() -> dict[str, Any]:
    metrics = {"tagger_auc": metric(0.7), "seen_half_turn": metric(0.51)}
    metrics |= {"shift_half_turn": metric(0.04)}
    results = {
        "seed": 1,
        "data": {"events": 100},
        "budget": {"cpu_s": 90.0},
        "metrics": metrics,
    }
    evidence = {"leak": 0.4, "distortion": 0.1, "drift": 0.2}
    spectrum = {"closes": False, "residual": 0.2}
    found = {"verdict": "no symmetry found", "evidence": evidence, "spectrum": spectrum}
    return {"results": results, "found": found}


def test_what_was_measured_is_shown(writer: ModuleType) -> None:
    text = writer.physics({"jets": of_jets()})
    assert "no symmetry found (leak 0.400" in text
    assert "close" not in text
    assert "| half a turn | 0.510 ± 0.010 | 0.040 ± 0.010 |" in text
    followed = of_jets()
    followed["found"]["verdict"] = "a symmetry"
    assert "does not close: frequencies 0.200" in writer.said(followed)
    followed["results"]["metrics"]["cover_1_d5"] = metric(90, "deg")
    assert "| quark | 90.000 ± 0.010 deg | - |" in writer.flows(followed, ("gluon", "quark"))
    classes = {"2": {k: metric(1) for k in writer.ABLATED}}
    rows = [{"without": "oracle", "leak": None, "classes": classes}]
    assert "| oracle | 2 | - | 1.000 ± 0.010" in writer.ablation({"ablation": {"rows": rows}})


def test_the_page_is_that_of_the_stored_runs(writer: ModuleType) -> None:
    content = json.loads(writer.STORED.read_text()) if Path(writer.STORED).exists() else {}
    page = writer.PAGE.read_text()
    assert writer.fill(page, content) == page
    assert not Path(writer.STORED).exists() or content
