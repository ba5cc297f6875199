"""Images in NumPy's ``.npy`` tables, mapped to memory: a stranger's file format, as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.formats.schema import ImageFile


class NpyImages(ImageFile):
    """A structured array, the fields of which are named as in the public HDF5 files."""

    format = "NumPy (.npy)"
    content_errors = (OSError, ValueError)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Tables begin with a mark of their own."""
        return head.startswith(b"\x93NUMPY")

    def _open(self) -> None:
        with self.decoding():
            self._table = np.load(self.path, mmap_mode="r")
        fields = self._table.dtype.names or ()
        self.set_schema(fields)
        images = self._table[self.key]
        self.set_images(images.shape, images.dtype)
        self.set_columns({name: self._table[name] for name in fields if name != self.key})

    def dense_blocks(self, start: int, stop: int) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Images of ``step`` events at a time."""
        for first in range(start, stop, self.step):
            part = self._table[self.key][first : min(first + self.step, stop)]
            yield first, 0, np.ascontiguousarray(part, self.dtype)
