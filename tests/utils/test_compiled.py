"""Machine code on disk is never that of another source, and is found again if nothing changed."""

from __future__ import annotations

import ast
import gc
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calovision
from calovision.utils import cache
from calovision.utils.compiled import key

SOURCE = Path(calovision.__file__).parent
THEN = 1_000_000_000  #: s, when all files of a package were written, as installers may have it
TOY = {
    "toy/__init__.py": "",
    "toy/top.py": """
from calovision.utils.compiled import compiled
from toy import middle
from toy.kinds import Pair

def times(factor):
    @compiled
    def made(x):
        return factor * x
    return made

tripled = times(3)

@compiled
def top(pair, y=10):
    return tripled(middle.middle(pair.a)) + y
""",
    "toy/middle.py": """
from calovision.utils.compiled import compiled
from toy.deep import deep

ADDED = 100

@compiled(error_model="numpy")
def middle(x):
    return deep(x) + ADDED
""",
    "toy/deep.py": """
from calovision.utils.compiled import compiled

TABLE = (1000, 5)
INVERSE = False

@compiled(error_model="numpy")
def deep(x):
    return x + TABLE[0] if not INVERSE else x - TABLE[0]
""",
    "toy/kinds.py": """
from typing import NamedTuple

class Pair(NamedTuple):
    a: int
    b: int
""",
}
FIRST = 3 * (1 + 1000 + 100) + 10


class Toy:
    """A package of a few compiled functions, whose files all have the same date."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in TOY.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (THEN, THEN))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def top(self) -> Any:
        """The function, as a new process would import it."""
        for name in [n for n in sys.modules if n.partition(".")[0] == "toy"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return importlib.import_module("toy.top").top

    def value(self) -> int:
        top = self.top()
        found: int = top(sys.modules["toy.kinds"].Pair(a=1, b=2))
        return found


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    monkeypatch.setenv("CALOVISION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python itself trusts dates
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Toy(tmp_path)
    for name in [n for n in sys.modules if n.partition(".")[0] == "toy"]:
        del sys.modules[name]


EDITS = {
    "two files away": ("toy/deep.py", "x + TABLE[0] if", "x + TABLE[1] if", 3 * (1 + 5 + 100) + 10),
    "constant": ("toy/middle.py", "ADDED = 100", "ADDED = 200", FIRST + 300),
    "table": ("toy/deep.py", "(1000, 5)", "(2000, 5)", FIRST + 3000),
    "flag": ("toy/deep.py", "INVERSE = False", "INVERSE = True ", FIRST - 6000),
    "type of a constant": ("toy/middle.py", "ADDED = 100", "ADDED = 1.5", 3 * 1002.5 + 10),
    "closure": ("toy/top.py", "times(3)", "times(4)", 4 * 1101 + 10),
    "default": ("toy/top.py", "y=10", "y=20", FIRST + 10),
    "order of fields": ("toy/kinds.py", "a: int\n    b: int", "b: int\n    a: int", FIRST),
    "other function of the name": ("toy/middle.py", "toy.deep import", "toy.flat import", 313),
}


@pytest.mark.parametrize("what", EDITS)
def test_every_edit_is_seen(toy: Toy, what: str) -> None:
    name, old, new, expected = EDITS[what]
    toy.write("toy/flat.py", TOY["toy/deep.py"].replace("1000", "   0"))
    assert toy.value() == FIRST
    toy.edit(name, old, new)
    assert toy.value() == expected


def test_a_file_put_in_place_of_another_with_its_size_and_date_is_seen(toy: Toy) -> None:
    toy.write("toy/other.py", TOY["toy/deep.py"].replace("1000", "3000"))
    assert toy.value() == FIRST
    old, new = toy.folder / "toy/deep.py", toy.folder / "toy/other.py"
    before = old.stat()
    new.rename(old)
    assert (before.st_size, before.st_mtime) == (old.stat().st_size, old.stat().st_mtime)
    assert toy.value() == FIRST + 6000


def test_options_of_a_called_function_belong_to_the_key(toy: Toy) -> None:
    before = key(toy.top())
    toy.edit("toy/deep.py", 'error_model="numpy"', 'error_model="python"')
    assert key(toy.top()) != before


def test_what_did_not_change_is_not_compiled_again(toy: Toy) -> None:
    toy.value()
    files = sorted((toy.folder / "cache").rglob("*"))
    toy.edit("toy/deep.py", "\nTABLE", "\n# A comment, and lines that move.\n\n\nTABLE")
    assert toy.value() == FIRST
    assert sorted((toy.folder / "cache").rglob("*")) == files
    assert sum(sys.modules["toy.top"].top.stats.cache_hits.values()) == 1


def test_other_constants_are_no_reason_to_compile_again(toy: Toy) -> None:
    toy.edit("toy/top.py", "middle(pair.a)) + y", "middle(pair.a)) + middle.middle(7) - y")
    toy.edit("toy/middle.py", "deep(x) + ADDED", "deep(x) + deep(0) + ADDED")
    assert toy.value() == 3 * (1001 + 1000 + 100) + (1007 + 1000 + 100) - 10
    made = [p.name.split("-")[0] for p in (toy.folder / "cache/compiled").iterdir()]
    assert sorted(made) == [
        "toy.deep.deep",
        "toy.middle.middle",
        "toy.top.times.locals.made",
        "toy.top.top",
    ]


def test_python_can_call_what_compiled_code_calls(toy: Toy) -> None:
    for _ in range(2):  # compiled, then loaded
        assert toy.value() == FIRST
        assert sys.modules["toy.middle"].middle(1) == 1101
        assert sys.modules["toy.deep"].deep(1) == 1001


def test_what_cannot_be_compiled_leaves_the_search_for_cycles_on(toy: Toy) -> None:
    toy.edit("toy/deep.py", "return x +", "return x.nothing +")
    with pytest.raises(Exception, match="nothing"):
        toy.value()
    assert gc.isenabled()


def test_code_of_former_versions_is_deleted_in_time(toy: Toy) -> None:
    for number, days in (("1000", 40), ("2000", 20), ("3000", 0)):
        toy.write("toy/deep.py", TOY["toy/deep.py"].replace("1000", number))
        toy.value()
        for path in (toy.folder / "cache/compiled").iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 86400 * days))
    assert len(list((toy.folder / "cache/compiled").glob("toy.deep.deep-*"))) == 2


def test_a_constant_that_cannot_be_told_is_an_error(toy: Toy) -> None:
    toy.edit("toy/middle.py", "ADDED = 100", "class C: pass\nADDED = C()")
    with pytest.raises(TypeError, match=r"compiled code cannot depend on .*C object"):
        key(toy.top())


#: of every room: file, what is edited, and what that does to what the script below shows
ROOMS: dict[str, tuple[str, str, str, Callable[[float], float]]] = {
    "events": ("events/neighbours.py", "NO_NEIGHBOUR = -1", "NO_NEIGHBOUR = -7", lambda x: x - 6),
    "simulate": (
        "simulation/energy_spots.py",
        "grid[i, j] += e",
        "grid[i, j] += 2 * e",
        lambda x: 2 * x,
    ),
    "tasks": (
        "models/generators/hits/read_out.py",
        "out[k] = found[j] - 1",
        "out[k] = found[j] + 6",
        lambda x: x + 7,
    ),
}
SCRIPT = """
import json, sys
import numpy as np
from calovision.events.neighbours import nearest
from calovision.simulation.response import set_seed
from calovision.simulation.detector import CMS_BARREL, record
from calovision.simulation.showers import into_towers
from calovision.simulation.energy_spots import RAY, set_ray
from calovision.models.generators.hits.read_out import largest_nearby

one, near = np.ones(1, np.int64), np.zeros((1, 2), np.int64)
nearest(np.array([0, 1]), np.zeros((1, 2)), np.zeros(1), np.ones(2), one, 2, near)
ray, towers = np.zeros(RAY), np.zeros((99, 99))
set_ray(ray, np.array([1290.0, 0, 0, 1.0, 0, 0, 0]))
set_seed(1)
into_towers(50.0, ray, towers, np.array([-49 * 5, -49 * 5]), record(CMS_BARREL))
pair, mine = np.arange(2), np.ones(2, np.bool_)
large = largest_nearby(np.array([0, 2]), mine, pair, pair, np.ones(2, np.float32), (9, 9))
found = {
    "events": near[0, 1],
    "simulate": towers.sum(), "tasks": large.max(),
}
json.dump({k: float(v) for k, v in found.items()}, sys.stdout)
"""


def test_edits_of_the_package_are_seen_in_every_room(tmp_path: Path) -> None:
    copy, kept = tmp_path / "calovision", tmp_path / "cache"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("pretrained", "__pycache__"))
    own = {
        "PYTHONPATH": str(tmp_path),
        "CALOVISION_CACHE": str(kept),
        "NUMBA_CACHE_DIR": "",
        "NUMBA_OPT": "0",
    }
    variables = {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1"}

    def shown() -> dict[str, float]:
        for file in copy.rglob("*.py"):
            os.utime(file, (THEN, THEN))
        words = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, float] = json.loads(done.stdout)
        return found

    first = shown()
    for file, old, new, _ in ROOMS.values():
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new))
    after = shown()
    assert after == pytest.approx({k: ROOMS[k][3](v) for k, v in first.items()}, rel=1e-6)


def test_only_two_files_speak_to_numba() -> None:
    for file in SOURCE.rglob("*.py"):
        if file not in (SOURCE / "utils" / "compiled.py", SOURCE / "utils" / "code_key.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(n.partition(".")[0] == "numba" for n in names), file.name


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was told yet that nothing can be kept."""
    monkeypatch.setenv("CALOVISION_CACHE_WARNED", "")
    monkeypatch.setattr(cache, "_WARNED", bytearray(1))


@pytest.mark.usefixtures("untold")
def test_a_cache_that_cannot_be_written_is_told_once(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (toy.folder / "file").write_text("")
    monkeypatch.setenv("CALOVISION_CACHE", str(toy.folder / "file/cache"))
    with pytest.warns(UserWarning, match=r"file/cache.*\(Not a directory\).*CALOVISION_CACHE"):
        assert toy.value() == FIRST
    assert cache.arrays("some", lambda: {"x": np.arange(3)})["x"].tolist() == [0, 1, 2]
    assert toy.value() == FIRST  # a second warning would be an error


@pytest.mark.usefixtures("untold")
def test_a_cache_that_fails_while_it_is_written_is_told(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        assert toy.value() == FIRST
    assert not any(p.is_file() for p in (toy.folder / "cache").rglob("*"))


@pytest.mark.usefixtures("untold")
def test_a_full_cache_that_can_only_be_read_is_used_in_silence(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.value()
    monkeypatch.setattr(cache, "writable", lambda _: pytest.fail("it is not written"))
    assert toy.value() == FIRST


def test_the_cache_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("CALOVISION_CACHE", raising=False)
    assert cache.folder() == tmp_path / "xdg/calovision"
    monkeypatch.setenv("CALOVISION_CACHE", "~/mine")
    assert cache.folder() == tmp_path / "home/mine"


def test_a_folder_for_all_that_numba_keeps_is_used(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(toy.folder / "numba"))
    toy.value()
    assert not (toy.folder / "numba").exists()
    monkeypatch.delenv("CALOVISION_CACHE")
    toy.value()
    assert list((toy.folder / "numba").glob("toy.top.top-*"))


def test_code_that_was_kept_before_a_module_was_renamed_is_made_again(tmp_path: Path) -> None:
    helper = """
from calovision.utils.compiled import compiled

@compiled
def helped(x):
    return x + 1
"""
    caller = """
from calovision.utils.compiled import compiled
from {} import helped

@compiled
def called(x):
    return 2 * helped(x)

print(called(3))
"""
    paths = os.pathsep.join([str(tmp_path), str(SOURCE.parent)])
    places = {"CALOVISION_CACHE": str(tmp_path / "cache"), "PYTHONPATH": paths}
    for name in ("before", "after"):
        for old in tmp_path.glob("*.py"):
            old.unlink()
        (tmp_path / f"{name}.py").write_text(helper)
        (tmp_path / "caller.py").write_text(caller.format(name))
        words = [sys.executable, "-B", "-c", "import caller"]
        done = subprocess.run(
            words, capture_output=True, text=True, env={**os.environ, **places}, cwd=tmp_path
        )
        assert done.stdout.strip() == "8", done.stderr
