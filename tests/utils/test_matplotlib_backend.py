"""Figures are drawn whatever backend the environment names, and users keep theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from calovision.events.events import Events
from calovision.events.store import save

Command = Callable[..., subprocess.CompletedProcess[str]]

INLINE = "module://matplotlib_inline.backend_inline"  #: set by notebooks for all that they start
SHOW = """
from calovision.reports.html import embedded
import matplotlib.figure
assert embedded(matplotlib.figure.Figure()).startswith("data:image/png")
print(str(dict.get(matplotlib.rcParams, "backend")).lower())
"""


def shown(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sets(toy_jets: Events, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    save(toy_jets, folder / "jets", provenance={})
    return folder


@pytest.mark.parametrize("backend", [INLINE, "nonsense", "TkAgg", "module://nowhere"])
def test_commands_draw_with_any_backend(
    backend: str,
    sets: Path,
    tmp_path: Path,
    calovision: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MPLBACKEND", backend)
    monkeypatch.delenv("DISPLAY", raising=False)
    done = calovision("view", sets / "jets", "--out", tmp_path / "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "page.html").exists()


def test_scripts_go_on_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    more = "import calovision.training.learner, matplotlib.pyplot, os"
    done = shown(f"{more}{SHOW}print(os.environ['MPLBACKEND'])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "nonsense"
    assert "UserWarning: MPLBACKEND=nonsense names no backend" in done.stderr


def test_backends_of_users_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    assert shown(SHOW).stdout.strip() == "tkagg"
    chosen = shown("import matplotlib; matplotlib.use('pdf')" + SHOW)
    assert (chosen.stdout.strip(), chosen.stderr) == ("pdf", "")
