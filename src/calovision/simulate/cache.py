"""What is made once and kept in the user's cache folder; all of it can be made again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pooch
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

#: Files of this room that hold compiled functions or constants in them; those of a folder may call
#: those of the room, but not the other way round.
_COMPILED = (
    "chunk",
    "compiled",
    "detector",
    "generator",
    "imaging",
    "overlay",
    "propagation",
    "readout",
    "showers",
    "spots",
)
_COMPILED_IN = {"crops": ("crops/fast", "crops/measure", "crops/particles", "crops/shower")}


def folder() -> Path:
    """The cache folder of calovision (``XDG_CACHE_HOME`` moves it)."""
    return Path(pooch.os_cache("calovision"))


def digest(*parts: object) -> str:
    """Short hexadecimal digest of the given parts' text."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def source_digest(folder: str = "") -> str:
    """Changes with any source file that compiled functions depend on, and with the compiler.

    Args:
        folder: of this room, in which the functions are.
    """
    names = (*_COMPILED, *_COMPILED_IN.get(folder, ()))
    room = Path(__file__).parent
    sources = [(room / f"{name}.py").read_bytes() for name in names]
    return digest(numba.__version__, np.__version__, sources)


def arrays(name: str, make: Callable[[], Arrays]) -> Arrays:
    """Read named arrays from the cache, or make them and put them there.

    A cache that cannot be read or written only costs the time of making them again.
    """
    path = folder() / f"{name}.npz"
    with contextlib.suppress(OSError, ValueError), np.load(path) as stored:
        return dict(stored)
    made = make()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, allow_pickle=False, **made)
        os.replace(file.name, path)
    return made
