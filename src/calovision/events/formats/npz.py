"""Reading archives of NumPy arrays, such as the ML4SCI extracts of the public sets."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.formats.layout import IMAGES, LABEL
from calovision.events.formats.schema import SCHEMAS, ImageFile

_PARTS = ("_train", "_test")  #: ends of the names in archives that are divided already
_IS_TEST = "test"  #: column that tells the parts apart: 0 for training, 1 for testing


class NpzImages(ImageFile):
    """An archive of arrays, all of which are held in memory.

    Its keys are those of the public HDF5 files, or ``x_train``, ``y_train``, ``x_test`` and
    ``y_test`` as in the ML4SCI extracts: both parts are then taken, one after the other, and a
    column ``test`` tells them apart.
    """

    format = "NumPy (.npz)"
    content_errors = (EOFError, OSError, ValueError, zipfile.BadZipFile)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Archives are zip files of ``.npy`` files."""
        return head.startswith(b"PK\x03\x04") and b".npy" in head

    def _open(self) -> None:
        with self.decoding():
            archive = self._open_files.enter_context(np.load(self.path))
            names = [n for n in archive.files if self._is_asked_for(n)]
            arrays = {name: archive[name] for name in names}
        if IMAGES not in self.layout.keys:
            arrays = _joined(arrays)
        required = self.set_schema(arrays)
        images = arrays.pop(self.key)
        self.set_images(images.shape, images.dtype)
        self._images = images.reshape(self.shape)
        self.set_columns({k: v for k, v in arrays.items() if k in required or k not in SCHEMAS})

    def _is_asked_for(self, name: str) -> bool:
        """Whether an array is of use: not if it belongs to the other part than the one named."""
        named = self.layout.keys
        return IMAGES not in named or name in named.values() or not name.lower().endswith(_PARTS)

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time."""
        for first in range(start, stop, self.step):
            part = self._images[first : min(first + self.step, stop)]
            yield first, 0, np.ascontiguousarray(part, self.dtype)


def _joined(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Images and labels of the parts of a divided archive, one after the other.

    The arrays themselves where nothing is divided, or the parts do not fit together.
    """
    known = {name.lower(): name for name in arrays}
    parts = [p for p in _PARTS if {f"x{p}", f"y{p}"} <= known.keys()]
    if not parts or SCHEMAS.keys() & arrays.keys():
        return arrays
    images, labels = ([arrays[known[f"{k}{p}"]] for p in parts] for k in "xy")
    alike = len({(i.shape[1:], i.dtype) for i in images}) == 1
    if not alike or any(i.shape[:1] != y.shape[:1] for i, y in zip(images, labels, strict=True)):
        return arrays
    of_part = np.repeat([_PARTS.index(p) for p in parts], [len(y) for y in labels])
    both = {IMAGES: np.concatenate(images), LABEL: np.concatenate(labels)}
    return both | {_IS_TEST: of_part.astype(np.int8)}
