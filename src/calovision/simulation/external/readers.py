"""Columns of particles in Parquet, NumPy and ROOT files (trees and RNTuples)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.simulation.external.momenta import Unit
from calovision.simulation.external.names import NAMES, collections, find, known_names
from calovision.simulation.external.particles import Rows
from calovision.utils.arrays import read_arrays


class Columns(NamedTuple):
    """Columns of a file.

    Attributes:
        depths: their names, with 1 for one number a row, 2 for a list of them.
        where: what holds them, for messages.
        read: given some of the names, awkward arrays of so many rows at a time.
        unit: of momenta, where the kind of file tells.
        rows: what a row is, where the kind of file tells.
    """

    depths: dict[str, int]
    where: str
    read: Callable[[list[str], int], Iterator[dict[str, Any]]]
    unit: Unit | None = None
    rows: Rows | None = None


def at(part: Any, name: str) -> Any:
    """A column whose name may be a path into records: ``MCParticles.momentum.x``."""
    if name in part.fields:
        return part[name]
    words = name.split(".")
    for k in range(len(words) - 1, 0, -1):
        if (head := ".".join(words[:k])) in part.fields:
            return at(part[head], ".".join(words[k:]))
    raise KeyError(name)


def columns_of_parquet(file: Path) -> Columns:
    """Columns of a Parquet file, those of records inside lists among them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        fields = {f.name: dict(_leaves(f.name, f.type)) for f in opened.schema_arrow}
        rows = opened.metadata.num_rows
    if not rows:
        raise InputError("it has no rows", "give a file with particles")

    def read(names: list[str], size: int) -> Iterator[dict[str, Any]]:
        tops = [top for top, inside in fields.items() if inside.keys() & set(names)]
        with pq.ParquetFile(file) as again:
            for batch in again.iter_batches(size, columns=tops):
                # categories as what they stand for
                plain = [
                    c.dictionary_decode() if pa.types.is_dictionary(c.type) else c
                    for c in batch.columns
                ]
                part = ak.from_arrow(pa.RecordBatch.from_arrays(plain, names=batch.schema.names))
                yield {n: at(part, n) for n in names}

    depths = {n: d for inside in fields.values() for n, d in inside.items()}
    return Columns(depths, "the file", read)


def columns_of_numpy(file: Path) -> Columns:
    """Tables ``(jets, particles)`` padded by zeros, or EnergyFlow's ``X`` and ``y``."""
    arrays = read_arrays(file, "give a whole NumPy file")
    if "X" in arrays:  # EnergyFlow's layout
        cube = arrays.pop("X")
        if cube.ndim != 3 or cube.shape[2] < 4:
            raise InputError(
                f"X has the shape {cube.shape}", "give (jets, particles, 4): pt, y, phi, PDG number"
            )
        names = ("pt", "rapidity", "phi", "pdg")
        arrays |= dict(zip(names, np.moveaxis(cube, 2, 0), strict=False))
        if "y" in arrays and arrays["y"].ndim > 1 and arrays["y"].size == len(cube):
            arrays["y"] = arrays["y"].reshape(-1)
    depths = {k: v.ndim for k, v in arrays.items()}

    def read(names: list[str], size: int) -> Iterator[dict[str, Any]]:
        chosen = {n: arrays[n] for n in names}
        n_rows = len(chosen[names[0]])
        for name, array in chosen.items():
            if array.ndim == 0 or len(array) != n_rows:
                raise InputError(
                    f"{name} has the shape {array.shape}, {names[0]} {chosen[names[0]].shape}",
                    "give arrays of one length",
                )
        for start in range(0, n_rows, size):
            part = {n: v[start : start + size] for n, v in chosen.items()}
            filled = filled_places(part)
            counts = filled.sum(1)
            yield {
                n: ak.unflatten(v[filled], counts) if v.shape == filled.shape else ak.Array(v)
                for n, v in part.items()
            }

    return Columns(depths, "the file", read)


def filled_places(tables: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Where particles are: shorter jets are padded by zeros, in every momentum."""
    ends = tuple(c for k in ("px", "py", "pz", "pt", "energy") for c in NAMES[k])
    momenta = [v for n, v in tables.items() if n.lower().replace("_", ".").split(".")[-1] in ends]
    shapes = {str(v.shape[1:]) for v in momenta}
    if len(shapes) > 1:
        raise InputError("its tables of momenta differ in shape", "give tables of one shape")
    filled: NDArray[np.bool_] = np.any([v != 0 for v in momenta], axis=0)
    return filled


def _leaves(name: str, kind: Any, depth: int = 1) -> Iterator[tuple[str, int]]:
    """Names inside a Parquet column, and how many lists deep their numbers lie."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(name, kind.value_type, depth + 1)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}".lstrip("."), field.type, depth)
    else:
        yield name, depth


_TREES = ("TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")


def columns_of_root(file: Path, tree: str | None, particles: str | None) -> Columns:
    """Columns of the tree or RNTuple that is named, or of the only one with known particles.

    Raises:
        InputError: there is none, or several.
    """
    import uproot

    with uproot.open(file) as opened:
        classes = {k.split(";")[0]: c for k, c in opened.classnames(recursive=True).items()}
        trees = sorted(k for k, c in classes.items() if c in _TREES)
        if not trees:
            held = ", ".join(f"{k} ({c})" for k, c in list(classes.items())[:12])
            raise InputError(
                f"it has no tree or RNTuple (it has {held or 'nothing'})",
                "give a file with a tree of particles",
            )
        if tree is not None and tree not in trees:
            raise InputError(f"it has no tree {tree}", f"name one of {', '.join(trees)}")
        if tree is None:
            tree = trees[0] if len(trees) == 1 else _only_tree(opened, trees, particles)
        depths, rows = _depths(opened[tree]), opened[tree].num_entries
    if not rows:
        raise InputError(f"tree {tree} has no rows", "give a file with particles")

    def read(names: list[str], size: int) -> Iterator[dict[str, Any]]:
        with uproot.open(file) as again:
            for part in again[tree].iterate(names, step_size=size, library="ak"):
                yield {n: at(part, n) for n in names}

    return Columns(depths, f"tree {tree}", read)


def _only_tree(opened: Any, trees: list[str], particles: str | None) -> str:
    """The only tree with known particles."""
    good = []
    for name in trees:
        if not opened[name].num_entries:
            continue
        try:
            depths = _depths(opened[name])
            find(depths, particles, name)
        except InputError:
            if collections(depths):
                good.append(name)
        else:
            good.append(name)
    if len(good) != 1:
        which = f"those with momenta are {', '.join(good)}" if good else "none has known momenta"
        raise InputError(f"it holds the trees {', '.join(trees)}; {which}", "name one by --tree")
    return good[0]


def _depths(branches: Any) -> dict[str, int]:
    """Depth of lists in every column that may be read, 0 of others."""
    flat = {} if "RNTuple" in type(branches).__name__ else {"full_paths": False}
    names = list(branches.keys(recursive=True, **flat))
    depths = dict.fromkeys(names, 0)
    if branches.num_entries:
        for name in known_names(names):
            column = branches[name]
            if "Unknown" not in type(getattr(column, "interpretation", None)).__name__:
                depths[name] = getattr(column.array(entry_stop=1, library="ak"), "ndim", 0)
    return depths
