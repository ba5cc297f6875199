from __future__ import annotations

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
