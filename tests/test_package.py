from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import calovision as cv

SOURCE = Path(cv.__file__).parent


def test_no_file_is_longer_than_one_sitting() -> None:
    long = [f for f in SOURCE.rglob("*.py") if len(f.read_text().splitlines()) > 300]
    assert long == []


def test_rooms_load_on_first_use() -> None:
    assert callable(cv.simulate.jets)
    assert cv.Events.__module__ == "calovision.events.events"
    assert "simulate" in dir(cv)
    assert "tasks" not in dir(cv)
    with pytest.raises(AttributeError, match="nothing"):
        _ = cv.nothing
    code = "import sys, calovision; print('torch' in sys.modules or 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "False"


def test_scripts_import_what_there_is() -> None:
    """Scripts that no test runs, such as those of ``docs/`` and ``tests/stress``, do not rot."""
    root = Path(__file__).parents[1]
    missing = []
    for file in (f for room in ("docs", "tests") for f in (root / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level:
                continue
            if (node.module or "").partition(".")[0] != "calovision":
                continue
            for alias in node.names:
                try:
                    getattr(importlib.import_module(str(node.module)), alias.name)
                except (ImportError, AttributeError):
                    if importlib.util.find_spec(f"{node.module}.{alias.name}") is None:
                        missing.append(f"{file.name}:{node.lineno} {node.module}.{alias.name}")
    assert missing == []
