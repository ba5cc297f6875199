"""The recipes of CONTRIBUTING, each followed to the letter with a stranger's file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import calovision as cv
from calovision.events.events import Events

RECIPES = Path(__file__).parent / "recipes"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, into which files may be put."""
    copy = tmp_path_factory.mktemp("copy") / "calovision"
    shutil.copytree(
        Path(cv.__file__).parent,
        copy,
        ignore=shutil.ignore_patterns("*.safetensors", "__pycache__"),
    )
    return copy


def insert(file: Path, before: str, line: str) -> None:
    """Put one line before another one."""
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, f"{line}\n{before}"))


def run(package: Path, folder: Path, script: str) -> str:
    """What a script prints that works with the copy."""
    own = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


TAGGER = """
import calovision as cv
from calovision.models.listing import listing

print(listing("jet-tagger", "log-energies")[1])
model = cv.train("jet-tagger", "jets", "log-energies", out="run", softest=0.5, quiet=True)
model.evaluate("others")
model.export("tagger.onnx")
cv.report("run", out="report.html")
"""


def test_a_tagger_is_a_file_and_a_line(
    package: Path, tmp_path: Path, make_jets: Callable[..., Events]
) -> None:
    shutil.copy(RECIPES / "log_energies.py", package / "models" / "taggers")
    entry = '        "log-energies": "taggers.log_energies",'
    insert(package / "models" / "__init__.py", '        "resnet15": "taggers.resnet",', entry)
    cv.save(make_jets(120, 1), tmp_path / "jets")
    cv.save(make_jets(220, 2), tmp_path / "others")
    listed = run(package, tmp_path, TAGGER)
    assert "Logistic regression on the logarithms" in " ".join(listed.split())
    assert "GeV that are added to every sum." in listed
    assert (tmp_path / "tagger.onnx").exists()
    assert "log-energies" in (tmp_path / "report.html").read_text()


METRIC = """
import calovision as cv

found = cv.compare("jets", "others", metrics=["mean_hits"], quiet=True)
print(found["mean_hits"], found.table()._repr_html_())
"""


def test_a_metric_is_a_file_and_a_line(
    package: Path, tmp_path: Path, make_jets: Callable[..., Events]
) -> None:
    shutil.copy(RECIPES / "mean_hits.py", package / "metrics")
    insert(package / "metrics" / "definitions.py", '    "image_quality",', '    "mean_hits",')
    cv.save(make_jets(240, 1), tmp_path / "jets")
    cv.save(make_jets(120, 2), tmp_path / "others")
    shown = run(package, tmp_path, METRIC)
    assert "unit='hits'" in shown
    assert "Mean number of hits" in shown


FORMAT = """
import sys
import numpy as np
import calovision as cv
from calovision.cli.app import main

jets = cv.load("jets")
columns = dict(jets.columns)
arrays = {"X_jets": jets.to_dense("image"), "y": columns.pop("label"), **columns}


def write(name, arrays):
    fields = [(key, values.dtype, values.shape[1:]) for key, values in arrays.items()]
    table = np.empty(len(jets), fields)
    for key, values in arrays.items():
        table[key] = values
    np.save(name, table)


write("jets.npy", arrays)
print(cv.load("jets.npy").hash == jets.hash, len(cv.load("jets.npy", limit=5)))
print(cv.convert("jets.npy", "converted", quiet=True).load().hash == jets.hash)
write("bad.npy", arrays | {"m0": -jets["m0"]})
try:
    cv.load("bad.npy")
except cv.InputError as error:
    print(error)
try:
    cv.load("text")
except cv.InputError as error:
    print(error)
sys.argv = ["calovision", "data", "convert", "jets.npy", "--out", "by-command"]
main()
"""


def test_a_file_format_is_a_file_and_a_line(
    package: Path, tmp_path: Path, make_jets: Callable[..., Events]
) -> None:
    formats = package / "events" / "formats"
    shutil.copy(RECIPES / "npy.py", formats)
    insert(formats / "readers.py", '    "npz.NpzImages",', '    "npy.NpyImages",')
    jets = make_jets(70, 1)
    cv.save(jets, tmp_path / "jets")
    (tmp_path / "text").write_text("no images")
    lines = run(package, tmp_path, FORMAT).splitlines()
    assert lines[:2] == ["True 5", "True"]
    assert "bad.npy: m0 is -" in lines[2]
    assert "known are HDF5, NumPy (.npy), NumPy (.npz) and Parquet files" in lines[3]
    assert cv.open(tmp_path / "by-command").load().hash == jets.hash
