"""Errors of the operating system while a file is read, as opposed to damaged content."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calovision.errors import InputError

#: what calls of the system say of nonsense in a file, such as a place before its beginning
_NONSENSE = {errno.EINVAL, errno.EOVERFLOW, errno.EFBIG, errno.ESPIPE, errno.EDOM, errno.ERANGE}
_LOCKED = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK, errno.ENOLCK}
_STORAGE = "check the disk or the network file system, then run the command again"
_OPEN_FILES = "close other files or programs, or raise the limit by 'ulimit -n'"
_REMEDIES = {
    errno.EACCES: "ask its owner for permission to read it",
    errno.EPERM: "ask its owner for permission to read it",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "give a file",
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.ESTALE: "mount the network file system again, then run the command again",
}
_LOCK_REMEDY = (
    "close the program that writes it, or, if none does and the file system knows no locks, set "
    "HDF5_USE_FILE_LOCKING=FALSE"
)
_MEMORY_REMEDY = "use fewer events or processes at a time, or a larger machine"
_MEMORY = re.compile(r"can.?t allocate memory|memory allocation failed|unable to allocate memory")
_CODEC = re.compile(r"codec|compression", re.IGNORECASE)
_NUMBER = re.compile(r"\b(?:errno =|os error|\[errno) (\d+)", re.IGNORECASE)


def unreadable(error: BaseException, path: Path | str) -> InputError | None:
    """The one-line form of ``error`` met while reading ``path``, if the content is not to blame.

    None for all errors that may come from the content, or from a mistake of ours.
    """
    shown = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    said = " ".join(str(error).split())
    if isinstance(error, UnicodeEncodeError):
        return InputError(
            f"the path {shown} cannot be written in the encoding of the system",
            "set LC_ALL=C.UTF-8, or rename the file",
        )
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError | RuntimeError) and _MEMORY.search(said)
    ):
        return InputError(f"there is not enough memory to read {shown}", _MEMORY_REMEDY)
    if isinstance(error, NotImplementedError) and _CODEC.search(said):
        return InputError(
            f"{shown} is compressed in a way that is not known here ({said})",
            "install the library with that compression, or write the file with another",
        )
    return _of_system(error, said, shown) if isinstance(error, OSError) else None


def _of_system(error: OSError, said: str, shown: str) -> InputError | None:
    if "already open for write" in said:
        return InputError(
            f"{shown} is marked as being written", f"close that program, or 'h5clear -s {shown}'"
        )
    found = _NUMBER.search(said)
    number = error.errno or (int(found.group(1)) if found else 0)
    if number in _LOCKED or "unable to lock file" in said:
        return InputError(f"{shown} is locked ({os.strerror(number).lower()})", _LOCK_REMEDY)
    if number == errno.ENOMEM:
        return InputError(f"there is not enough memory to read {shown}", _MEMORY_REMEDY)
    if not number or number in _NONSENSE:
        return None
    if number == errno.ENOENT:
        return InputError(f"{shown} does not exist", _REMEDIES[number])
    return InputError(
        f"{shown} cannot be read: {os.strerror(number).lower()}", _REMEDIES.get(number, _STORAGE)
    )


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn what the system says while ``path`` is read into an :class:`InputError`.

    Errors that may come from the content pass through.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        refused = unreadable(error, path)
        if refused is None:
            raise
        raise refused from error


def exists(path: Path) -> bool:
    """Whether ``path`` is a file.

    Raises:
        InputError: nobody may look.
    """
    with reading(path):
        return path.is_file()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file in UTF-8.

    Raises:
        InputError: the system does not let it be read, or there is none.
        ValueError: it holds something else.
    """
    with reading(path):
        content = path.read_bytes()
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
