"""The layers of an image: what each measures, in which unit, and how its cells lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

Kind = Literal["tracker", "calorimeter", "muon", "time"]
KINDS = get_args(Kind)
Unit = Literal["GeV", "ns"]
CYLINDRICAL = ("rings", "sectors")  #: what only layers of a cylinder have


@dataclass(frozen=True, repr=False)
class Channel:
    """One layer of an image.

    Attributes:
        name: lower-case name, for example ``"ecal"``.
        block: pixels along each side of one readout cell (an HCAL tower covers 5 x 5).
        gev_per_unit: GeV of one image unit; the public sets are not in GeV. Of a time, 1: what
            models see of it is in image units.
        signed: whether negative values are meaningful (a time is, an energy is not).
        unit: what the channel measures: ``"GeV"`` for energies, ``"ns"`` for times.
        kind: ``"tracker"`` and ``"muon"`` hold transverse momenta of tracks, ``"calorimeter"``
            energies, of which axis, momentum and mass of a jet are made, ``"time"`` times. By
            default as the name and the unit tell.
        rings: of a layer of a cylinder the edges of its cells in radius, mm, ascending; the cells
            are the first columns of the grid.
        sectors: of a layer of a cylinder the cells around the axis, equally wide in azimuth from
            -pi on; they are the first rows of the grid.

    Example:
        >>> import calovision as cv
        >>> cv.Channel("muon").kind, cv.Channel("ecal").is_calorimeter
        ('muon', True)
    """

    name: str
    block: int = 1
    gev_per_unit: float = 1.0
    signed: bool = False
    unit: Unit = "GeV"
    kind: Kind | None = None
    rings: tuple[float, ...] = ()
    sectors: int = 0

    def __post_init__(self) -> None:
        if self.kind is None:
            object.__setattr__(self, "kind", default_kind(self.name, self.unit))
        object.__setattr__(self, "rings", tuple(self.rings))

    def __repr__(self) -> str:
        # Hashes of events hold it: layers of no cylinder are as they always were.
        cylinder = bool(self.rings or self.sectors)
        shown = [f.name for f in fields(self) if cylinder or f.name not in CYLINDRICAL]
        return f"Channel({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def is_calorimeter(self) -> bool:
        """Whether it measures energies in a calorimeter."""
        return self.kind == "calorimeter"

    @property
    def is_time(self) -> bool:
        """Whether it measures times."""
        return self.unit == "ns"

    @property
    def voxels(self) -> int:
        """Cells of a layer of a cylinder; 0 of others."""
        return max(len(self.rings) - 1, 0) * self.sectors

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready form, without what follows from the rest by default."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.kind == default_kind(self.name, self.unit):
            del found["kind"]
        if self.unit == default_unit(self.signed):
            del found["unit"]
        if not self.rings and not self.sectors:
            del found["rings"], found["sectors"]
        return found

    def is_sound(self, rows: int, cols: int, *, cylinder: bool) -> bool:
        """Whether its cells lie on a grid, and names and units make sense."""
        sizes_are_whole = type(self.block) is int and self.block > 0 and self.block % 2
        return bool(
            isinstance(self.name, str)
            and sizes_are_whole
            and rows % self.block == cols % self.block == 0
            and isinstance(self.gev_per_unit, int | float)
            and 0 < self.gev_per_unit < math.inf
            and self.unit in ("GeV", "ns")
            and self.kind in KINDS
            and (self._is_layer(rows, cols) if cylinder else not (self.rings or self.sectors))
        )

    def _is_layer(self, rows: int, cols: int) -> bool:
        """Whether its rings and sectors are those of a layer that fits into the grid."""
        edges = self.rings
        return (
            self.block == 1
            and type(self.sectors) is int
            and 0 < self.sectors <= rows
            and 1 < len(edges) <= cols + 1
            and all(isinstance(r, int | float) and 0 <= r < math.inf for r in edges)
            and all(a < b for a, b in pairwise(edges))
        )


def is_description(layer: object) -> bool:
    """Whether something has the keys of :meth:`Channel.to_dict`, and no others."""
    known = {f.name for f in fields(Channel)}
    return (
        isinstance(layer, dict)
        and {"name"} <= layer.keys() <= known
        and isinstance(layer.get("rings", ()), list | tuple)
    )


def channel_of(layer: dict[str, Any]) -> Channel:
    """The channel of :meth:`Channel.to_dict`."""
    return Channel(**({"unit": default_unit(bool(layer.get("signed")))} | layer))


def default_kind(name: str, unit: str) -> Kind:
    """Kind of a channel that states none."""
    if unit == "ns":
        return "time"
    if name.startswith("track"):
        return "tracker"
    return "muon" if name.startswith("muon") else "calorimeter"


def default_unit(signed: bool) -> str:
    """Unit of a channel that states none: times are what is signed."""
    return "ns" if signed else "GeV"
