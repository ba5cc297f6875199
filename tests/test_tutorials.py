"""Notebooks and examples run, and need nothing of ours but ``import calovision as cv``."""

from __future__ import annotations

import ast
import inspect
import operator
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from sphinx_gallery.notebook import python_to_jupyter_cli

import calovision as cv

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
#: the reference of the rooms shows how they are imported
PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if p.stem != "api"]
#: what a notebook must have said, and how many figures it shows
TOLD = {
    "egamma": (r"network, shipped +AUC 0\.[78]", 3),
    "fine_tuning": (r"fine-tuned, my jets +AUC 0\.[78].* distribution \d%", 2),
    "jet_generation": (r"toy +AUC of trees (0\.9|1)[^\n]*\nshipped +AUC of trees 0\.[45]", 3),
    "jet_tagging": (r"transformer, shipped +AUC 0\.[789]", 4),
    "jet_vae": (r"track +9[89]\.\d% of the pixels", 4),
    "own_network": (r"CNN +AUC 0\.[678][\s\S]*graphs +AUC 0\.[678][\s\S]*ours +AUC 0\.[78]", 1),
    "symmetry": (r"digit 1: covered angle +180[\s\S]*no symmetry found", 2),
}


def ours(code: str) -> list[str]:
    """What a program imports of ours, as it is written there."""
    nodes = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom)]
    return [text for n in nodes if "calovision" in (text := ast.unparse(n))]


def blocks(page: Path) -> list[str]:
    """The Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def outputs(notebook: Any) -> list[Any]:
    """What the cells of a notebook gave."""
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


def test_every_tutorial_is_known_and_has_a_title() -> None:
    assert [t.stem for t in TUTORIALS] == sorted(TOLD)
    for script in (*TUTORIALS, *EXAMPLES):
        assert script.read_text().startswith('"""\n'), f"{script} has no title"
        assert len(script.read_text().splitlines()) <= 100


@pytest.mark.parametrize("script", [*TUTORIALS, *EXAMPLES], ids=lambda s: s.stem)
def test_a_script_imports_the_front_door_alone(script: Path) -> None:
    assert ours(script.read_text()) == ["import calovision as cv"]


def test_pages_import_the_front_door_alone() -> None:
    found = [(page.name, code) for page in PAGES for code in blocks(page)]
    assert len(found) >= 8
    assert {name for name, _ in found} >= {"README.md", "quickstart.md", "your-own-data.md"}
    for name, code in found:
        assert set(ours(code)) <= {"import calovision as cv"}, name


@pytest.mark.timeout(900)
@pytest.mark.parametrize("script", TUTORIALS, ids=lambda t: t.stem)
def test_a_tutorial_is_a_notebook_that_runs(script: Path, tmp_path: Path) -> None:
    python_to_jupyter_cli([str(shutil.copy(script, tmp_path))])
    notebook: Any = nbformat.read(tmp_path / f"{script.stem}.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, resources=place).execute()
    text, figures = TOLD[script.stem]
    said = "".join(o.text for o in outputs(notebook) if o.get("name") == "stdout")
    assert re.search(text, said), said
    assert sum("image/png" in o.get("data", {}) for o in outputs(notebook)) == figures
    bars = "".join(o.text for o in outputs(notebook) if o.get("name") == "stderr")
    # Toy models are said to be toys; the other one is of other packages' bars.
    others = re.sub(r"UserWarning: [\w:-]+: .* no better than", "", bars)
    assert not re.search("(?<!Tqdm)Warning", others), bars


def test_a_notebook_simulates_with_workers_as_typed(tmp_path: Path) -> None:
    typed = (
        "import calovision as cv\njets = cv.simulate.jets(40, seed=4711, workers=2)\njets.plot(0)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(typed)])
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
    assert "image/png" in outputs(notebook)[-1].data


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda s: s.stem)
def test_an_example_runs(script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    runpy.run_path(str(script))
    plt.close("all")


def test_pages_call_what_there_is_with_arguments_that_it_takes() -> None:
    calls = 0
    for code in (code for page in PAGES for code in blocks(page)):
        for node in ast.walk(ast.parse(code)):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("cv.")):
                continue
            name = ast.unparse(node.func)
            if not re.fullmatch(r"cv(\.\w+)+", name):
                continue
            thing = operator.attrgetter(name.removeprefix("cv."))(cv)
            given = {k.arg: None for k in node.keywords if k.arg}
            inspect.signature(thing).bind(*[None] * len(node.args), **given)
            calls += 1
    assert calls >= 30
