"""Writing files so that they are complete or absent, and a full disk is one clear line."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.utils.unreadable import unreadable

PART = ".part"  #: suffix of a file that is being written
FREE_SPACE = "free some space and run the command again"  #: the remedy for a full disk
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk, or a bad name, met while writing ``path``, into one line.

    Raises:
        InputError: in place of the system's own error.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise unreadable(error, path) or error from error
    except OSError as error:
        refused = refusal(error, path)
        if refused is None:
            raise
        raise refused from error


def refusal(error: OSError, path: Path) -> InputError | None:
    """The one-line form of ``error`` met while writing ``path``, if the user can mend it."""
    number = error.errno
    # numpy tells how much it could write, but not why.
    short = number is None and str(error).endswith("written")
    if number in _FULL or short:
        return InputError(f"the disk is full while writing {path}", FREE_SPACE)
    if number in _DENIED:
        return InputError(f"cannot write {path}: permission denied", "choose another --out")
    if number in {errno.ENOTDIR, errno.EEXIST}:
        return InputError(f"cannot write {path}: a file is in the way", "choose another --out")
    return None


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; on success it becomes ``path``, else it is removed."""
    part = path.with_name(path.name + PART)
    try:
        with writing(path):
            yield part
            os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def occupied(folder: Path) -> bool:
    """Whether a folder holds anything but what a killed process left of a file it was writing."""
    return folder.exists() and any(p.suffix != PART for p in folder.iterdir())


def check_new_file(path: Path, overwrite: bool) -> None:
    """Refuse to write a file that is there, or into a folder that is not.

    Raises:
        InputError: it exists and is not to be overwritten, or its folder does not.
    """
    if path.is_dir() or (path.exists() and not overwrite):
        raise InputError(f"{path} exists", "choose another --out or pass --overwrite")
    check_folder_of(path)


def check_folder_of(path: Path) -> None:
    """Refuse to write a file into a folder that is not there.

    Raises:
        InputError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", "make it, or write elsewhere")


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file or folder, by whatever names and links."""
    with suppress(OSError):
        return one.resolve() == other.resolve() or one.samefile(other)
    return False


def check_outside(files: Iterable[str | Path], out: Path) -> None:
    """Files that are read must not lie in the folder that is written.

    Raises:
        InputError: one does.
    """
    for file in map(Path, files):
        if same_place(file.parent, out):
            raise InputError(
                f"{file} lies in {out}, which is to be written", "choose another --out"
            )


def check_distinct(files: Sequence[str | Path]) -> None:
    """No file may be given twice, under whatever names.

    Raises:
        InputError: one is.
    """
    found: dict[tuple[int, int], Path] = {}
    for file in map(Path, files):
        with suppress(OSError):  # an unreadable file is an error once it is opened
            about = file.stat()
            before = found.setdefault((about.st_dev, about.st_ino), file)
            if before is not file:
                raise InputError(f"{file} is given twice (as {before})", "name every file once")


def write_bytes(path: Path, payload: bytes) -> None:
    """Write ``payload`` to ``path``, complete or not at all.

    Raises:
        InputError: the disk is full or not writable.
    """
    with atomic(path) as part:
        part.write_bytes(payload)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` as indented JSON, complete or not at all."""
    text = json.dumps(content, indent=2, allow_nan=False)
    write_bytes(path, (text + "\n").encode())
