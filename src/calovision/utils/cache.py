"""Results kept in the user's cache folder, all of which can be computed again."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import mmap
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

VARIABLE = "CALOVISION_CACHE"  #: of the environment; moves the cache folder
#: Whether the user has been warned that nothing is kept: one byte that forked processes share,
#: and a variable for processes that are started.
_WARNED, WARNED = mmap.mmap(-1, 1), "CALOVISION_CACHE_WARNED"


def folder() -> Path:
    """The cache folder: ``CALOVISION_CACHE``, or the system's place for caches of users.

    That is ``~/.cache/calovision`` on Linux, unless ``XDG_CACHE_HOME`` moves it.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("calovision"))


def digest(*parts: object) -> str:
    """Short hexadecimal digest of the given parts' text."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def arrays(name: str, make: Callable[[], Arrays]) -> Arrays:
    """Read named arrays from the cache, or make them and put them there.

    A cache that cannot be read or written only costs the time of making them again.
    """
    path = folder() / f"{name}.npz"
    with contextlib.suppress(OSError, ValueError), np.load(path) as stored:
        return dict(stored)
    keeps = writable(path.parent)
    made = make()
    if keeps:
        keep(path, lambda file: np.savez(file, allow_pickle=False, **made))
    return made


@functools.cache
def writable(place: Path) -> bool:
    """Whether files can be written to a folder, which is created; warns if not."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        _warn(place, error)
        return False
    return True


def keep(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file of the cache, complete or not at all; warns if that fails.

    Args:
        path: in a folder that is there.
        write: called with the open file.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            try:
                write(file)
                file.flush()
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        _warn(path.parent, error)


def _warn(place: Path, error: OSError) -> None:
    """Warn, once for this process and those that it starts, that nothing is kept."""
    if _WARNED[0] or os.environ.get(WARNED):
        return
    _WARNED[0] = 1
    os.environ[WARNED] = "1"
    warnings.warn(
        f"the cache folder {place} cannot be written ({error.strerror or error}): machine code "
        "is compiled again in every run, which takes up to two minutes; name a folder that can "
        f"be written in the environment variable {VARIABLE}",
        stacklevel=3,
    )
