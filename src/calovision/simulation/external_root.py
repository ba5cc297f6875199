"""Columns of particles in the trees and RNTuples of ROOT files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.simulation.external_names import collections, find, may_matter
from calovision.simulation.external_tables import Columns, at

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
            tree = trees[0] if len(trees) == 1 else _chosen(opened, trees, particles)
        depths, rows = _depths(opened[tree]), opened[tree].num_entries
    if not rows:
        raise InputError(f"tree {tree} has no rows", "give a file with particles")

    def read(names: list[str], size: int) -> Iterator[dict[str, Any]]:
        with uproot.open(file) as again:
            for part in again[tree].iterate(names, step_size=size, library="ak"):
                yield {n: at(part, n) for n in names}

    return Columns(depths, f"tree {tree}", read)


def _chosen(opened: Any, trees: list[str], particles: str | None) -> str:
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
        for name in may_matter(names):
            column = branches[name]
            if "Unknown" not in type(getattr(column, "interpretation", None)).__name__:
                depths[name] = getattr(column.array(entry_stop=1, library="ak"), "ndim", 0)
    return depths
