"""What a detector image is made of: its pixel grid, channels and units.

Rows run along eta and columns along phi, as in the public CMS image sets.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from calovision.errors import ContentError, InputError

CRYSTAL_ETA = 0.0174  #: width of one barrel crystal in eta
MAX_PIXELS = 1 << 16  #: pixels of a channel; hits hold their number in 16 bits
MAX_CHANNELS = 1 << 7  #: hits hold twice the number in 8 bits
#: ns of one image unit of time. An estimate: the ten samples of the read-out, 25 ns each, then span
#: the -2.51..2.28 of the public electron/photon set.
NS_PER_UNIT = 50.0
CRYSTAL_PHI = 2 * math.pi / 360  #: width of one barrel crystal in phi, rad

Kind = Literal["tracker", "calorimeter", "muon", "time"]
KINDS = get_args(Kind)
#: of per-event columns of simulated and public sets
COLUMN_UNITS = {
    **dict.fromkeys(("pt", "m0", "gen_pt", "gen_m0", "parton_pt", "energy", "deposit"), "GeV"),
    "z": "mm",
    "phi": "rad",
}
#: what labels 0 and 1 mean by default, by the schema
CLASSES = {"jets": ("gluon", "quark"), "crops": ("photon", "electron")}
OPTIONAL = {"pitch", "classes"}  #: keys that older sets lack


@dataclass(frozen=True)
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

    Example:
        >>> import calovision as cv
        >>> cv.Channel("muon").kind, cv.Channel("ecal").is_calorimeter
        ('muon', True)
    """

    name: str
    block: int = 1
    gev_per_unit: float = 1.0
    signed: bool = False
    unit: Literal["GeV", "ns"] = "GeV"
    kind: Kind | None = None

    def __post_init__(self) -> None:
        if self.kind is None:
            object.__setattr__(self, "kind", _kind(self.name, self.unit))

    @property
    def is_calorimeter(self) -> bool:
        """Whether it measures energies in a calorimeter."""
        return self.kind == "calorimeter"

    @property
    def is_time(self) -> bool:
        """Whether it measures times."""
        return self.unit == "ns"


@dataclass(frozen=True)
class Geometry:
    """The pixel grid of an image set, its channels, and what its labels mean.

    Attributes:
        name: identifier written to the manifest.
        rows: pixels along eta.
        cols: pixels along phi.
        channels: the layers, in storage order.
        schema: key layout of the public file it mirrors, ``"jets"`` (``X_jets``) or
            ``"crops"`` (``X``).
        pitch: widths of a pixel in eta and in phi (rad); those of a crystal of the CMS barrel by
            default.
        classes: what labels 0 and 1 mean; gluon and quark, or photon and electron, by default.

    Raises:
        InputError: another schema.

    Example:
        >>> import calovision as cv
        >>> cv.JET_IMAGES.rows, cv.JET_IMAGES.channel_names
        (125, ('track', 'ecal', 'hcal'))
    """

    name: str
    rows: int
    cols: int
    channels: tuple[Channel, ...]
    schema: Literal["jets", "crops"]
    pitch: tuple[float, float] = (CRYSTAL_ETA, CRYSTAL_PHI)
    classes: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        if self.schema not in tuple(CLASSES):
            raise InputError(f"no schema {self.schema!r}", f"give {' or '.join(CLASSES)}")
        if self.classes == ("", ""):
            object.__setattr__(self, "classes", CLASSES[self.schema])

    @property
    def calorimeters(self) -> tuple[bool, ...]:
        """Which channels are calorimeters, in storage order."""
        return tuple(c.is_calorimeter for c in self.channels)

    @property
    def cells(self) -> int:
        """Number of pixels in one channel."""
        return self.rows * self.cols

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels, in storage order."""
        return tuple(c.name for c in self.channels)

    def class_number(self, name: str | int) -> int:
        """The label of a class, which may be given as such.

        Raises:
            InputError: there is no such class.
        """
        if isinstance(name, int) and not isinstance(name, bool) and name in (0, 1):
            return name
        if name not in self.classes:
            raise InputError(
                f"{self.name} images have no class {name!r}",
                f"choose {' or '.join(self.classes)}, or their numbers 0 or 1",
            )
        return self.classes.index(name)

    def eta(self, cell: NDArray[Any]) -> NDArray[np.float32]:
        """Pseudorapidity of pixel centres relative to the window centre; same shape as ``cell``."""
        row = np.asarray(cell, np.int64) // self.cols
        return ((row - (self.rows - 1) / 2) * self.pitch[0]).astype(np.float32)

    def phi(self, cell: NDArray[Any]) -> NDArray[np.float32]:
        """Azimuth (rad) of pixel centres relative to the window centre; same shape as ``cell``."""
        col = np.asarray(cell, np.int64) % self.cols
        return ((col - (self.cols - 1) / 2) * self.pitch[1]).astype(np.float32)

    def radius(self, cell: NDArray[Any]) -> NDArray[np.float32]:
        """Distance (rad) of pixel centres from the window centre; same shape as ``cell``."""
        radius: NDArray[np.float32] = np.hypot(self.eta(cell), self.phi(cell))
        return radius

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready form, the inverse of :meth:`from_dict`.

        What follows from the rest, by default, is left out: unit and kind of a channel, pitch and
        names of the classes.
        """
        found = asdict(self)
        for channel in found["channels"]:
            if channel["kind"] == _kind(channel["name"], channel["unit"]):
                del channel["kind"]
            if channel["unit"] == _unit(channel["signed"]):
                del channel["unit"]
        if self.pitch == (CRYSTAL_ETA, CRYSTAL_PHI):
            del found["pitch"]
        if self.classes == CLASSES[self.schema]:
            del found["classes"]
        return found

    @classmethod
    def from_dict(cls, data: object) -> Geometry:
        """Rebuild a geometry from :meth:`to_dict`.

        Raises:
            ValueError: not a grid that hits can lie on.
        """
        layers = data.get("channels") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(layers, list | tuple):
            raise ContentError("not a geometry")
        keys = _keys(cls)
        known = keys - OPTIONAL <= data.keys() <= keys
        known = known and data.get("schema") in tuple(CLASSES)
        if not known or not all(_describes_channel(layer) for layer in layers):
            raise ContentError("a geometry with other keys")
        units = ({"unit": _unit(bool(layer.get("signed")))} for layer in layers)
        channels = tuple(Channel(**(u | c)) for u, c in zip(units, layers, strict=True))
        more = {}
        for name in OPTIONAL & data.keys():
            if not isinstance(data[name], list | tuple) or len(data[name]) != 2:
                raise ContentError("not a geometry")
            more[name] = tuple(data[name])
        found = cls(data["name"], data["rows"], data["cols"], channels, data["schema"], **more)
        if not found.is_sound():
            raise ContentError("not a geometry")
        return found

    def is_sound(self) -> bool:
        """Whether hits can lie on the grid, and names and units make sense.

        Rows and columns must be multiples of every ``block``, which must be odd, for a readout cell
        is known by its middle pixel.
        """
        sizes = (self.rows, self.cols, *(c.block for c in self.channels))
        if not all(type(n) is int and n > 0 for n in sizes) or self.cells > MAX_PIXELS:
            return False
        names = (self.name, *self.channel_names)
        return (
            all(isinstance(n, str) for n in names)
            and 0 < len(self.channels) <= MAX_CHANNELS
            and all(self.rows % c.block == self.cols % c.block == 0 for c in self.channels)
            and all(c.block % 2 for c in self.channels)
            and all(isinstance(c.gev_per_unit, int | float) for c in self.channels)
            and all(0 < c.gev_per_unit < math.inf for c in self.channels)
            and all(c.unit in ("GeV", "ns") for c in self.channels)
            and all(c.kind in KINDS for c in self.channels)
            and all(isinstance(p, int | float) and 0 < p < math.inf for p in self.pitch)
            and all(isinstance(name, str) and name for name in self.classes)
            and self.classes[0] != self.classes[1]
            and self.schema in ("jets", "crops")
        )


def _keys(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def _describes_channel(layer: object) -> bool:
    return isinstance(layer, dict) and {"name"} <= layer.keys() <= _keys(Channel)


def _kind(name: str, unit: str) -> Kind:
    """Kind of a channel that states none."""
    if unit == "ns":
        return "time"
    if name.startswith("track"):
        return "tracker"
    return "muon" if name.startswith("muon") else "calorimeter"


def _unit(signed: bool) -> str:
    """Unit of a channel that states none: times are what is signed."""
    return "ns" if signed else "GeV"


#: of the public quark/gluon HDF5, in every channel: its pixels are sums of GeV divided by 100 (an
#: HCAL pixel holds 1/25 of its tower), as its mean totals beside those of the Parquet in GeV show.
JET_GEV_PER_UNIT = 100.0
JET_IMAGES = Geometry(
    "cms-jet-125",
    125,
    125,
    (
        Channel("track", gev_per_unit=JET_GEV_PER_UNIT),
        Channel("ecal", gev_per_unit=JET_GEV_PER_UNIT),
        Channel("hcal", block=5, gev_per_unit=JET_GEV_PER_UNIT),
    ),
    "jets",
)

# 50 GeV a unit: the sums of real crops begin at 1.0, their pT of 50 GeV, and have the mean and
# spread of particles even in abs(eta) < 1.2 (docs: egamma).
EGAMMA_CROPS = Geometry(
    "cms-egamma-32",
    32,
    32,
    (Channel("energy", gev_per_unit=50.0), Channel("time", signed=True, unit="ns")),
    "crops",
)
