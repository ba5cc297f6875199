"""Rows on memory: the peak of a command on many events against fewer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from calovision.studies.bench.material import LARGER, Material
from calovision.studies.bench.row import Goal, Row, UnavailableError

#: A process that runs the command and tells its peak. What the system tells the parent of a
#: child's memory begins with the parent's own.
_CHILD = """
import sys
from calovision.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):
        open({told!r}, "w").write(line.split()[1])
"""
Words = Callable[[Material, int, Path], list[str]]


def _simulate(material: Material, events: int, out: Path) -> list[str]:
    words = ["data", "simulate", "jets", "--events", str(events), "--out", str(out / "set")]
    return [*words, "--seed", str(material.seed)]


def _convert(material: Material, events: int, out: Path) -> list[str]:
    file = material.file(events, "gzip")
    words = ["data", "convert", str(file), "--out", str(out / "set")]
    return [*words, "--workers", "1"]  # memory of further processes would not be seen


def _classify(material: Material, events: int, out: Path) -> list[str]:
    run, store = material.tagger.path, material.store(events).path
    return ["classify", str(run), "--data", str(store), "--out", str(out / "scores.parquet")]


COMMANDS: dict[str, Words] = {
    "simulate": _simulate,
    "convert": _convert,
    "classify": _classify,
}


def memory(material: Material, command: str) -> Row:
    """Peak memory of a command on two numbers of events; flat if the ratio is one.

    Raises:
        UnavailableError: the system does not tell the peak.
    """
    if not Path("/proc/self/status").exists():
        raise UnavailableError("needs /proc, that is Linux")
    few = material.size.memory
    words = COMMANDS[command]
    peaks = [_peak(words, material, events) for events in (LARGER * few, few)]
    title = f"{command} {LARGER * few:,} jets"
    bound = Goal("at most", 1.1)
    return Row(title, f"{few:,} jets", [(peaks[0], peaks[1])], "MB", "peak memory", bound)


def _peak(words: Words, material: Material, events: int) -> float:
    """MB at most resident while the command runs."""
    with TemporaryDirectory(dir=material.folder) as folder:
        told = Path(folder, "peak")
        command = words(material, events, Path(folder))
        subprocess.run(
            [sys.executable, "-c", _CHILD.format(told=str(told)), *command],
            check=True,
            capture_output=True,
        )
        return int(told.read_text()) / 1024
