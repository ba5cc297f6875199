"""The speed in the documentation is the one that was measured."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_table_is_the_one_of_the_stored_measurement() -> None:
    spec = importlib.util.spec_from_file_location("speed", ROOT / "docs" / "write_speed.py")
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    result = json.loads((ROOT / "docs" / "results" / "simulation-speed.json").read_text())
    assert writer.table(result) in (ROOT / "docs" / "simulation.md").read_text()
    result["ms"]["pythia"] += 1
    assert writer.table(result) not in (ROOT / "docs" / "simulation.md").read_text()
