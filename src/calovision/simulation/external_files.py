"""Files of particles, HepMC3, ROOT, Parquet and NumPy: what each is, and its rows in portions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from calovision.errors import InputError
from calovision.simulation import external_hepmc, external_names
from calovision.simulation.external import Rows, Table
from calovision.simulation.external_columns import table
from calovision.simulation.external_momenta import Unit
from calovision.simulation.external_root import columns_of_root
from calovision.simulation.external_tables import columns_of_numpy, columns_of_parquet
from calovision.utils.unreadable import unreadable

T = TypeVar("T")
SUFFIXES = {
    "HepMC3": (".hepmc", ".hepmc3", ".hepmc.gz", ".hepmc3.gz"),
    "ROOT": (".root",),
    "Parquet": (".parquet",),
    "NumPy": (".npz",),
}


@dataclass(frozen=True)
class Asked:
    """What somebody says of files of particles.

    Attributes:
        rows: what a row is; by default, what files of their kind usually hold.
        tree: of ROOT files with several.
        particles: collection of particles, of files with several (``PFCands``).
        unit: of momenta, energies and masses, where the file does not tell; by default GeV, and
            then energies beyond the LHC's are refused.
        labels: keep the labels that the files have.
    """

    rows: Rows | None = None
    tree: str | None = None
    particles: str | None = None
    unit: Unit | None = None
    labels: bool = True


@dataclass(frozen=True)
class Source:
    """A file whose contents are known.

    Attributes:
        file: its path.
        rows: what a row is.
        said: how it is read (JSON-ready): ``unit``, and names of what is taken: ``particles``,
            their ``columns``, ``label`` and ``weight``.
        tables: its rows in portions of so many, the last one shorter.
    """

    file: Path
    rows: Rows
    said: dict[str, Any]
    tables: Callable[[int], Iterator[Table]]


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


def source(file: Path, asked: Asked | None = None) -> Source:
    """Look into a file.

    Args:
        file: HepMC3, ROOT, Parquet or NumPy.
        asked: what somebody says of it.

    Raises:
        InputError: the file cannot be read, a package for it is missing, or it has no particles
            of known names. Its tables raise it, too.
    """
    asked = asked or Asked()
    kind = kind_of(file)
    with _of(file):
        return (_collisions if kind == "HepMC3" else _columns)(file, kind, asked)


def tables(file: Path, size: int, asked: Asked | None = None) -> Iterator[Table]:
    """The rows of a file in portions of ``size``, the last one shorter.

    Raises:
        InputError: as of :func:`source`.
    """
    yield from source(file, asked).tables(size)


def summary(files: Iterable[Mapping[str, Any]]) -> str:
    """How files are read, a line each, from their ``name`` and :attr:`Source.said`."""
    lines = []
    for said in files:
        of = f" of {said['particles']}" if said["particles"] else ""
        several = f" (of {said['weights']})" if said.get("weights", 1) > 1 else ""
        lines.append(
            f"{said['name']}: particles{of}, momenta in {said['unit']}, "
            f"label: {said.get('label', 'none')}, weight: {said.get('weight', 'none')}{several}"
        )
    return "\n".join(lines)


def _collisions(file: Path, kind: str, asked: Asked) -> Source:
    with _library(kind, file):
        told = external_hepmc.told(file)
    if asked.unit not in (None, told.unit):
        raise InputError(
            f"it says that its unit is {told.unit}, not {asked.unit}",
            "leave out --unit, or correct its lines U",
        )
    confirmed = asked.unit is not None

    def read(size: int) -> Iterator[Table]:
        nominal = told.nominal if told.weights else None
        events = _portions(external_hepmc.events_of(file, nominal, size), file, kind)
        first = 0
        for portion in events:
            with _of(file):
                made = external_hepmc.joined(portion, first, confirmed)
            yield made
            first += len(made)

    said: dict[str, Any] = {"unit": told.unit, "particles": "status 1"}
    if told.weights:
        name = told.weights[told.nominal].strip() or "without a name"
        said |= {"weight": name, "weights": len(told.weights)}
    return Source(file, asked.rows or "events", said, read)


def _columns(file: Path, kind: str, asked: Asked) -> Source:
    with _library(kind, file):
        if kind == "ROOT":
            columns = columns_of_root(file, asked.tree, asked.particles)
        else:
            columns = {"Parquet": columns_of_parquet, "NumPy": columns_of_numpy}[kind](file)
    layout = external_names.find(columns.depths, asked.particles, columns.where)
    if not asked.labels:
        layout.per_row.pop(external_names.LABEL, None)
    rows = asked.rows or layout.rows
    if rows is None:
        raise InputError(
            f"a row with the particles {layout.collection} may be a jet or a collision",
            "say which by --rows",
        )
    if layout.collection.lower() == external_names.PRUNED.lower():
        warnings.warn(
            f"{file.name}: NanoAOD's GenPart is a pruned list, without most stable particles of a "
            "jet; PFNano's PFCands or GenCands have them",
            stacklevel=2,
        )
    names = list(dict.fromkeys([*layout.particles.values(), *layout.per_row.values()]))

    def read(size: int) -> Iterator[Table]:
        first = 0
        for part in _portions(columns.read(names, size), file, kind):
            with _of(file):
                made = table(part, layout, first, asked.unit)
            yield made
            first += len(made)

    said = {
        "unit": asked.unit or "GeV",
        "particles": layout.collection,
        "columns": layout.particles,
        **layout.per_row,
    }
    return Source(file, rows, said, read)


def _portions(portions: Iterator[T], file: Path, kind: str) -> Iterator[T]:
    """The same, with what the library raises as one line."""
    while True:
        with _of(file), _library(kind, file):
            try:
                portion = next(portions)
            except StopIteration:
                return
        yield portion


@contextmanager
def _of(file: Path) -> Iterator[None]:
    """Say in which file something is wrong."""
    try:
        yield
    except InputError as error:
        if file.name in error.problem:
            raise
        raise InputError(f"{file.name}: {error.problem}", error.remedy) from None


@contextmanager
def _library(kind: str, file: Path) -> Iterator[None]:
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
            f"it cannot be read: {_told(error)}", f"give a whole {kind} file"
        ) from None


def _told(error: Exception) -> str:
    lines = (getattr(error, "strerror", None) or str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
