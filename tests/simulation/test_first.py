"""The first simulation on a machine: nothing is compiled twice, and what it waits for is shown."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

import calovision
from calovision.parallel.cluster import run
from calovision.simulation import minimum_bias
from calovision.simulation.detector import CMS_BARREL
from calovision.simulation.generator import Particles
from calovision.simulation.pileup import expose
from calovision.utils.waiting import showing_waits, waits_for

MOST = 30.0  #: s of CPU time; it takes some 12, and took 44 with much compiled twice
WORDS = ["-m", "calovision.cli.app", "data", "simulate", "jets", "--events", "3", "--out"]


@dataclass
class First:
    """The first simulation of a user.

    Attributes:
        compiled: how often every function was compiled.
        told: what stood before the progress bar, in order.
        cpu: time that it took, s.
    """

    compiled: Counter[str]
    told: list[str]
    cpu: float


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    folder = tmp_path_factory.mktemp("first")
    own = {"CALOVISION_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, *WORDS, str(folder / "set")]
    done = subprocess.run(words, env=os.environ | own, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    names = [p.name.rsplit("-", 3)[0] for p in (folder / "cache/compiled").iterdir()]
    shown = [re.sub(r":? +\d+%\|.*", "", line) for line in re.split(r"[\r\n]+", done.stderr)]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return First(Counter(names), [line for line, _ in groupby(filter(None, shown))], cpu)


def test_every_function_is_compiled_once(first: First) -> None:
    assert "calovision.simulation.response.collision" in first.compiled
    assert [name for name, times in first.compiled.items() if times > 1] == []


def test_it_takes_seconds(first: First) -> None:
    assert first.cpu < MOST


def test_what_it_waits_for_is_shown(first: First) -> None:
    library = [f"pile-up library, once per machine, {done}%" for done in range(0, 100, 10)]
    compiling = "compiling, once per machine"
    assert first.told == [
        "simulate",
        "preparing Pythia, once per machine",
        compiling,
        library[0],
        compiling,
        *library[1:],
        compiling,
        "simulate",
    ]


def test_the_library_is_what_pythia_makes() -> None:
    made, kept = minimum_bias.generate(15), minimum_bias.collisions()
    assert len(kept.offsets) == minimum_bias.COLLISIONS + 1
    assert kept.offsets[:16].tolist() == made.offsets.tolist()
    for ours, anew in zip(kept[1:], made[1:], strict=True):
        assert ours.dtype == anew.dtype
        assert ours[: made.offsets[-1]].tobytes() == anew.tobytes()


def test_the_library_is_part_of_a_wheel() -> None:
    root = Path(calovision.__file__).parent
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["calovision"]
    assert any(minimum_bias.FILE.relative_to(root).match(pattern) for pattern in patterns)


def test_a_library_is_kept_without_loss(tmp_path: Path) -> None:
    pdg = np.array([22, -211, 22, 130, -211], np.int32)
    charge, kind = np.array([0, -1, 0, 0, -1], np.int8), np.array([0, 3, 0, 4, 3], np.int8)
    real = [np.sin(np.arange(5) + k).astype(np.float32) for k in range(4)]
    some = Particles(np.array([0, 2, 2, 5]), pdg, *real, charge, kind)
    minimum_bias.write(tmp_path / "few.npz", some)
    for ours, given in zip(minimum_bias.read(tmp_path / "few.npz"), some, strict=True):
        assert ours.dtype == given.dtype
        assert ours.tobytes() == given.tobytes()


def test_the_response_tells_how_far_it_is() -> None:
    heard: list[int] = []
    library = minimum_bias.collisions()
    few = library._replace(offsets=library.offsets[:702])
    made = expose(few, CMS_BARREL, heard.append)
    assert heard == [0, 300, 600]
    assert len(made.flow.offsets) == 702


def test_only_who_listens_hears() -> None:
    heard: list[str] = []
    waits_for("nobody")
    with showing_waits(heard.append):
        waits_for("somebody")
        done = run([1, 2], lambda task, _: task, prepare=lambda: waits_for("all"), time_limit=1.0)
        assert [result for _, result in done] == [1, 2]
    waits_for("nobody")
    assert heard == ["somebody", "all", ""]
