from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import calovision as cv

SOURCE = Path(cv.__file__).parent
#: room -> rooms that it may import
ARROWS: dict[str, set[str]] = {
    "events": set(),
    "networks": set(),
    "simulation": {"events"},
    "tasks": {"events", "networks"},
    "metrics": {"events"},
    "reports": {"events", "metrics"},
    "studies": {"events", "simulation", "tasks", "metrics", "reports"},
    "api": {"events", "simulation", "tasks", "metrics", "reports", "studies"},
    "cli": {"events", "simulation", "tasks", "metrics", "reports", "studies", "api"},
}


def imported_rooms(file: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [n.split(".") for n in names]
    return {p[1] for p in parts if p[0] == "calovision" and len(p) > 1 and p[1] in ARROWS}


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_imports_go_from_left_to_right_only(room: str) -> None:
    for file in (SOURCE / room).rglob("*.py"):
        assert imported_rooms(file) <= ARROWS[room] | {room}, file.name


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
