"""Files of fingerprints of training events, in a run and in the sets that are generated with it.

Those of models that come with the package are small. Of each fingerprint the upper 36 bits are
kept: one event in 400,000 that is in no set of 90,000 is then taken for one that is. Sorted, the
upper 16 of them are given by counts; the lower 20 follow bit by bit, so that an event takes 2.7
bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.events.fingerprints import FingerprintIndex, Prints
from calovision.utils.arrays import read_array, read_arrays
from calovision.utils.files import atomic

TRAINING = "training-events.npy"  #: in a run, and in a set that was generated with it
PACKED = "training-events.npz"  #: in a model of the package, and in a set generated with it
BITS, _LOW, _HIGH = 36, 20, 16


def write_index(path: Path, index: FingerprintIndex) -> None:
    """Write fingerprints of 64 bits, complete or not at all."""
    with atomic(path) as part, part.open("wb") as file:
        np.save(file, index.prints)


def read_index(path: Path, remedy: str) -> FingerprintIndex:
    """Fingerprints from a file of :func:`write_index`.

    Raises:
        InputError: absent or damaged, with ``remedy``.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing", remedy)
    found = read_array(path, remedy)
    if found.ndim != 1 or found.dtype != np.uint64 or (found[1:] < found[:-1]).any():
        raise InputError(f"{path} is damaged", remedy)
    return FingerprintIndex(found)


def write_packed(path: Path, prints: Prints) -> None:
    """Write the upper bits of some fingerprints, complete or not at all."""
    short = np.unique(prints >> np.uint64(64 - BITS))
    count = np.bincount((short >> np.uint64(_LOW)).astype(np.int64), minlength=1 << _HIGH)
    bits = np.unpackbits(short.astype(">u4").view(np.uint8)).reshape(-1, 32)[:, -_LOW:]
    with atomic(path) as part, part.open("wb") as file:
        np.savez_compressed(file, count=count.astype(np.uint16), low=np.packbits(bits))


def read_packed(path: Path, remedy: str) -> FingerprintIndex:
    """Read what :func:`write_packed` wrote.

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
    return FingerprintIndex(short << np.uint64(64 - BITS), BITS)


def find_index(folder: Path, remedy: str) -> FingerprintIndex | None:
    """Fingerprints of training events in a run, or in a set that was generated with it, if any.

    Raises:
        InputError: they are damaged, with ``remedy``.
    """
    if (folder / TRAINING).is_file():
        return read_index(folder / TRAINING, remedy)
    return read_packed(folder / PACKED, remedy) if (folder / PACKED).is_file() else None


def copy_index(folders: Iterable[Path | None], out: Path) -> None:
    """Write the fingerprints in some folders, where there are any, into a set made of them.

    Raises:
        InputError: some are damaged.
    """
    kept = [find_index(f, f"make {f} again") for f in dict.fromkeys(folders) if f is not None]
    found = [one for one in kept if one is not None]
    if not found:
        return
    prints = np.unique(np.concatenate([one.prints for one in found]))
    if all(one.bits == 64 for one in found):
        write_index(out / TRAINING, FingerprintIndex(prints))
    else:
        write_packed(out / PACKED, prints)
