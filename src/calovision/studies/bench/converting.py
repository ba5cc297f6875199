"""Row on conversion: against reading the same file with h5py alone."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import h5py
import numpy as np

from calovision.events.convert import convert
from calovision.events.export import Compression
from calovision.studies.bench.clock import Side, Work, always, in_turns
from calovision.studies.bench.material import Material
from calovision.studies.bench.row import Goal, Row


def conversion(material: Material, compression: Compression) -> Row:
    """Conversion of an HDF5 file that is in the page cache."""
    jets = material.size.jets
    path, outs = material.file(jets, compression), count()

    def converted() -> Work:
        out = material.folder / f"converted-{compression}-{next(outs)}"
        return lambda: convert([path], out)

    ours = Side("jet converted", jets, converted)
    alone = always("h5py", jets, lambda: _read(path))
    pairs = in_turns(ours, alone, material.size.pairs)
    storage = "uncompressed" if compression == "none" else compression
    title = f"read with h5py alone ({storage})"
    return Row("jet converted", title, pairs, "s a jet", goal=Goal("at most", 3.0))


def _read(path: Path) -> None:
    """Read all images, as many at a time as were written together."""
    with h5py.File(path) as file:
        images = file["X_jets"]
        step = 64
        block = np.empty((step, *images.shape[1:]), images.dtype)
        for first in range(0, len(images), step):
            last = min(first + step, len(images))
            images.read_direct(block, np.s_[first:last], np.s_[: last - first])
