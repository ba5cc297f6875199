from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calovision.errors import InputError
from calovision.studies.bench.clock import Goal, Row
from calovision.studies.bench.rows import ROWS
from calovision.studies.bench.table import BEGIN, END, fill, markdown, text

ROOT = Path(__file__).parents[3]
MACHINE = {"load": [0.1, 0.3], "processor": "a processor", "cores": 2, "versions": {"torch": "2"}}


def content() -> dict[str, Any]:
    """Two measured rows and one that could not be."""
    slow = Row("ours", "theirs", [(4e-3, 2e-3), (9e-3, 3e-3), (2e-3, 2e-3)], "s a jet")
    goal = Goal("at most", 1.1)
    large = Row("many jets", "few", [(900.0, 1000.0)], "MB", "peak memory", goal)
    missed = Row("one worker", "two", [(1.0, 2.0)], "s", "wall time", Goal("at least", 1.8))
    rows = {"a": slow, "b": large, "d": missed}
    measured = {name: row.to_dict() | MACHINE for name, row in rows.items()}
    return {"size": "quick", "rows": measured | {"c": {"unavailable": "needs Geant4"}}}


def test_a_row_has_the_median_of_the_ratios_of_pairs() -> None:
    row = content()["rows"]["a"]
    assert row["ratio"] == pytest.approx(2.0)  # of 2, 3 and 1; that of the medians is 2 too
    assert row["cost"] == pytest.approx([4e-3, 2e-3])
    assert row["range"][0] == pytest.approx(1.32)
    assert row["goal"] is None
    assert content()["rows"]["b"]["goal"]["met"]
    assert not content()["rows"]["d"]["goal"]["met"]


def test_the_table_tells_ratio_spread_costs_and_goals() -> None:
    lines = markdown(content()).splitlines()
    assert "| ours | theirs | 4 and 2 ms a jet | 2 (1.32 to 2.68) |  |" in lines
    assert "| many jets, peak memory | few | 900 and 1,000 MB | 0.9 | at most 1.1 |" in lines
    assert lines[4].endswith("| 0.5 | at least 1.8, missed |")
    assert "Load average of the machine meanwhile: 0.1 to 0.3." in lines[-1]
    assert "needs Geant4" in text(content()["rows"])
    assert "Geant4" not in markdown(content())


def test_a_page_keeps_what_stands_around_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n")
    for _ in range(2):
        fill(page, content())
    kept = page.read_text()
    assert kept.startswith("before\n<!-- bench: begin -->\n| first |")
    assert kept.endswith("<!-- bench: end -->\nafter\n")
    assert "old" not in kept
    page.write_text("no markers")
    with pytest.raises(InputError, match="no place for the table"):
        fill(page, content())


def test_the_documentation_has_the_table_of_the_stored_measurement() -> None:
    stored = json.loads((ROOT / "docs" / "results" / "bench.json").read_text())
    assert stored["size"] == "standard"
    assert list(stored["rows"]) == [name for name in ROWS if name in stored["rows"]]
    assert f"{BEGIN}\n{markdown(stored)}\n{END}" in (ROOT / "docs" / "speed.md").read_text()
