"""Columns of particles in HDF5 files: of the benchmarks of the field, or tables of one's own.

Known are JetNet, the top-tagging reference set, ATLAS' top-tagging set (all three described in
:mod:`calovision.events.formats.particle_hdf5`), and the LHC Olympics (arXiv:2101.08320,
zenodo.org/records/4536377): rows of pandas, ``df/block0_values``, with pt (GeV), eta, phi of up to
700 particles of a collision and, at the end, whether there is a signal. Otherwise tables ``(n,
particles)`` and numbers ``(n,)`` are known by their names, as in ``.npz`` files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.formats.hdf5_links import ElsewhereError, dataset_of
from calovision.events.formats.kinds import HDF5
from calovision.events.formats.particle_hdf5 import JetNetFile, TopTaggingFile
from calovision.simulation.external.momenta import Unit
from calovision.simulation.external.particles import Rows
from calovision.simulation.external.readers import Columns, filled_places

_LHCO, _NUMBERS = "df/block0_values", 3  # pt, eta, phi of a particle
_ATLAS = "fjet_clus_pt"
Arrays = dict[str, NDArray[Any]]
#: names and depths of columns, and their rows from one number to another
Reading = tuple[dict[str, int], Callable[[h5py.File, int, int], Arrays]]


def columns_of_hdf5(file: Path) -> Columns:
    """Columns of an HDF5 file, in which shorter rows are padded by zeros.

    Raises:
        InputError: data that lie in another file.
    """
    rows: Rows | None = None
    unit: Unit | None = None
    with h5py.File(file, "r") as opened:
        if JetNetFile.recognises(file, HDF5):
            (depths, part), count = _jetnet(), len(opened["particle_features"])
        elif TopTaggingFile.recognises(file, HDF5):
            (depths, part), count = _top_tagging(), len(opened["table/table"])
        elif _LHCO in opened:
            (depths, part), count, rows = _lhco(opened), len(opened[_LHCO]), "events"
        else:
            depths, part = _tables(opened)
            count = max((len(opened[k]) for k, d in depths.items() if d), default=0)
            unit = "MeV" if _ATLAS in opened else None
    if not count:
        raise InputError("it has no rows", "give a file with particles")

    def read(names: list[str], size: int) -> Iterator[dict[str, Any]]:
        with h5py.File(file, "r") as again:
            for start in range(0, count, size):
                found = part(again, start, min(start + size, count))
                chosen = {n: found[n] for n in names}
                there = filled_places(chosen)
                counts = there.sum(1)
                yield {
                    n: ak.unflatten(v[there], counts) if v.shape == there.shape else ak.Array(v)
                    for n, v in chosen.items()
                }

    return Columns(depths, "the file", read, unit, rows)


def _jetnet() -> Reading:
    """Places and momenta of particles from those of their jet; its azimuth is taken as 0."""

    def part(file: h5py.File, start: int, stop: int) -> Arrays:
        table = np.asarray(file["particle_features"][start:stop], np.float64)
        pt, eta = np.asarray(file["jet_features"][start:stop], np.float64)[:, :2].T
        there = table[..., 3] > 0.5 if table.shape[2] > 3 else table[..., 2] > 0
        found = {"pt": table[..., 2] * pt[:, None], "eta": table[..., 0] + eta[:, None]}
        return {k: np.where(there, v, 0) for k, v in (found | {"phi": table[..., 1]}).items()}

    return dict.fromkeys(("pt", "eta", "phi"), 2), part


def _top_tagging() -> Reading:
    def part(file: h5py.File, start: int, stop: int) -> Arrays:
        rows = file["table/table"][start:stop]
        table = np.asarray(rows["values_block_0"], np.float64)[:, :-4].reshape(len(rows), -1, 4)
        found = dict(zip(("energy", "px", "py", "pz"), np.moveaxis(table, 2, 0), strict=True))
        return found | {"label": rows["values_block_1"][:, 1]}

    return {**dict.fromkeys(("energy", "px", "py", "pz"), 2), "label": 1}, part


def _lhco(opened: h5py.File) -> Reading:
    width = opened[_LHCO].shape[1]
    truth = width % _NUMBERS == 1

    def part(file: h5py.File, start: int, stop: int) -> Arrays:
        rows = np.asarray(file[_LHCO][start:stop], np.float64)
        table = rows[:, : width - truth].reshape(len(rows), -1, _NUMBERS)
        found = dict(zip(("pt", "eta", "phi"), np.moveaxis(table, 2, 0), strict=True))
        return found | ({"label": rows[:, -1]} if truth else {})

    if width % _NUMBERS > 1:
        raise InputError(f"its rows have {width} numbers", "give pt, eta, phi of every particle")
    return {**dict.fromkeys(("pt", "eta", "phi"), 2), **({"label": 1} if truth else {})}, part


def _tables(opened: h5py.File) -> Reading:
    """Tables by their names; others count as nothing."""
    depths = {}
    for name in opened:
        try:
            data = dataset_of(opened, name)
        except ElsewhereError as error:
            raise InputError(f"the data of {name} lie {error}", "copy them into the file") from None
        if data is not None and data.dtype.kind in "biuf" and data.ndim in (1, 2):
            depths[name] = data.ndim

    def part(file: h5py.File, start: int, stop: int) -> Arrays:
        return {name: np.asarray(file[name][start:stop]) for name in depths}

    return depths, part
