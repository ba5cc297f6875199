"""The notebooks of the docs run; the gallery's scripts are run by ``make docs``."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
#: what a notebook must have said at its end
TOLD = {
    "egamma": r"network, shipped +AUC 0\.[678]",
    "jet_generation": r"toy +AUC of trees (0\.9|1)",
    "jet_tagging": r"transformer, shipped +AUC 0\.[789]",
    "jet_vae": r"shipped +track +F1 (0\.9|1)",
    "symmetry": r"toy VAE: no symmetry found",
}


def test_every_system_has_a_notebook_and_an_example() -> None:
    assert [t.stem for t in TUTORIALS] == sorted(TOLD)
    assert len(EXAMPLES) == len(TOLD)
    for script in (*TUTORIALS, *EXAMPLES):
        assert script.read_text().startswith('"""\n'), f"{script} has no title"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("notebook", TUTORIALS, ids=lambda t: t.stem)
def test_a_notebook_runs(
    notebook: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(notebook.parent)
    plt.switch_backend("agg")
    runpy.run_path(str(notebook))
    assert re.search(TOLD[notebook.stem], capsys.readouterr().out)
    plt.close("all")
