"""Rows on conversion: against reading the same file with h5py alone."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import h5py
import numpy as np

from calovision.events.formats.convert import convert
from calovision.events.formats.export_dense import Compression
from calovision.studies.bench.clock import Side, Work, always, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.row import Goal, Row, UnavailableError

TIMES = 20  #: times as many jets, where the start of a command counts


def conversion(material: Material, compression: Compression) -> Row:
    """Conversion of an HDF5 file that is in the page cache."""
    jets = material.size.jets
    path, outs = material.file(jets, compression), count()

    def converted() -> Work:
        out = material.folder / f"converted-{compression}-{next(outs)}"
        return lambda: convert([path], out)

    ours = Side("jet converted", jets, converted)
    alone = always("h5py", jets, lambda: _read(path))
    pairs = in_turns(ours, alone, material.size.pairs)
    storage = "uncompressed" if compression == "none" else compression
    title = f"read with h5py alone ({storage})"
    return Row("jet converted", title, pairs, "s a jet")


def commands(material: Material) -> Row:
    """The command with two workers against a program that reads with h5py, by the clock.

    Raises:
        UnavailableError: there is one core.
    """
    if len(os.sched_getaffinity(0)) < 2:
        raise UnavailableError("needs two cores")
    jets = TIMES * material.size.jets
    path, outs = material.file(jets, "none"), count()
    reading = "\n".join([*_IMPORTS, inspect.getsource(_read), "_read(sys.argv[1])"])
    alone = ["-c", reading, str(path)]
    _clock(alone)  # the file comes into the page cache

    def converting() -> list[str]:
        out = material.folder / f"converted-by-two-{next(outs)}"
        words = ["data", "convert", str(path), "--out", str(out), "--workers", "2"]
        return ["-m", "calovision.cli.app", *words]

    few = material.size.few
    pairs = [(_clock(converting()) / jets, _clock(alone) / jets) for _ in range(few)]
    first, second = "jet converted by two workers", "read with h5py alone (uncompressed)"
    return Row(first, second, pairs, "s a jet", "wall time", Goal("at most", 2.0))


_IMPORTS = ("import sys", "import h5py", "import numpy as np", "from pathlib import Path")


def _clock(words: list[str]) -> float:
    """Seconds of wall time of a Python process, its start included."""
    begun = time.monotonic()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.monotonic() - begun


def _read(path: Path) -> None:
    """Read all images, as many at a time as were written together."""
    with h5py.File(path) as file:
        images = file["X_jets"]
        step = 64
        block = np.empty((step, *images.shape[1:]), images.dtype)
        for first in range(0, len(images), step):
            last = min(first + step, len(images))
            images.read_direct(block, np.s_[first:last], np.s_[: last - first])
