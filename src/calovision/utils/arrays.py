"""Safe reading of NumPy files (``.npy``, ``.npz``): no pickles, no memory for false sizes."""

from __future__ import annotations

import math
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

import numpy as np
from numpy.typing import NDArray

from calovision.errors import DamagedError, InputError
from calovision.utils.unreadable import reading

MAX_BYTES = 8 << 30  #: of all arrays of a file together
#: what zipfile, zlib and NumPy raise at an archive that is not what it says
_DAMAGE: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError),
    *(TypeError, ValueError, BadZipFile, TokenError, ZlibError),
)
_HEADER = 1 << 16  # more than any header takes


def read_arrays(path: Path, remedy: str) -> dict[str, NDArray[Any]]:
    """All arrays of an ``.npz`` file.

    Memory is taken only for what the file's own table of contents promises, which must be what
    the arrays' headers say.

    Args:
        path: the file.
        remedy: what to do if it is damaged.

    Raises:
        InputError: it is absent, damaged, too large, or holds anything but plain arrays.
    """
    try:
        with reading(path):
            return _read(path, remedy)
    except _DAMAGE as error:
        raise DamagedError(f"{path} is damaged", remedy) from error


def _read(path: Path, remedy: str) -> dict[str, NDArray[Any]]:
    """The arrays; nearly all that happens here happens in libraries."""
    with path.open("rb") as file:
        # Here zipfile would take an error of the system for the end of something else.
        file.seek(max(path.stat().st_size - _HEADER, 0))
        file.read()
    with ZipFile(path) as archive:
        members = archive.infolist()
        if sum(m.file_size for m in members) > MAX_BYTES:
            raise InputError(f"{path} claims more than {MAX_BYTES >> 30} GiB", remedy)
        for member in members:
            with archive.open(member) as content:
                claimed, kind = _claimed(content)
            if kind.hasobject:
                name = member.filename.removesuffix(".npy")
                raise InputError(f"{path}: {name} holds Python objects", "save numbers or text")
            if not 0 <= member.file_size - claimed <= _HEADER:
                raise ValueError("a header that does not fit its array")
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    # in this machine's order of bytes, which libraries expect
    return {k: v.astype(v.dtype.newbyteorder("="), copy=False) for k, v in found.items()}


def read_array(path: Path, remedy: str) -> NDArray[Any]:
    """The array of an ``.npy`` file.

    Raises:
        InputError: it is damaged, longer or shorter than it says, or holds anything but a plain
            array.
    """
    try:
        with reading(path), path.open("rb") as file:
            claimed, _ = _claimed(file)
            if file.tell() + claimed != path.stat().st_size:
                raise ValueError("a header that does not fit its array")
            file.seek(0)
            found: NDArray[Any] = np.load(file, allow_pickle=False)
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged", remedy) from error
    return found


def _claimed(file: Any) -> tuple[int, np.dtype[Any]]:
    """Bytes that an array takes, and its type, by its header."""
    formats = np.lib.format
    read = {(1, 0): formats.read_array_header_1_0, (2, 0): formats.read_array_header_2_0}
    shape, _, kind = read[formats.read_magic(file)](file)
    return math.prod(shape) * kind.itemsize, kind
