"""Tables of particles from the columns of a file, checked row by row."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import offsets_of
from calovision.simulation.external.momenta import (
    ANY_BEAM,
    ELECTRON,
    ENERGIES,
    LHC_BEAM,
    MUON,
    PER_UNIT,
    PHOTON,
    Place,
    Unit,
    check_energies,
    four_momenta,
    identities,
)
from calovision.simulation.external.names import FLAG, LABEL, WEIGHT, Layout
from calovision.simulation.external.particles import Table

_FLAGS = {"photon": PHOTON, "electron": ELECTRON, "muon": MUON}
_STABLE = 1  #: of all generators' states, the one that is looked at
_LARGEST_ID = 2**31 - 1


def table(
    columns: dict[str, Any],
    layout: Layout,
    first: int,
    unit: Unit | None,
    identity: int | None = None,
) -> Table:
    """A table from awkward arrays.

    Args:
        columns: by name, those that the layout names.
        layout: names of the columns of every quantity.
        first: number of the first row in the file.
        unit: of momenta, energies and masses; GeV unless the user says so, and then an energy
            beyond the LHC's is refused.
        identity: PDG identity of all particles, of which the file says nothing.

    Raises:
        InputError: something is missing, or impossible.
    """
    lists = {k: _flattened(columns[name], name, first) for k, name in layout.particles.items()}
    name, counts = next((layout.particles[k], c) for k, (_, c) in lists.items())
    for quantity, (_, others) in lists.items():
        if (others != counts).any():
            row = int(np.argmax(others != counts))
            raise InputError(
                f"row {first + row} has {counts[row]} of {name}, "
                f"{others[row]} of {layout.particles[quantity]}",
                "give one number a particle",
            )
    offsets = offsets_of(counts)
    flat = {k: v for k, (v, _) in lists.items()}
    taken = np.arange(offsets[-1])
    if "status" in flat:
        # Before anything else: what is not stable may have no proper momentum.
        stable = flat.pop("status") == _STABLE
        flat, taken = {k: v[stable] for k, v in flat.items()}, taken[stable]
        owner = np.repeat(np.arange(len(counts)), counts)
        counts = np.bincount(owner[stable], minlength=len(counts))

    def place(i: int) -> str:
        row = int(np.searchsorted(offsets, taken[i], side="right")) - 1
        return f"particle {taken[i] - offsets[row]} of row {first + row}"

    for quantity in flat.keys() & set(ENERGIES):
        flat[quantity] = np.asarray(flat[quantity], np.float64) * PER_UNIT[unit or "GeV"]
    known = "pdg" in flat
    pdg = _pdg(flat, place, identity)
    momentum = four_momenta(flat, pdg, place)
    max_energy = LHC_BEAM if unit is None else ANY_BEAM
    check_energies(momentum, pdg, max_energy, place, known)
    rows = {
        k: per_row(columns[name], k, name, len(counts), first) for k, name in layout.per_row.items()
    }
    if layout.flags:
        rows[LABEL] = flagged([columns[name] for name in layout.flags], first)
    return Table(offsets_of(counts), momentum, pdg, rows, first, max_energy)


def flagged(flags: list[Any], first: int) -> NDArray[np.int8]:
    """``(n,)`` number of the class of every row, from the flags of all classes.

    Raises:
        InputError: a row is not of exactly one class.
    """
    table = np.stack([ak.to_numpy(flag, allow_missing=False) for flag in flags]).astype(float)
    wrong = (table == 1).sum(axis=0) != 1
    if wrong.any():
        row = first + int(np.argmax(wrong))
        raise InputError(
            f"row {row} is not of exactly one class",
            f"one column {FLAG}... must be 1, or give --label for all",
        )
    found: NDArray[np.int8] = table.argmax(axis=0).astype(np.int8)
    return found


def per_row(values: Any, quantity: str, name: str, n: int, first: int) -> NDArray[Any]:
    """A label (int8) or weight (float64) of every row.

    Raises:
        InputError: it is no number, missing, not finite, or a label other than 0 and 1.
    """
    classes = "give 0 (gluon) or 1 (quark), or --label for all"
    remedy = classes if quantity == LABEL else "give one number a row"
    missing = np.asarray(ak.is_none(values, axis=0))
    if missing.any():
        raise InputError(f"{name} is missing in row {first + int(np.argmax(missing))}", remedy)
    if values.ndim == 2 and ak.all(ak.num(values, axis=1) == 1):
        return per_row(ak.flatten(values, axis=1), quantity, name, n, first)
    if values.ndim != 1 or values.fields:
        raise InputError(f"{name} is {_type(values)}, not one number a row", remedy)
    numbers = ak.to_numpy(values, allow_missing=False)
    if len(numbers) != n:
        raise InputError(f"{name} has {len(numbers)} rows, the particles {n}", remedy)
    if numbers.dtype.kind not in "biuf":
        found = f" ({numbers[0]!s:.40} in row {first})" if n else ""
        raise InputError(f"{name} is {_type(values)}{found}, not a number", remedy)
    bad = ~np.isin(numbers, (0, 1)) if quantity == LABEL else ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{name} is {numbers[row]:g} in row {first + row}", remedy)
    kept: NDArray[Any] = numbers.astype(np.int8 if quantity == LABEL else np.float64)
    return kept


def check_alike(first: Table, other: Table) -> None:
    """Check that all files have labels and weights, or none.

    Raises:
        InputError: one has labels or weights, the other has none.
    """
    for quantity in (LABEL, WEIGHT):
        if (quantity in first.columns) != (quantity in other.columns):
            has, lacks = ("a", "none") if quantity in other.columns else ("no", "one")
            raise InputError(
                f"it has {has} {quantity}, the files before it have {lacks}",
                "give files of one kind, or image them to separate sets",
            )


def _flattened(values: Any, name: str, first: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Flat numbers of a jagged column, and how many every row has."""
    if values.ndim != 2 or values.fields:
        raise InputError(f"{name} is {_type(values)}", "give a list of numbers a row")
    for axis in (0, 1):
        missing = ak.is_none(values, axis=axis)
        if axis:
            missing = ak.any(missing, axis=1)
        if ak.any(missing):
            raise InputError(
                f"{name} has missing values in row {first + int(ak.argmax(missing))}",
                "fill them or remove that row",
            )
    counts = ak.to_numpy(ak.num(values, axis=1), allow_missing=False).astype(np.int64)
    flat = ak.to_numpy(ak.flatten(values, axis=1), allow_missing=False)
    if flat.dtype.kind not in "biuf":
        raise InputError(f"{name} is {_type(values)}", "give a list of numbers a row")
    return flat, counts


def _pdg(flat: dict[str, NDArray[Any]], place: Place, identity: int | None) -> NDArray[np.int32]:
    """Remove what identifies particles from ``flat``, and return their PDG identities.

    They are ``pdg`` where it is not 0, else a guess from charge, mass and flags, else ``identity``.
    """
    charge = flat.pop("charge", None)
    flags = {_FLAGS[k]: flat.pop(k) for k in _FLAGS if k in flat}
    given = flat.pop("pdg", None)
    if given is None and charge is None:
        if identity is not None:
            return np.full(len(next(iter(flat.values()))), identity, np.int32)
        raise InputError(
            "nothing tells what the particles are",
            "give pdg, or charge and mass, or what all stand for by --identity, such as 211; or "
            "take them as they are by 'calovision data convert'",
        )
    guessed = None
    if charge is not None:
        odd = ~np.isfinite(charge)
        if odd.any():
            raise InputError(f"charge is not a number for {place(int(np.argmax(odd)))}", "give e")
        guessed = identities(charge, flat.get("mass"), flags or None)
    if given is None:
        assert guessed is not None
        return guessed
    odd = ~(np.abs(given.astype(np.float64)) <= _LARGEST_ID) | (np.round(given) != given)
    if odd.any():
        i = int(np.argmax(odd))
        raise InputError(f"the PDG identity is {given[i]} for {place(i)}", "give whole numbers")
    pdg = given.astype(np.int32)
    return pdg if guessed is None else np.where(pdg == 0, guessed, pdg).astype(np.int32)


def _type(values: Any) -> str:
    """Of an awkward array's rows."""
    return str(values.type.content).replace("?", "")
