"""Readers of particles: HepMC3, ROOT, Parquet and NumPy files, in portions of rows."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.arrays import read_arrays
from calovision.events.unreadable import unreadable
from calovision.simulate.foreign import (
    ELECTRON,
    MUON,
    PHOTON,
    Rows,
    Table,
    four_momenta,
    identities,
)
from calovision.simulate.generator import offsets_of

#: names by which quantities of particles go, in order of preference; JetClass's are among them
NAMES = {
    "pdg": ("pdg", "pdgid", "pid", "part_pdgid", "GenPart_pdgId", "Particle.PID"),
    "px": ("px", "part_px", "Particle.Px"),
    "py": ("py", "part_py", "Particle.Py"),
    "pz": ("pz", "part_pz", "Particle.Pz"),
    "pt": ("pt", "part_pt", "GenPart_pt", "Particle.PT"),
    "eta": ("eta", "part_eta", "GenPart_eta", "Particle.Eta"),
    "phi": ("phi", "part_phi", "GenPart_phi", "Particle.Phi"),
    "rapidity": ("rapidity", "y", "part_rapidity"),
    "energy": ("energy", "e", "part_energy", "Particle.E"),
    "mass": ("mass", "part_mass", "GenPart_mass", "Particle.Mass"),
    "charge": ("charge", "part_charge", "Particle.Charge"),
    "status": ("status", "part_status", "GenPart_status", "Particle.Status"),
    "photon": ("part_isPhoton",),
    "electron": ("part_isElectron",),
    "muon": ("part_isMuon",),
}
_FLAGS = {"photon": PHOTON, "electron": ELECTRON, "muon": MUON}
LABEL = "label"  #: a per-row number of this name is kept
SUFFIXES = {
    "HepMC3": (".hepmc", ".hepmc3", ".hepmc.gz", ".hepmc3.gz"),
    "ROOT": (".root",),
    "Parquet": (".parquet",),
    "NumPy": (".npz",),
}


def kind_of(file: Path) -> str:
    """Which kind of file it is, by its name.

    Raises:
        InputError: there is no such file, or it is of no known kind.
    """
    if not file.is_file():
        raise InputError(f"there is no file {file}", "give files of particles")
    for kind, suffixes in SUFFIXES.items():
        if file.name.lower().endswith(suffixes):
            return kind
    every = ", ".join(s for suffixes in SUFFIXES.values() for s in suffixes)
    raise InputError(f"{file.name} is of no known kind", f"give {every}")


def rows_of(file: Path) -> Rows:
    """What a row of the file is unless somebody says otherwise: HepMC3 files hold collisions."""
    return "events" if kind_of(file) == "HepMC3" else "jets"


def tables(file: Path, size: int, tree: str | None = None) -> Iterator[Table]:
    """The rows of a file in portions of ``size``, the last one shorter.

    Args:
        file: to read.
        size: rows of a portion.
        tree: of a ROOT file with several.

    Raises:
        InputError: the file cannot be read, or a package for it is missing.
    """
    kind = kind_of(file)
    read = {"HepMC3": _hepmc, "ROOT": _root, "Parquet": _parquet, "NumPy": _numpy}[kind]
    try:
        yield from read(file, size, tree)
    except InputError as error:
        raise InputError(f"{file.name}: {error.problem}", error.remedy) from None
    except ImportError as error:
        raise InputError(
            f"reading {kind} files needs {error.name}", "pip install 'calovision[interchange]'"
        ) from None
    except Exception as error:
        if refused := unreadable(error, file):
            raise refused from None
        told = str(error).strip().splitlines()
        raise InputError(
            f"{file.name} cannot be read: {told[0] if told else type(error).__name__}",
            f"give a whole {kind} file",
        ) from None


def _hepmc(file: Path, size: int, tree: str | None) -> Iterator[Table]:
    import pyhepmc

    del tree
    wanted = _events_of(file)
    waiting: list[tuple[NDArray[Any], NDArray[Any]]] = []
    found = 0
    with pyhepmc.open(str(file)) as events:
        for event in events:
            event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            particles = event.numpy.particles
            stable = particles.status == 1
            momentum = np.stack([getattr(particles, k)[stable] for k in ("px", "py", "pz", "e")])
            waiting.append((momentum, particles.pid[stable].astype(np.int32)))
            found += 1
            if len(waiting) == size:
                yield _joined(waiting)
                waiting = []
    if found < wanted:
        # The library tells nobody but the terminal, and hands out what came before.
        raise InputError(f"event {found + 1} of {wanted} cannot be read", "mend or remove it")
    if waiting:
        yield _joined(waiting)


def _events_of(file: Path) -> int:
    """Number of events of a HepMC file that was written to its end."""
    events, before = 0, b""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as opened:
        while block := opened.read(1 << 20):
            # What may be cut in two by a block's end is looked at once more, but not counted.
            events += (before[-2:] + block).count(b"\nE ")
            before = before[-40:] + block
    if b"END_EVENT_LISTING" not in before[-200:]:
        raise InputError("it ends in the middle", "give a whole HepMC file")
    if not events:
        raise InputError("no event is in it", "give a HepMC file with events")
    return events


def _joined(rows: list[tuple[NDArray[Any], NDArray[Any]]]) -> Table:
    momentum = np.concatenate([p for p, _ in rows], axis=1)
    names = dict(zip(("px", "py", "pz", "energy"), momentum, strict=True))
    pdg = np.concatenate([i for _, i in rows])
    offsets = offsets_of(np.array([len(i) for _, i in rows]))
    return Table(offsets, four_momenta(names, pdg), pdg, {})


def _root(file: Path, size: int, tree: str | None) -> Iterator[Table]:
    import uproot

    with uproot.open(file) as opened:
        trees = {k.split(";")[0] for k in opened.keys(filter_classname="TTree", recursive=True)}
        if tree is None and len(trees) != 1:
            raise InputError(
                f"it holds the trees {', '.join(sorted(trees)) or '(none)'}", "name one by --tree"
            )
        name = tree or trees.pop()
        if tree is not None and tree not in trees:
            raise InputError(f"it has no tree {tree}", f"name one of {', '.join(sorted(trees))}")
        branches = opened[name]
        found = _named(list(branches.keys(recursive=True, full_paths=False)))
        for part in branches.iterate(list(found.values()), step_size=size, library="ak"):
            yield _table({k: part[v] for k, v in found.items()})


def _parquet(file: Path, size: int, tree: str | None) -> Iterator[Table]:
    import pyarrow.parquet as pq

    del tree
    with pq.ParquetFile(file) as opened:
        found = _named(opened.schema_arrow.names)
        for part in opened.iter_batches(size, columns=list(found.values())):
            columns = ak.from_arrow(part)
            yield _table({k: columns[v] for k, v in found.items()})


def _numpy(file: Path, size: int, tree: str | None) -> Iterator[Table]:
    del tree
    arrays = read_arrays(file, "give a whole NumPy file")
    if "X" in arrays:  # EnergyFlow's layout
        cube = arrays["X"]
        if cube.ndim != 3 or cube.shape[2] < 4:
            raise InputError(
                f"X has the shape {cube.shape}", "give (jets, particles, 4): pt, y, phi, PDG number"
            )
        named = dict(zip(("pt", "rapidity", "phi", "pdg"), np.moveaxis(cube, 2, 0), strict=False))
        if "y" in arrays:
            named[LABEL] = arrays["y"]
    else:
        named = {k: arrays[v] for k, v in _named(list(arrays)).items()}
    first = named.get("pt", named.get("px"))
    if first is None or first.ndim != 2:
        raise InputError("it holds no tables (jets, particles)", "give pt, eta, phi, pdg")
    mask = first != 0  # shorter jets are padded by zeros
    for start in range(0, len(first), size):
        here = slice(start, start + size)
        counts = mask[here].sum(1)
        yield _table(
            {
                k: ak.unflatten(v[here][mask[here]], counts) if v.ndim == 2 else ak.Array(v[here])
                for k, v in named.items()
            }
        )


def _named(names: list[str]) -> dict[str, str]:
    """Quantities, and the names that they have in a file."""
    lower = {n.lower(): n for n in reversed(names)}
    found = {}
    for quantity, candidates in (*NAMES.items(), (LABEL, (LABEL,))):
        name = next((lower[c.lower()] for c in candidates if c.lower() in lower), None)
        if name is not None:
            found[quantity] = name
    return found


def _table(columns: dict[str, Any]) -> Table:
    """Jagged columns as flat ones."""
    lists = {k: v for k, v in columns.items() if v.ndim == 2}
    if not lists:
        raise InputError("it holds no lists of particles", "give px, py, pz or pt, eta, phi")
    first = next(iter(lists.values()))
    counts = ak.to_numpy(ak.num(first, axis=1))
    flat = {}
    for name, values in lists.items():
        if ak.any(ak.num(values, axis=1) != counts):
            raise InputError(f"{name} has rows of other lengths", "give one number a particle")
        flat[name] = ak.to_numpy(ak.flatten(values))
    charge = flat.pop("charge", None)
    flags = {_FLAGS[k]: flat.pop(k) for k in _FLAGS if k in flat}
    pdg, status = flat.pop("pdg", None), flat.pop("status", None)
    if pdg is not None:
        pdg = np.round(pdg).astype(np.int32)
    elif charge is not None:
        pdg = identities(charge, flat.get("mass"), flags or None)
    else:
        raise InputError("nothing tells what the particles are", "give pdg, or charge and mass")
    kept = {k: ak.to_numpy(columns[k]) for k in (LABEL,) if k in columns and columns[k].ndim == 1}
    table = Table(offsets_of(counts), four_momenta(flat, pdg), pdg, kept)
    return table if status is None else table.kept(np.asarray(status == 1))
