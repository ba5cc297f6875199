"""Scripts with several workers: refused in one line where they would run again in each of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CALL = "next(check().gen)"
IMPORT = "from calovision.parallel.main_guard import processes_may_start as check\n"
OPEN = {
    "plain": CALL,
    "in a function": f"def f():\n    {CALL}\n\nf()",
    "in a class": f"class C:\n    {CALL}",
    "in a loop": f"for _ in range(2):\n    {CALL}",
    "under another condition": f"import sys\nif sys.argv:\n    {CALL}",
    "beside a guard": f"{CALL}\nif __name__ == '__main__':\n    pass",
    "in a thread": f"import threading\nt = threading.Thread(target=lambda: {CALL})\n"
    "t.start()\nt.join()",
}
GUARDED = {
    "guard": f"if __name__ == '__main__':\n    {CALL}",
    "other way round": f"if '__main__' == __name__ and True:\n    x = 1\n    {CALL}",
    "in a function": f"def f():\n    {CALL}\n\nif __name__ == '__main__':\n    f()",
    "by process": "import multiprocessing\nif multiprocessing.parent_process() is None:\n"
    f"    {CALL}",
    "executed": f"if __name__ == '__main__':\n    exec({CALL!r})",
}


def run(*words: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", OPEN)
def test_an_open_script_is_refused_in_a_line_that_shows_the_guard(how: str, tmp_path: Path) -> None:
    script = tmp_path / "my jobs.py"
    script.write_text(IMPORT + OPEN[how])
    last = run(script).stderr.splitlines()[-1]
    assert last.startswith("calovision.errors.InputError: line ")
    assert "my jobs.py" in last
    assert 'if __name__ == "__main__":' in last


@pytest.mark.parametrize("how", GUARDED)
def test_a_guarded_script_is_not(how: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(IMPORT + GUARDED[how])
    done = run(tmp_path / "jobs.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_line_is_that_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(f"{IMPORT}\n\n\n{CALL}\n")
    assert "line 5 of jobs.py" in run(tmp_path / "jobs.py").stderr


def test_what_no_process_imports_again_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = IMPORT + CALL
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__main__.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    words: list[tuple[list[str], str | None]] = [
        (["-c", text], None),
        (["-"], text),
        (["-m", "package"], None),
        (["package"], None),
    ]
    for given, typed in words:
        done = run(*given, text=typed)
        assert (done.returncode, done.stderr) == (0, ""), given
    (tmp_path / "jobs.py").write_text(text)
    assert "InputError" in run("-m", "jobs").stderr


@pytest.mark.parametrize("module", ["simulate.jets(1001", "simulate.egamma(5001"])
def test_simulations_from_an_open_script_are_refused_at_once(module: str, tmp_path: Path) -> None:
    script = tmp_path / "jobs.py"
    script.write_text(f"import calovision as cv\ncv.{module}, seed=1, workers=2)")
    done = run(script)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) < 40
    assert 'below a line that reads if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_what_is_piped_in_has_workers() -> None:
    text = """
from calovision.parallel.cluster import run
found = run([6, 7], divmod, prepare=tuple, workers=2, time_limit=4.0)
print(sorted(found), __file__)
"""
    done = run("-", text=text)
    assert done.stdout.strip() == "[(6, (1.0, 2.0)), (7, (1.0, 3.0))] <stdin>", done.stderr
