"""The mutation run itself: what it changes, and what it knows to depend on a change."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "calovision"

EXAMPLE = '''
from functools import lru_cache
Table = tuple[int, None] | None
@lru_cache(maxsize=64)
def f(x: int | None, y: float = 2.0) -> int | None:
    """Adds 3."""
    if x is None or y > 5:
        raise ValueError(f"{x + 1} is wrong" * 2)
    warnings.warn("x" * 3)
    z = 7  # pragma: no mutate
    return x + 9
'''


def script(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tests" / "mutants"))
        return importlib.import_module(name)


def test_a_change_reaches_the_compiled_functions_that_use_it() -> None:
    uses = script("uses").Uses(PACKAGE.parent, "calovision")
    windows, read_out = (
        f"calovision.{name}"
        for name in ("features.cell_windows", "models.generators.hits.read_out")
    )
    assert uses.stale([(windows, "rings")]) >= {windows, read_out}
    # A constant, which compiled functions use.
    assert read_out in uses.stale([(windows, "REACH")])
    assert uses.stale([("calovision.events.events", "Events")]) == set()
    seen = {module for module, _, _ in uses.callers([(windows, "rings")])}
    assert "calovision.models.generators.hits.tokens" in seen


def test_only_what_can_matter_is_changed(tmp_path: Path) -> None:
    pytest.importorskip("cosmic_ray")
    path = tmp_path / "example.py"
    path.write_text(EXAMPLE)
    items = script("sites").chosen([path], 1000, 1)
    lines = path.read_text().splitlines()
    changed = {lines[item.mutations[0].start_pos[0] - 1].strip() for item in items}
    assert changed == {
        "def f(x: int | None, y: float = 2.0) -> int | None:",
        "if x is None or y > 5:",
        "return x + 9",
    }
    (default,) = (
        i.mutations[0] for i in items if re.match("def", lines[i.mutations[0].start_pos[0] - 1])
    )
    assert lines[default.start_pos[0] - 1][slice(default.start_pos[1], default.end_pos[1])] == "2.0"


def test_the_same_seed_chooses_the_same_changes() -> None:
    pytest.importorskip("cosmic_ray")
    sites = script("sites")
    paths = sites.files(PACKAGE, "hits/companions")
    assert [p.name for p in paths] == ["companions.py"]
    first, again, other = (sites.chosen(paths, 12, seed) for seed in (1, 1, 2))
    assert first == again
    assert {i.mutations[0].start_pos for i in first} != {i.mutations[0].start_pos for i in other}
