"""Toy particles of others, written as each of the files that ``data image`` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.simulation.external.files import Options, source
from calovision.simulation.external.particles import Table


def some_jets(n: int, seed: int) -> dict[str, Any]:
    """``n`` jets of a few particles each, as jagged lists: pdg, pt, eta, phi, mass."""
    import awkward as ak

    rng = np.random.default_rng(seed)
    counts = rng.integers(5, 20, n)
    axis = rng.uniform(-1, 1, (n, 2))
    owner = np.repeat(np.arange(n), counts)
    pdg = rng.choice([211, -211, 22, 22, 130, 11, -13], len(owner))
    mass = np.select([abs(pdg) == i for i in (211, 130, 11, 13)], [0.1396, 0.4976, 0.0005, 0.1057])
    flat = {
        "pdg": pdg,
        "pt": rng.exponential(8.0, len(owner)) + 0.5,
        "eta": axis[owner, 0] + rng.normal(0, 0.1, len(owner)),
        "phi": axis[owner, 1] + rng.normal(0, 0.1, len(owner)),
        "mass": mass,
    }
    return {k: ak.unflatten(v, counts) for k, v in flat.items()}


def momenta(jets: dict[str, Any]) -> dict[str, Any]:
    """The same particles' px, py, pz, energy, GeV."""
    pt, eta, phi, mass = (jets[k] for k in ("pt", "eta", "phi", "mass"))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    return {"px": px, "py": py, "pz": pz, "energy": energy}


def mev(jets: dict[str, Any]) -> dict[str, Any]:
    """The same particles in MeV."""
    sizes = ("px", "py", "pz", "pt", "energy", "mass")
    return {k: v * 1000 if k in sizes else v for k, v in jets.items()}


def write_root(
    path: Path, columns: dict[str, Any], tree: str = "tree", ntuple: bool = False
) -> Path:
    """A ROOT file with a tree, or an RNTuple, of jagged and flat columns."""
    import awkward as ak

    uproot = pytest.importorskip("uproot")
    types = {
        k: ("var * " if getattr(v, "ndim", 1) == 2 else "")
        + str(ak.to_numpy(ak.flatten(v, axis=None)).dtype)
        for k, v in columns.items()
        if not ntuple
    }
    with uproot.recreate(path) as file:
        if ntuple:
            file.mkrntuple(tree, columns)
        else:
            file.mktree(tree, types)
            file[tree].extend(columns)
    return path


def write_parquet(path: Path, columns: dict[str, Any]) -> Path:
    """A Parquet file of jagged and flat columns."""
    import awkward as ak
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {k: ak.to_arrow(v, list_to32=True, extensionarray=False) for k, v in columns.items()}
    pq.write_table(pa.table(arrays), path)
    return path


def write_nullable(path: Path, columns: dict[str, Any]) -> Path:
    """A Parquet file as pyarrow and pandas write it from lists: everything may be null."""
    import awkward as ak
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = {k: ak.to_list(v) if isinstance(v, ak.Array) else v for k, v in columns.items()}
    pq.write_table(pa.table({k: pa.array(v) for k, v in lists.items()}), path)
    return path


def padded(jets: dict[str, Any]) -> dict[str, Any]:
    """The same particles as tables padded by zeros."""
    import awkward as ak

    wide = int(ak.max(ak.num(jets["pt"])))
    return {k: ak.to_numpy(ak.fill_none(ak.pad_none(v, wide), 0.0)) for k, v in jets.items()}


def write_hepmc(
    path: Path,
    jets: dict[str, Any],
    unit: float = 1.0,
    weights: Callable[[int], list[float]] = lambda event: [],
    names: list[str] | None = None,
    beam: float = 4000.0,
) -> Path:
    """Every row a collision; a neutrino and an unstable particle are in each.

    Args:
        path: of the file.
        jets: particles.
        unit: 1 for a file in GeV, 1000 for one in MeV.
        weights: of an event.
        names: of the weights.
        beam: energy of a beam, GeV; 0 to leave the beams out.
    """
    import awkward as ak

    hep = pytest.importorskip("pyhepmc")
    p = momenta(jets)
    units = hep.Units.GEV if unit == 1 else hep.Units.MEV
    run = hep.GenRunInfo()
    run.weight_names = names or []
    with hep.open(str(path), "w") as file:
        for i in range(len(jets["pt"])):
            event = hep.GenEvent(units, hep.Units.MM)
            if names is not None:
                event.run_info = run
            vertex = hep.GenVertex((0, 0, 0, 0))
            for side in (1, -1):
                state = 4 if beam else 2
                pz = unit * (beam or 1.0)
                vertex.add_particle_in(hep.GenParticle((0, 0, side * pz, pz), 2212, state))
            rows = np.stack([ak.to_numpy(p[k][i]) for k in ("px", "py", "pz", "energy")], 1)
            for momentum, pdg in zip(rows * unit, ak.to_list(jets["pdg"][i]), strict=True):
                vertex.add_particle_out(hep.GenParticle(tuple(momentum), pdg, 1))
            for pdg, status in ((12, 1), (15, 2)):
                lost = (90.0 * unit, 0, 0, 90.1 * unit)
                vertex.add_particle_out(hep.GenParticle(lost, pdg, status))
            event.add_vertex(vertex)
            if weights(i):
                event.weights = weights(i)
            file.write(event)
    return path


def tables(file: Path, size: int, options: Options | None = None) -> Iterator[Table]:
    """The rows of a file in chunks of ``size``, the last one shorter."""
    return source(file, options).tables(size)
