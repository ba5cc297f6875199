"""The formats of public image files that can be read: a new one is a reader and a line here."""

from __future__ import annotations

import importlib
from pathlib import Path

from calovision.errors import InputError
from calovision.events.formats.hit_file import HitFile
from calovision.events.formats.kinds import HEAD_BYTES, kind_of
from calovision.events.formats.layout import Layout
from calovision.events.formats.schema import ImageFile
from calovision.events.formats.units import settle
from calovision.utils.unreadable import exists, reading

#: modules of this package with their readers; the first one that recognises a file opens it
READERS = (
    "calochallenge.ShowerFile",
    "particle_hdf5.JetNetFile",
    "particle_hdf5.TopTaggingFile",
    "particle_hdf5.AtlasFile",
    "particle_npz.EnergyFlowFile",
    "particle_root.JetClassFile",
    "hdf5.Hdf5Images",
    "npz.NpzImages",
    "parquet.ParquetImages",
)


def open_images(path: Path, layout: Layout | None = None) -> ImageFile:
    """Open a public file by its content, not its name, and settle the unit of its pixels.

    Args:
        path: the file.
        layout: what the user says of it.

    Raises:
        InputError: missing, empty, of no format that can be read, or of another schema.
    """
    readers = [_reader(name) for name in READERS]
    *others, last = (r.format for r in readers if not issubclass(r, HitFile))
    formats = f"{', '.join(others)} or {last}"
    if not exists(path):
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {problem}", f"give an {formats} file")
    with reading(path), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError(f"{path} is empty", "fetch it again")
    for reader in readers:
        if reader.recognises(path, head):
            opened = reader(path, layout)
            try:
                settle(opened)
            except BaseException:
                opened.close()
                raise
            return opened
    kind, remedy = kind_of(head)
    known = f"known are {', '.join(others)} and {last} files with X_jets, m0, pt, y or X, y"
    raise InputError(
        f"{path} is {kind or 'of no known kind'}, not an {formats} file",
        f"{known}; {remedy}" if remedy else known,
    )


def _reader(name: str) -> type[ImageFile]:
    module, _, reader = name.partition(".")
    found: type[ImageFile] = getattr(importlib.import_module(f"{__package__}.{module}"), reader)
    return found
