"""``make`` installs PyTorch's build for CPUs where there is one, and what was chosen stays."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = """#!/bin/sh
echo "$*" >> pip.log
case "$*" in *$REFUSED*) exit 1;; esac
"""
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the project whose pip only writes down what it is asked for."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    bin_ = tmp_path / ".venv/bin"
    bin_.mkdir(parents=True)
    (bin_ / "pip").write_text(PIP)
    (bin_ / "pip").chmod(0o755)
    (bin_ / "python").symlink_to(sys.executable)
    return tmp_path


def made(clone: Path, *words: str, refused: str = "nothing") -> tuple[str, list[str]]:
    """What make says, and the requirements that it asked pip for."""
    log = clone / "pip.log"
    log.write_text("")
    command = ["make", f"PYTHON={sys.executable}", *words, ".venv/.installed"]
    done = subprocess.run(
        command,
        cwd=clone,
        env={**os.environ, "REFUSED": refused, "MAKEFLAGS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    asked = [line.split("--disable-pip-version-check ")[1] for line in log.read_text().splitlines()]
    return f"{done.stdout}\n{done.returncode}", asked


VERSION = re.findall(r"^torch==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[0]
PACKAGE = "-c constraints.txt -e .[dev]"


def test_the_build_for_cpus_is_taken_where_the_registry_has_it(clone: Path) -> None:
    said, asked = made(clone)
    assert asked == [f"torch=={VERSION}+cpu", PACKAGE]
    assert re.search(r"Setting up \.venv.*for cpu.*\n.*PyTorch: .* GB.*\n.*calovision.* GB", said)
    assert made(clone)[1] == []  # it is there


def test_without_one_pytorchs_own_is_asked_and_then_any(clone: Path) -> None:
    said, asked = made(clone, refused="+cpu")
    assert [a.split()[-1] for a in asked] == [
        f"torch=={VERSION}+cpu",
        f"torch=={VERSION}+cpu",
        f"torch=={VERSION}",
        ".[dev]",
    ]
    assert asked[1].startswith("--retries 0 --timeout 15 --extra-index-url https://")
    assert "CUDA" in said


def test_a_choice_stays_until_another_is_made(clone: Path) -> None:
    cuda = [f"torch==={VERSION}", PACKAGE]  # another build of this version is not enough
    assert made(clone, "TORCH=cuda")[1] == cuda
    assert made(clone)[1] == []
    (clone / "constraints.txt").touch()
    os.utime(clone / ".venv/.installed", (0, 0))
    assert made(clone)[1] == cuda
    assert made(clone, "TORCH=cpu")[1] == [f"torch=={VERSION}+cpu", PACKAGE]


def test_a_failure_is_one(clone: Path) -> None:
    said, asked = made(clone, refused="torch")
    assert PACKAGE not in asked
    assert said.endswith("\n2")
    assert not (clone / ".venv/.installed").exists()


def test_other_builds_are_refused(clone: Path) -> None:
    said, asked = made(clone, "TORCH=rocm")
    assert "TORCH=rocm: it is cpu or cuda" in said
    assert said.endswith("\n2")
    assert asked == []
