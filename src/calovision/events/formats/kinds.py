"""Kinds of files by their first bytes."""

from __future__ import annotations

HDF5, PARQUET, GZIP = b"\x89HDF\r\n\x1a\n", b"PAR1", b"\x1f\x8b"
HEAD_BYTES = 512  #: that are enough to tell a kind
_ARRAYS = "load its arrays and give them to calovision.from_images"
_PARTICLES = "particles become images by 'calovision data image'"
_UNPACK = "unpack it first"
#: first bytes, what the file is, and what to do with it
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x93NUMPY", "a NumPy array", _ARRAYS),
    (b"PK\x03\x04", "a NumPy (.npz) or zip archive", f"{_ARRAYS}; {_PARTICLES}"),
    (b"root", "a ROOT file", _PARTICLES),
    (b"HepMC::", "a HepMC file", _PARTICLES),
    (b"\nHepMC::", "a HepMC file", _PARTICLES),
    (GZIP, "compressed by gzip", _UNPACK),
    (b"\xfd7zXZ", "compressed by xz", _UNPACK),
    (b"BZh", "compressed by bzip2", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK),
    (b"ARROW1", "an Arrow (Feather) file", "write it as Parquet"),
    (b"\x0e\x03\x13\x01", "an HDF4 file", "write it as HDF5"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the data", "run 'git lfs pull'"),
    (HDF5, "an HDF5 file", ""),
    (PARQUET, "a Parquet file", ""),
)


def kind_of(head: bytes) -> tuple[str, str]:
    """What a file is that begins with ``head``, and what to do with it; empty if nobody knows."""
    for start, kind, remedy in _KINDS:
        if head.startswith(start):
            return kind, remedy
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page", "download the file itself"
    # The last character may be cut in two.
    letters = head.decode(errors="replace").removesuffix("\ufffd")
    readable = all(c.isprintable() or c.isspace() for c in letters.replace("\ufffd", "\0"))
    return ("text", "") if readable else ("", "")
