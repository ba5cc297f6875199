"""Opening files of particles (HepMC3, ROOT, Parquet, NumPy, HDF5) and reading them in chunks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from calovision.errors import InputError
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.simulation.conditions import detector
from calovision.simulation.detector import Detector
from calovision.simulation.external import hepmc
from calovision.simulation.external.columns import table
from calovision.simulation.external.hdf5 import columns_of_hdf5
from calovision.simulation.external.momenta import PER_UNIT, Unit
from calovision.simulation.external.names import LABEL, PRUNED, find
from calovision.simulation.external.particles import Rows, Table
from calovision.simulation.external.readers import (
    columns_of_numpy,
    columns_of_parquet,
    columns_of_root,
)
from calovision.simulation.regrid import check_simulable
from calovision.utils.counts import count, quantity
from calovision.utils.unreadable import unreadable

T = TypeVar("T")
SUFFIXES = {
    "HepMC3": (".hepmc", ".hepmc3", ".hepmc.gz", ".hepmc3.gz"),
    "ROOT": (".root",),
    "Parquet": (".parquet",),
    "NumPy": (".npz",),
    "HDF5": (".h5", ".hdf5", ".hdf"),
}


@dataclass(frozen=True)
class Options:
    """How files of particles are read, and which jets become images by which detector.

    The options are those of :func:`calovision.from_particles`: a row is by default what files of
    their kind usually hold; momenta are in GeV, and then energies beyond the LHC's are refused,
    where neither ``unit`` nor the file says otherwise.
    """

    rows: Rows | None = None
    label: int | None = None
    min_pt: float = 0.0
    pileup: float | None = None
    noise: float = 1.0
    tree: str | None = None
    particles: str | None = None
    unit: Unit | None = None
    invisible: tuple[int, ...] = ()
    geometry: Geometry = JET_IMAGES
    identity: int | None = None

    def detector(self) -> Detector:
        """The detector in this state.

        Raises:
            InputError: an option makes no sense.
        """
        quantity("min_pt", self.min_pt)
        for one in self.invisible:
            count("an invisible identity", one, -(1 << 31))
        if self.identity is not None:
            count("the identity", self.identity, -(1 << 31))
        for name, value, known in (
            ("rows", self.rows, get_args(Rows)),
            ("unit", self.unit, tuple(PER_UNIT)),
        ):
            if value is not None and value not in known:
                raise InputError(f"{name} is {value!r}", f"give {' or '.join(known)}")
        if self.label not in (None, 0, 1):
            raise InputError(f"the label {self.label}", "give 0 (gluon) or 1 (quark)")
        check_simulable(self.geometry)
        return detector(self.noise, self.pileup)


@dataclass(frozen=True)
class Source:
    """An opened file of particles.

    Attributes:
        file: its path.
        rows: what a row is.
        description: how it is read (JSON-ready): ``unit``, and the names of ``particles``, their
            ``columns``, ``label`` and ``weight``.
        tables: its rows in chunks of so many, the last one shorter.
        classes: what its labels mean, if they are not those of the grid.
    """

    file: Path
    rows: Rows
    description: dict[str, Any]
    tables: Callable[[int], Iterator[Table]]
    classes: tuple[str, ...] = ()


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


def source(file: Path, options: Options | None = None) -> Source:
    """Open a file of particles.

    Args:
        file: HepMC3, ROOT, Parquet, NumPy or HDF5.
        options: how it is read; labels of the file are left out where they give one.

    Raises:
        InputError: the file cannot be read, a package for it is missing, or it has no particles
            of known names. Its tables raise it, too.
    """
    options = options or Options()
    kind = kind_of(file)
    with _naming(file):
        return (_collisions if kind == "HepMC3" else _columns)(file, kind, options)


def summary(files: Iterable[Mapping[str, Any]]) -> str:
    """How files are read, a line each, from their ``name`` and :attr:`Source.description`."""
    lines = []
    for said in files:
        of = f" of {said['particles']}" if said["particles"] else ""
        several = f" (of {said['weights']})" if said.get("weights", 1) > 1 else ""
        lines.append(
            f"{said['name']}: particles{of}, momenta in {said['unit']}, "
            f"label: {said.get('label', 'none')}, weight: {said.get('weight', 'none')}{several}"
        )
    return "\n".join(lines)


def _collisions(file: Path, kind: str, options: Options) -> Source:
    with _one_line_errors(kind, file):
        header = hepmc.read_header(file)
    if options.unit not in (None, header.unit):
        raise InputError(
            f"it says that its unit is {header.unit}, not {options.unit}",
            "leave out --unit, or correct its lines U",
        )
    confirmed = options.unit is not None

    def read(size: int) -> Iterator[Table]:
        nominal = header.nominal if header.weights else None
        events = _guarded(hepmc.events_of(file, nominal, size), file, kind)
        first = 0
        for chunk in events:
            with _naming(file):
                made = hepmc.joined(chunk, first, confirmed)
            yield made
            first += len(made)

    said: dict[str, Any] = {"unit": header.unit, "particles": "status 1"}
    if header.weights:
        name = header.weights[header.nominal].strip() or "without a name"
        said |= {"weight": name, "weights": len(header.weights)}
    return Source(file, options.rows or "events", said, read)


def _columns(file: Path, kind: str, options: Options) -> Source:
    with _one_line_errors(kind, file):
        if kind == "ROOT":
            columns = columns_of_root(file, options.tree, options.particles)
        else:
            columns = _COLUMNS[kind](file)
    layout = find(columns.depths, options.particles, columns.where)
    if options.label is not None:
        layout.per_row.pop(LABEL, None)
        layout = replace(layout, flags=())
    rows = options.rows or columns.rows or layout.rows
    if rows is None:
        raise InputError(
            f"a row with the particles {layout.collection} may be a jet or a collision",
            "say which by --rows",
        )
    if layout.collection.lower() == PRUNED.lower():
        warnings.warn(
            f"{file.name}: NanoAOD's GenPart is a pruned list, without most stable particles of a "
            "jet; PFNano's PFCands or GenCands have them",
            stacklevel=2,
        )
    unit = options.unit or columns.unit
    wanted = [*layout.particles.values(), *layout.per_row.values(), *layout.flags]
    names = list(dict.fromkeys(wanted))

    def read(size: int) -> Iterator[Table]:
        first = 0
        for part in _guarded(columns.read(names, size), file, kind):
            with _naming(file):
                made = table(part, layout, first, unit, options.identity)
            yield made
            first += len(made)

    said = {
        "unit": unit or "GeV",
        "particles": layout.collection,
        "columns": layout.particles,
        **layout.per_row,
    }
    if layout.flags:
        said[LABEL] = ", ".join(layout.flags)
    return Source(file, rows, said, read, layout.classes)


_COLUMNS = {
    "Parquet": columns_of_parquet,
    "NumPy": columns_of_numpy,
    "HDF5": columns_of_hdf5,
}


def _guarded(chunks: Iterator[T], file: Path, kind: str) -> Iterator[T]:
    """The same, with what the library raises as one line."""
    while True:
        with _naming(file), _one_line_errors(kind, file):
            try:
                chunk = next(chunks)
            except StopIteration:
                return
        yield chunk


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Say in which file something is wrong."""
    try:
        yield
    except InputError as error:
        if file.name in error.problem:
            raise
        raise InputError(f"{file.name}: {error.problem}", error.remedy) from None


@contextmanager
def _one_line_errors(kind: str, file: Path) -> Iterator[None]:
    """Whatever a library raises at a file becomes one line."""
    try:
        yield
    except InputError:
        raise
    except MemoryError:  # too little of it, or a damaged file that asks for too much
        raise InputError(
            "it takes more memory than there is", f"give a whole {kind} file, or free some memory"
        ) from None
    except ImportError as error:
        raise InputError(
            f"reading {kind} files needs {error.name}", "pip install 'calovision[interchange]'"
        ) from None
    except Exception as error:
        if refused := unreadable(error, file):
            raise refused from None
        raise InputError(
            f"it cannot be read: {_first_line(error)}", f"give a whole {kind} file"
        ) from None


def _first_line(error: Exception) -> str:
    lines = (getattr(error, "strerror", None) or str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
