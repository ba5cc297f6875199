"""Fingerprints in a small file, for models that come with the package.

Of each fingerprint the upper 36 bits are kept: one event in 400,000 that is in no set of 90,000 is
then taken for one that is. Sorted, the upper 16 of them are told by counts; the lower 20 follow bit
by bit, so that an event takes 2.7 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.events.fingerprints import TRAINING, Known, Prints, read_known, write_known
from calovision.utils.arrays import read_arrays
from calovision.utils.files import atomic

PACKED = "training-events.npz"  #: in a model of the package, and in a set generated with it
BITS, _LOW, _HIGH = 36, 20, 16


def pack(path: Path, prints: Prints) -> None:
    """Write the upper bits of some fingerprints, complete or not at all."""
    short = np.unique(prints >> np.uint64(64 - BITS))
    count = np.bincount((short >> np.uint64(_LOW)).astype(np.int64), minlength=1 << _HIGH)
    bits = np.unpackbits(short.astype(">u4").view(np.uint8)).reshape(-1, 32)[:, -_LOW:]
    with atomic(path) as part, part.open("wb") as file:
        np.savez_compressed(file, count=count.astype(np.uint16), low=np.packbits(bits))


def unpack(path: Path, remedy: str) -> Known:
    """Read what :func:`pack` wrote.

    Raises:
        InputError: absent or damaged, with ``remedy``.
    """
    arrays = read_arrays(path, remedy)
    try:
        count, low = arrays["count"], arrays["low"]
        n = int(count.sum())
        if len(low) != -(-n * _LOW // 8):
            raise ValueError("bits and counts do not agree")
        high = np.repeat(np.arange(1 << _HIGH, dtype=np.uint64), count)
        bits = np.unpackbits(low, count=n * _LOW).reshape(n, _LOW)
        place = np.uint64(1) << np.arange(_LOW - 1, -1, -1, dtype=np.uint64)
        short = (high << np.uint64(_LOW)) | bits.astype(np.uint64) @ place
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path} is damaged", remedy) from error
    return Known(short << np.uint64(64 - BITS), BITS)


def known_in(folder: Path, remedy: str) -> Known | None:
    """Fingerprints of training events in a run, or in a set that was generated with it, if any.

    Raises:
        InputError: they are damaged, with ``remedy``.
    """
    if (folder / TRAINING).is_file():
        return read_known(folder / TRAINING, remedy)
    return unpack(folder / PACKED, remedy) if (folder / PACKED).is_file() else None


def hand_on(folders: Iterable[Path | None], out: Path) -> None:
    """Write the fingerprints in some folders, where there are any, into a set made of them.

    Raises:
        InputError: some are damaged.
    """
    kept = [known_in(f, f"make {f} again") for f in dict.fromkeys(folders) if f is not None]
    known = [one for one in kept if one is not None]
    if not known:
        return
    prints = np.unique(np.concatenate([one.prints for one in known]))
    if all(one.bits == 64 for one in known):
        write_known(out / TRAINING, Known(prints))
    else:
        pack(out / PACKED, prints)
