"""Ahead-of-use compilation of the inner loops, with an on-disk cache that cannot go stale.

Numba's own cache does not notice a change in a *called* function of another file, so the
cache folder carries a digest of every source file of this room.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import pooch


def cache_folder() -> Path:
    """Where calovision keeps what can be made again (``XDG_CACHE_HOME`` moves it)."""
    return Path(pooch.os_cache("calovision"))


def source_digest() -> str:
    """Short hexadecimal digest of this room's sources and of the compiler's version."""
    digest = hashlib.sha256(f"numba {numba.__version__} numpy {np.__version__}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


_FOLDER = str(cache_folder() / f"compiled-{source_digest()}")


Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile ``function`` to machine code on its first call (decorator)."""
    settings: Any = numba.config  # the cache folder is read when a function is decorated
    before = settings.CACHE_DIR
    settings.CACHE_DIR = _FOLDER
    try:
        compile_ = numba.njit(cache=True, fastmath=True, error_model="numpy")
        return cast(Function, compile_(function))
    finally:
        settings.CACHE_DIR = before
