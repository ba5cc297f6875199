"""What other places are told about the package is what pyproject.toml says."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import calovision as cv

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()


@pytest.fixture(scope="module")
def writer(docs_script: Callable[[str], ModuleType]) -> ModuleType:
    return docs_script("write_places")


def test_every_file_is_as_it_would_be_written(writer: ModuleType) -> None:
    for name, text in writer.files().items():
        assert (ROOT / name).read_text() == text, f"{name}: run python docs/write_places.py"


def test_they_agree_on_name_version_and_licence(writer: ModuleType) -> None:
    told: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    meta = json.loads((ROOT / "codemeta.json").read_text())
    recipe = yaml.safe_load((ROOT / "packaging/recipe.yaml").read_text())
    assert told["version"] == meta["version"] == recipe["package"]["version"] == cv.__version__
    assert told["license"] == recipe["about"]["license"] == PROJECT["license"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(told["date-released"]))
    assert len(recipe["requirements"]["run"]) == len(PROJECT["dependencies"])  # pip adds one


def test_badges_appear_with_the_address(writer: ModuleType) -> None:
    assert writer.badges({}) == ""
    shown = writer.badges({"urls": {"Repository": "https://github.com/owner/name/"}})
    assert "mybinder.org/v2/gh/owner/name/HEAD?labpath=notebooks/start.ipynb" in shown
    assert "colab.research.google.com/github/owner/name/blob/main/notebooks/start.ipynb" in shown


def test_lowest_versions_are_below_the_pinned_ones() -> None:
    pinned = dict(line.split("==") for line in CONSTRAINTS.split() if "==" in line)
    pinned = {k.lower().replace("_", "-"): v for k, v in pinned.items()}
    for line in PROJECT["dependencies"]:
        wanted = Requirement(line)
        assert pinned[wanted.name.lower()] in wanted.specifier, line


def test_the_workflows_run_commands_that_there_are() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    run = set()
    for file in (ROOT / ".github/workflows").glob("*.yml"):
        content = yaml.safe_load(file.read_text())
        for job in content["jobs"].values():
            run |= {step["run"] for step in job["steps"] if "run" in step}
    made = {command.split()[1] for command in run if command.startswith("make ")}
    assert {"test", "demo"} <= made <= targets
    matrix = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    versions = matrix["jobs"]["test"]["strategy"]["matrix"]["python"]
    told = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if ":: Python :: 3." in c]
    assert versions == told


def test_the_containers_copy_what_there_is() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM \S+ AS (\w+)", text, re.M)) == {"wheel", "base", "cuda", "cpu"}
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M):
        assert all((ROOT / name).exists() for name in line.split())
    assert re.search(r"^torch==", CONSTRAINTS, re.M)


def test_the_notebook_calls_what_there_is() -> None:
    cells = json.loads((ROOT / "notebooks/start.ipynb").read_text())["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    assert "%pip install -q calovision" in code[0]
    assert all(not c.get("outputs") for c in cells)
    for text in code[1:]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "cv":
                assert node.attr in dir(cv)


def test_the_wheel_works_without_the_repository(tmp_path: Path) -> None:
    source, away = tmp_path / "source", tmp_path / "away"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *alone, "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("calovision-*.whl")
    subprocess.run([*pip, "install", *alone, "--target", away, wheel], check=True)
    files = {f.relative_to(ROOT / "src") for f in (ROOT / "src/calovision").rglob("*.*")}
    files = {f for f in files if f.suffix != ".pyc" and (ROOT / "src" / f).is_file()}
    assert {f for f in files if not (away / f).is_file()} == set()

    def run(*words: str) -> str:
        """What a program says that sees only the installed package."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(away)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Usage: python -m calovision" in run("-m", "calovision", "--help")
    code = (
        "import calovision as cv, numpy as np;"
        "images = np.random.default_rng(1).exponential(1, (2, 2, 32, 32)) > 3;"
        "crops = cv.from_images(images.astype('f4'), geometry=cv.EGAMMA_CROPS, unit='gev');"
        "cv.view(crops, out='display.html'); print(cv.__file__, cv.pretrained('egamma').name)"
    )
    assert run("-c", code).split() == [str(away / "calovision/__init__.py"), "crop-net"]
    assert (tmp_path / "display.html").exists()
