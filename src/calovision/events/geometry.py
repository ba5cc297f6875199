"""What a detector image is made of: its pixel grid, channels and units.

Rows run along eta and columns along phi, as in the public CMS image sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calovision.errors import ContentError, InputError
from calovision.events.channels import Channel as Channel
from calovision.events.channels import channel_of, is_description
from calovision.events.cylinders import Floats, in_plane

CRYSTAL_ETA = 0.0174  #: width of one barrel crystal in eta
MAX_PIXELS = 1 << 16  #: pixels of a channel; hits hold their number in 16 bits
MAX_CHANNELS = 1 << 7  #: hits hold twice the number in 8 bits
#: ns of one image unit of time. An estimate: the ten samples of the read-out, 25 ns each, then span
#: the -2.51..2.28 of the public electron/photon set.
NS_PER_UNIT = 50.0
CRYSTAL_PHI = 2 * math.pi / 360  #: width of one barrel crystal in phi, rad

#: of per-event columns of simulated and public sets
COLUMN_UNITS = {
    **dict.fromkeys(("pt", "m0", "gen_pt", "gen_m0", "parton_pt", "energy", "deposit"), "GeV"),
    "z": "mm",
    "phi": "rad",
}
#: what labels 0 and 1 mean by default, by the schema
CLASSES: dict[str, tuple[str, ...]] = {
    "jets": ("gluon", "quark"),
    "crops": ("photon", "electron"),
    "showers": ("photon", "electron"),
}
Schema = Literal["jets", "crops", "showers"]
MOST_CLASSES = 1 << 7  #: labels are held in 8 bits, one of them for the sign
OPTIONAL = {"pitch", "classes"}  #: keys that older sets lack


@dataclass(frozen=True)
class Geometry:
    """The pixel grid of an image set, its channels, and what its labels mean.

    Of ``"showers"`` in a cylinder the channels are its layers, rows run along the azimuth and
    columns along the radius: see ``rings`` and ``sectors`` of a :class:`Channel`.

    Attributes:
        name: identifier written to the manifest.
        rows: pixels along eta.
        cols: pixels along phi.
        channels: the layers, in storage order.
        schema: what an event is: ``"jets"`` and ``"crops"`` as in the public files (``X_jets``,
            ``X``), or ``"showers"`` in a cylinder.
        pitch: widths of a pixel in eta and in phi (rad); those of a crystal of the CMS barrel by
            default.
        classes: what the labels 0, 1, ... mean; gluon and quark of jets, photon and electron of
            crops, by default.

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
    schema: Schema
    pitch: tuple[float, float] = (CRYSTAL_ETA, CRYSTAL_PHI)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.schema not in tuple(CLASSES):
            raise InputError(f"no schema {self.schema!r}", f"give {' or '.join(CLASSES)}")
        if not self.classes:
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
        numbers = range(len(self.classes))
        if isinstance(name, int) and not isinstance(name, bool) and name in numbers:
            return name
        if name not in self.classes:
            raise InputError(
                f"{self.name} images have no class {name!r}",
                f"choose {' or '.join(self.classes)}, or their numbers "
                + " or ".join(map(str, numbers)),
            )
        return self.classes.index(name)

    def eta(self, cell: NDArray[Any], channel: NDArray[Any] | None = None) -> Floats:
        """Pseudorapidity of pixel centres from the window's centre; of showers x in mm.

        Args:
            cell: pixels of any shape.
            channel: their channels, which matter in cylinders with layers of several kinds.
        """
        if self.schema == "showers":
            return in_plane(self.channels, self.cols, cell, channel)[0]
        row = np.asarray(cell, np.int64) // self.cols
        return ((row - (self.rows - 1) / 2) * self.pitch[0]).astype(np.float32)

    def phi(self, cell: NDArray[Any], channel: NDArray[Any] | None = None) -> Floats:
        """Azimuth (rad) of pixel centres from the window's centre; of showers y in mm."""
        if self.schema == "showers":
            return in_plane(self.channels, self.cols, cell, channel)[1]
        col = np.asarray(cell, np.int64) % self.cols
        return ((col - (self.cols - 1) / 2) * self.pitch[1]).astype(np.float32)

    def radius(self, cell: NDArray[Any], channel: NDArray[Any] | None = None) -> Floats:
        """Distance (rad; of showers mm) of pixel centres from the window's centre."""
        radius: Floats = np.hypot(self.eta(cell, channel), self.phi(cell, channel))
        return radius

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready form, the inverse of :meth:`from_dict`.

        What follows from the rest, by default, is left out: unit and kind of a channel, pitch and
        names of the classes.
        """
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["channels"] = tuple(c.to_dict() for c in self.channels)
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
        keys = {f.name for f in fields(cls)}
        known = keys - OPTIONAL <= data.keys() <= keys
        known = known and data.get("schema") in tuple(CLASSES)
        if not known or not all(map(is_description, layers)):
            raise ContentError("a geometry with other keys")
        channels = tuple(map(channel_of, layers))
        more = {name: data[name] for name in OPTIONAL & data.keys()}
        if not all(isinstance(value, list | tuple) for value in more.values()):
            raise ContentError("not a geometry")
        more = {name: tuple(value) for name, value in more.items()}
        found = cls(data["name"], data["rows"], data["cols"], channels, data["schema"], **more)
        if not found.is_sound():
            raise ContentError("not a geometry")
        return found

    def is_sound(self) -> bool:
        """Whether hits can lie on the grid, and names and units make sense.

        Rows and columns must be multiples of every ``block``, which must be odd, for a readout cell
        is known by its middle pixel.
        """
        sides, cylinder = (self.rows, self.cols), self.schema == "showers"
        if not all(type(n) is int and n > 0 for n in sides) or self.cells > MAX_PIXELS:
            return False
        return (
            isinstance(self.name, str)
            and 0 < len(self.channels) <= MAX_CHANNELS
            and all(c.is_sound(*sides, cylinder=cylinder) for c in self.channels)
            and len(self.pitch) == 2
            and all(isinstance(p, int | float) and 0 < p < math.inf for p in self.pitch)
            and all(isinstance(name, str) and name for name in self.classes)
            and 1 < len(self.classes) <= MOST_CLASSES
            and len(set(self.classes)) == len(self.classes)
            and self.schema in CLASSES
        )


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
