"""Images in NumPy's ``.npz`` archives: a stranger's file format, as a whole."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.formats.schema import ImageFile


class NpzImages(ImageFile):
    """An archive of arrays that are named as in the public HDF5 files."""

    format = "NumPy (.npz)"
    content_errors = (OSError, ValueError, zipfile.BadZipFile)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Archives are zip files of ``.npy`` files."""
        return head.startswith(b"PK\x03\x04") and b".npy" in head

    def _open(self) -> None:
        with self.decoding():
            archive = self._open_files.enter_context(np.load(self.path))
            arrays = {name: archive[name] for name in archive.files}
        self.set_schema(arrays)
        self._images = arrays.pop(self.key)
        self.set_images(self._images.shape, self._images.dtype)
        self.set_columns(arrays)

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time."""
        for first in range(start, stop, self.step):
            yield first, 0, self._images[first : min(first + self.step, stop)]
