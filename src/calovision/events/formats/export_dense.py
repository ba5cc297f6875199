"""Writing an event store in the public HDF5 schema, or showers in their own, in a stream."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from calovision.errors import InputError
from calovision.events.formats.calochallenge import SHOWERS, incident_energies, voxels_of
from calovision.events.formats.schema import IMAGE_KEYS, LABEL_KEY
from calovision.events.reader import EventStore
from calovision.utils.files import atomic, check_new_file

Compression = Literal["none", "lzf", "gzip"]

_BLOCK_VALUES = 12_000_000  # pixels written at a time: 256 jets
_CHUNK_VALUES = 750_000  # pixels in one compressed chunk: 16 jets
_GZIP_LEVEL = 1
_LABEL_TYPES = {str(np.dtype(c)) for c in np.typecodes["AllInteger"] + "?efd"}
SUFFIXES = (".h5", ".hdf5", ".hdf")  #: names of the files that are written here


def export(
    store: EventStore,
    out: str | Path,
    *,
    compression: Compression = "gzip",
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Write ``X_jets``, ``m0``, ``pt``, ``y`` (or ``X``, ``y``) as in the public HDF5 files.

    Showers are written as in the CaloChallenge's files, ``showers`` and ``incident_energies``.

    Images are ``(n, rows, cols, channels)`` in image units and of the type that they have in
    the store; further per-event columns become datasets of their own names. The file is
    complete or absent. Arguments as of :func:`calovision.export`.

    Raises:
        InputError: the file exists or is named otherwise, the set has no labels or columns that
            clash with the schema, a shard is damaged, or the disk is full.
    """
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"cannot write {path.name}", f"end it with {' or '.join(SUFFIXES)}")
    check_new_file(path, overwrite)
    of_showers = store.geometry.schema == "showers"
    columns = incident_energies(store) if of_showers else _columns(store)
    with atomic(path) as part, _Sink(part) as sink:
        with h5py.File(sink, "w") as file:
            for name, values in columns.items():
                file.create_dataset(name, data=values, track_times=False)
            _write_images(file, store, compression, progress, sink, of_showers)
        sink.check()
    return path


class _Sink(io.FileIO):
    """A file that reports a failed write only when it is asked.

    HDF5 cannot close a file after a failed write and crashes the process at its end. So every
    write seems to succeed, and the file is thrown away.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of ``data`` or remember why not."""
        left = memoryview(data).cast("B")
        total = len(left)
        try:
            while self._error is None and len(left):
                left = left[super().write(left) or 0 :]
        except OSError as error:
            self._error = error
        return total

    def truncate(self, size: int | None = None) -> int:
        """Set the length or remember why not."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size or 0

    def check(self) -> None:
        """Raise what went wrong with an earlier write."""
        if self._error is not None:
            raise self._error


def _columns(store: EventStore) -> dict[str, NDArray[Any]]:
    """The per-event datasets by their public names."""
    if "label" not in store.columns:
        raise InputError(f"{store.path} has no labels", "only labelled sets can be exported")
    if clash := {LABEL_KEY, *IMAGE_KEYS.values()} & set(store.columns):
        raise InputError(
            f"{store.path} has a column {clash.pop()!r}, a name of the public schema",
            "rename that column",
        )
    columns = {name: store.column(name) for name in store.columns}
    label = columns.pop("label")
    # A converted set keeps the type that y had in its file.
    kind = store.manifest["provenance"].get("label_dtype", str(label.dtype))
    if kind not in _LABEL_TYPES:
        raise InputError(f"{store.path} names no type of labels: {kind!r}", "make the set again")
    return columns | {LABEL_KEY: label.astype(kind)}


def _write_images(
    file: h5py.File,
    store: EventStore,
    compression: Compression,
    progress: bool,
    sink: _Sink,
    of_showers: bool,
) -> None:
    geometry = store.geometry
    shape: tuple[int, ...] = (len(store), geometry.rows, geometry.cols, len(geometry.channels))
    if of_showers:
        shape = (len(store), sum(c.voxels for c in geometry.channels))
    per_event = int(np.prod(shape[1:]))
    chunk = (min(max(1, _CHUNK_VALUES // per_event), len(store)), *shape[1:])
    images = file.create_dataset(
        SHOWERS if of_showers else IMAGE_KEYS[geometry.schema],
        shape,
        np.dtype(store.manifest["value"]),
        chunks=None if compression == "none" else chunk,
        compression=None if compression == "none" else compression,
        compression_opts=_GZIP_LEVEL if compression == "gzip" else None,
        track_times=False,
    )
    batch = max(1, _BLOCK_VALUES // per_event // chunk[0]) * chunk[0]
    with tqdm(total=len(store), unit=" events", disable=not progress) as bar:
        start = 0
        for events in store.stream(batch):
            images[start : start + len(events)] = (
                voxels_of(events) if of_showers else events.to_dense("image").transpose(0, 2, 3, 1)
            )
            start += len(events)
            bar.update(len(events))
            file.flush()
            sink.check()
