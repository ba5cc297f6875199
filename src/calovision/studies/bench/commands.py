"""Rows on whole commands: conversion against h5py, a first simulation, and peaks of memory."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import Compression
from calovision.studies.bench.clock import (
    Goal,
    Row,
    Side,
    UnavailableError,
    Work,
    compared,
    cpu,
    need_two_cores,
)
from calovision.studies.bench.material import Material
from calovision.utils import cache

COMMAND = (sys.executable, "-m", "calovision.cli.app")
JETS_OF_COMMAND = 20  #: times as many jets as elsewhere, where the start of a command counts
JETS_OF_FIRST = 500  #: jets of a first simulation
LARGER = 3  #: ratio of the numbers of events whose peaks of memory are compared


def _read(path: Path) -> None:
    """Read all images, as many at a time as were written together."""
    with h5py.File(path) as file:
        images = file["X_jets"]
        step = 64
        block = np.empty((step, *images.shape[1:]), images.dtype)
        for first in range(0, len(images), step):
            last = min(first + step, len(images))
            images.read_direct(block, np.s_[first:last], np.s_[: last - first])


#: the same as a program of its own, whose argument is the file
_READING = "\n".join(
    [
        *("import sys", "import h5py", "import numpy as np", "from pathlib import Path"),
        *(inspect.getsource(_read), "_read(sys.argv[1])"),
    ]
)


def conversion(material: Material, compression: Compression) -> Row:
    """Conversion of an HDF5 file that is in the page cache against reading it with h5py alone."""
    jets = material.size.jets
    path = material.file(jets, compression)

    def converted(call: int) -> Work:
        out = material.folder / f"converted-{compression}-{call}"
        return lambda: convert([path], out)

    storage = "uncompressed" if compression == "none" else compression
    alone = Side.of(f"read with h5py alone ({storage})", jets, lambda: _read(path))
    return compared(Side("jet converted", jets, converted), alone, material.size.pairs)


def conversion_by_two(material: Material) -> Row:
    """The command with two workers against a program that reads with h5py, by the clock."""
    need_two_cores()
    jets = JETS_OF_COMMAND * material.size.jets
    path = material.file(jets, "none")
    alone = (sys.executable, "-c", _READING, str(path))
    _seconds(alone)  # the file comes into the page cache
    pairs = []
    for turn in range(material.size.few):
        out = str(material.folder / f"converted-by-two-{turn}")
        ours = (*COMMAND, "data", "convert", str(path), "--out", out, "--workers", "2")
        pairs.append((_seconds(ours) / jets, _seconds(alone) / jets))
    first, second = "jet converted by two workers", "read with h5py alone (uncompressed)"
    return Row(first, second, pairs, "s a jet", "wall time", Goal("at most", 2.0))


def _seconds(words: tuple[str, ...]) -> float:
    """Wall time (s) of a process, its start included."""
    begun = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    return time.monotonic() - begun


def first_simulation(material: Material) -> Row:
    """A command on an empty cache, which compiles and makes the pile-up library, and again."""
    pairs = []
    for _ in range(material.size.few):
        with TemporaryDirectory(dir=material.folder) as folder:
            environment = os.environ | {cache.VARIABLE: f"{folder}/cache"}
            spent = []
            for out in ("one", "two"):
                words = ["data", "simulate", "jets", "--events", str(JETS_OF_FIRST)]
                words += ["--out", f"{folder}/{out}"]
                begun = cpu()
                subprocess.run([*COMMAND, *words], env=environment, check=True, capture_output=True)
                spent.append(cpu() - begun)
            pairs.append((spent[0], spent[1]))
    title = f"simulate {JETS_OF_FIRST} jets, the first time on a machine"
    return Row(title, "again", pairs, "s each")


def memory(material: Material, command: str) -> Row:
    """Peak memory of a command on two numbers of events; flat if the ratio is one."""
    if not Path("/proc/self/status").exists():
        raise UnavailableError("needs /proc, that is Linux")
    few = material.size.memory
    peaks = []
    for events in (LARGER * few, few):
        with TemporaryDirectory(dir=material.folder) as folder:
            peaks.append(peak(words_of(command, material, events, Path(folder))))
    title, bound = f"{command} {LARGER * few:,} jets", Goal("at most", 1.1)
    return Row(title, f"{few:,} jets", [(peaks[0], peaks[1])], "MB", "peak memory", bound)


def words_of(command: str, material: Material, events: int, folder: Path) -> list[str]:
    """The command line that simulates, converts or classifies so many jets into a folder."""
    if command == "simulate":
        words = ["data", "simulate", "jets", "--events", str(events), "--seed", str(material.seed)]
        return [*words, "--out", str(folder / "set")]
    if command == "convert":
        file = str(material.file(events, "gzip"))
        # Memory of further processes would not be seen.
        return ["data", "convert", file, "--out", str(folder / "set"), "--workers", "1"]
    run, store = str(material.tagger.path), str(material.store(events).path)
    return ["classify", run, "--data", store, "--out", str(folder / "scores.parquet")]


#: A process that runs the command and tells its peak. What the system tells the parent of a
#: child's memory begins with the parent's own.
_CHILD = """
import sys
from calovision.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print()
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def peak(words: list[str]) -> float:
    """Memory that is resident at most while a command of ours runs, MB (2^20 bytes)."""
    command = [sys.executable, "-c", _CHILD, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024
