"""Links and virtual datasets of HDF5 files, which are followed inside the file only."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import h5py

from calovision.errors import ContentError

MAX_LINKS = 16  #: links, or nested virtual datasets, that are followed one after the other
_ENDLESS = (1 << 64) - 1  # a count without an end
_SAME = "."  # how a virtual dataset names the file that it is in


class ElsewhereError(ContentError):
    """A name leads out of the file, or nowhere; the text says where."""


def dataset_of(file: h5py.File, name: str, *, steps: int = MAX_LINKS) -> h5py.Dataset | None:
    """The dataset that ``name`` stands for, all of which lies in this very file.

    Links and virtual datasets are followed as long as they lead to datasets of the file.

    Args:
        file: opened.
        name: a path in it.
        steps: links that may still be followed.

    Returns:
        The dataset; none if it is a group or something else.

    Raises:
        ElsewhereError: the data lie in another file, or nowhere.
    """
    found: h5py.Group | h5py.Dataset = file
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for depth, part in enumerate(parts):
        raw = part.encode("utf-8", "surrogateescape")
        if not isinstance(found, h5py.Group) or not found.id.links.exists(raw):
            raise ElsewhereError(f"at {name}, which is not there")
        kind = found.id.links.get_info(raw).type
        if kind == h5py.h5l.TYPE_HARD:
            found = found[part]
            continue
        if kind not in (h5py.h5l.TYPE_SOFT, h5py.h5l.TYPE_EXTERNAL):
            raise ElsewhereError("behind a link of another program")
        value = found.id.links.get_val(raw)  # reading it opens no other file
        if kind == h5py.h5l.TYPE_EXTERNAL:
            where, target = (os.fsdecode(v) for v in value)
            if not _is_file(file, where):
                raise ElsewhereError(f"in the file {where}")
            start = f"/{target}"
        else:
            target = os.fsdecode(value)
            start = target if target.startswith("/") else f"{found.name}/{target}"
        if not steps:
            raise ElsewhereError("behind too many links")
        return dataset_of(file, "/".join([start, *parts[depth + 1 :]]), steps=steps - 1)
    if not isinstance(found, h5py.Dataset):
        return None
    if found.external:
        raise ElsewhereError(f"in the file {found.external[0][0]}")
    if found.is_virtual:
        _check_virtual(file, found, steps)
    return found


def _is_file(file: h5py.File, name: str) -> bool:
    """Whether a name in a file means the file itself."""
    own = Path(file.filename)
    return name == _SAME or (own.parent / name).resolve() == own.resolve()


def sources_of(file: h5py.File, data: h5py.Dataset) -> list[h5py.Dataset]:
    """The datasets of the file that hold the numbers of one that :func:`dataset_of` has found."""
    if not data.is_virtual:
        return [data]
    parts = {part.dset_name for part in data.virtual_sources()}
    found = [dataset_of(file, part) for part in sorted(parts)]
    return [real for part in found if part is not None for real in sources_of(file, part)]


def _check_virtual(file: h5py.File, virtual: h5py.Dataset, steps: int) -> None:
    """Refuse a virtual dataset that is not all in the file: HDF5 would fill in zeros."""
    covered = 0
    for part in virtual.virtual_sources():
        if not _is_file(file, part.file_name):
            raise ElsewhereError(f"in the file {part.file_name}")
        source = dataset_of(file, part.dset_name, steps=steps - 1) if steps else None
        if source is None:
            raise ElsewhereError(f"at {part.dset_name}, which is no dataset")
        if not _fits(part.src_space, part.vspace, source):
            raise ElsewhereError(f"at {part.dset_name}, which is smaller")
        endless = any(axis[2] == _ENDLESS for axis in _hyperslab(part.vspace))
        covered += virtual.size if endless else part.vspace.get_select_npoints()
    if covered < virtual.size:
        raise ElsewhereError("nowhere, in part")


def _fits(space: h5py.h5s.SpaceID, target: h5py.h5s.SpaceID, source: h5py.Dataset) -> bool:
    """Whether a dataset is as large as what is selected from it, whatever its shape was before."""
    chosen = _hyperslab(space)
    if not chosen:
        return bool(source.size >= target.get_select_npoints())
    # A selection without an end takes what there is.
    ends = [
        0 if count == _ENDLESS else start + (count - 1) * step + size
        for start, step, count, size in chosen
    ]
    return len(ends) == source.ndim and all(e <= n for e, n in zip(ends, source.shape, strict=True))


def _hyperslab(space: h5py.h5s.SpaceID) -> list[tuple[int, int, int, int]]:
    """Start, step, count and size of a selection on every axis; empty if it is no hyperslab."""
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return []
    return list(zip(*space.get_regular_hyperslab(), strict=True))


def holds(path: Path, names: Collection[str], bad: tuple[type[Exception], ...]) -> bool:
    """Whether an HDF5 file has datasets of all names.

    Args:
        path: of the file.
        names: of datasets.
        bad: errors of a file that is damaged; what is wrong with it, the reader of images says.
    """
    try:
        with h5py.File(path, "r") as file:
            return all(name in file for name in names)
    except bad:
        return False
