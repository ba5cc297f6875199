"""The speed in the documentation is the one that was measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent


def test_table_is_the_one_of_the_stored_measurement(
    docs_script: Callable[[str], ModuleType],
) -> None:
    writer = docs_script("write_speed")
    result = json.loads((ROOT / "docs" / "results" / "simulation-speed.json").read_text())
    assert writer.table(result) in (ROOT / "docs" / "simulation.md").read_text()
    result["ms"]["pythia"] += 1
    assert writer.table(result) not in (ROOT / "docs" / "simulation.md").read_text()
