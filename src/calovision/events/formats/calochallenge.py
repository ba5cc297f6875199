"""Showers in cylinders in the format of the Fast Calorimeter Simulation Challenge.

An HDF5 file holds ``showers`` ``(n, voxels)`` and ``incident_energies`` ``(n, 1)``, both in MeV
(arXiv:2410.21611; github.com/CaloChallenge/homepage). How the voxels lie is told by a binning
file in XML, or for the challenge's own sets by their number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np
from numpy.typing import NDArray

from calovision.errors import ContentError, InputError
from calovision.events.channels import Channel
from calovision.events.cylinders import voxel_cells
from calovision.events.event_set import EventSet
from calovision.events.events import Events, offsets_of
from calovision.events.formats.hdf5_links import ElsewhereError, dataset_of, holds
from calovision.events.formats.hit_file import HitFile
from calovision.events.formats.kinds import HDF5
from calovision.events.geometry import Geometry

SHOWERS, INCIDENT = "showers", "incident_energies"  #: names in the files
MEV = 1e-3  #: GeV
BLOCK_BYTES = 32 << 20  #: voxels read at a time
LARGEST_BINNING = 1 << 20  #: characters of a binning file
Layer = tuple[str, Sequence[float], int]  #: name, edges of the rings (mm), sectors


def cylinder(name: str, layers: Sequence[Layer]) -> Geometry:
    """The grid of a cylinder, the images of which are in MeV.

    Args:
        name: of the grid.
        layers: name, edges of the rings (mm) and number of sectors of each.
    """
    channels = tuple(
        Channel(called, gev_per_unit=MEV, kind="calorimeter", rings=tuple(edges), sectors=sectors)
        for called, edges, sectors in layers
    )
    rows, cols = (max(n) for n in zip(*((s, len(e) - 1) for _, e, s in layers), strict=True))
    return Geometry(name, rows, cols, channels, "showers")


def _electrons(rings: int, sectors: int) -> list[Layer]:
    """The 45 layers of sets 2 and 3, all alike."""
    edges = tuple(round(r * 41.85 / rings, 6) for r in range(rings + 1))
    return [(f"layer_{k}", edges, sectors) for k in range(45)]


_PRESAMPLER = (0, 5, 10, 30, 50, 100, 200, 400, 600)
_BACK = (0, 50, 100, 200, 400, 600)
_TILE = (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400)
_PHOTON_STRIPS = (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 50, 70, 90, 120, 150, 200)
_PHOTON_MIDDLE = (
    *(0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80),
    *(100, 130, 160, 200, 250, 300, 350, 400),
)
_PION_STRIPS = (0, 1, 4, 7, 10, 15, 30, 50, 90, 150, 200)
_PION_MIDDLE = (0, 5, 10, 20, 30, 50, 80, 130, 200, 300, 400)
#: the challenge's sets by their number of voxels
SETS = {
    sum(c.voxels for c in grid.channels): grid
    for grid in (
        cylinder(
            "calochallenge-1-photons",
            (
                ("layer_0", _PRESAMPLER, 1),
                ("layer_1", _PHOTON_STRIPS, 10),
                ("layer_2", _PHOTON_MIDDLE, 10),
                ("layer_3", _BACK, 1),
                ("layer_12", (0, 100, 200, 400, 1000, 2000), 1),
            ),
        ),
        cylinder(
            "calochallenge-1-pions",
            (
                ("layer_0", _PRESAMPLER, 1),
                ("layer_1", _PION_STRIPS, 10),
                ("layer_2", _PION_MIDDLE, 10),
                ("layer_3", _BACK, 1),
                ("layer_12", (*_TILE, 1000, 2000), 10),
                ("layer_13", (*_TILE, 600, 1000, 2000), 10),
                ("layer_14", (0, 50, 100, 150, 200, 250, 300, 400, 600, 1000, 2000), 1),
            ),
        ),
        cylinder("calochallenge-2", _electrons(9, 16)),
        cylinder("calochallenge-3", _electrons(18, 50)),
    )
}


def geometry_of_binning(text: str) -> Geometry:
    """The cylinder that a binning file of the challenge describes.

    Layers without rings are left out, as they have no voxels. A cylinder that is one of the
    challenge's has its name.

    Raises:
        ContentError: it is no such file, or describes no cylinder that events can have.
    """
    if len(text) > LARGEST_BINNING:
        raise ContentError("too long for a binning")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ContentError(f"not XML: {error}") from error
    particles = list(root)
    if root.tag != "Bins" or len(particles) != 1:
        raise ContentError("no binning of one particle")
    layers: list[Layer] = []
    for layer in particles[0]:
        try:
            edges = [float(r) for r in layer.attrib["r_edges"].split(",")]
            sectors = int(layer.attrib["n_bin_alpha"])
            number = int(layer.attrib["id"])
        except (KeyError, ValueError) as error:
            raise ContentError(f"a layer without edges, sectors or number ({error})") from error
        if len(edges) > 1:
            layers.append((f"layer_{number}", edges, sectors))
    if not layers:
        raise ContentError("no layer has rings")
    particle = re.sub(r"\W+", "-", particles[0].attrib.get("name", "")).strip("-") or "showers"
    grid = cylinder(f"cylinder-{particle}", layers)
    if not grid.is_sound():
        raise ContentError("rings that do not ascend, or too many layers or voxels")
    known = SETS.get(sum(c.voxels for c in grid.channels))
    return known if known is not None and known.channels == grid.channels else grid


class ShowerFile(HitFile):
    """Showers and incident energies; the latter become the column ``energy`` (GeV).

    Energies of voxels stay in MeV, as image units, so that nothing is lost.
    """

    format = "the CaloChallenge"
    content_errors = (LookupError, OSError, RuntimeError, TypeError, ValueError)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """HDF5 files with both names."""
        return head.startswith(HDF5) and holds(path, (SHOWERS, INCIDENT), cls.content_errors)

    def _open(self) -> None:
        with self.decoding():
            file = self._open_files.enter_context(h5py.File(self.path, "r"))
        self._showers, incident = self._dataset(file, SHOWERS), self._dataset(file, INCIDENT)
        with self.decoding():
            shape, kind = self._showers.shape, self._showers.dtype
            energies = np.asarray(incident[()])
        if len(shape or ()) != 2 or kind.kind != "f" or kind.itemsize > 8:
            raise InputError(
                f"{self.path}: {SHOWERS} are {kind} of shape {shape}",
                "give floats (n, voxels), MeV",
            )
        self.key, self.geometry = SHOWERS, self._cylinder(shape[1])
        self.dtype = np.dtype(np.float64 if kind.itemsize == 8 else np.float32)
        self.set_size(shape[0])
        if energies.size != shape[0] or energies.dtype.kind not in "fiu":
            raise InputError(
                f"{self.path}: {INCIDENT} have shape {energies.shape}, {SHOWERS} {shape}",
                "give one energy a shower, MeV",
            )
        energies = energies.reshape(-1).astype(np.float64)
        if not (energies > 0).all() or not np.isfinite(energies).all():
            bad = int(np.argmin((energies > 0) & np.isfinite(energies)))
            raise InputError(
                f"{self.path}: the incident energy of event {bad} is {energies[bad]:g} MeV",
                "correct or remove that event",
            )
        self.columns = {"energy": energies * MEV}
        self._layer, self._cell = voxel_cells(self.geometry.channels, self.geometry.cols)

    def _dataset(self, file: h5py.File, name: str) -> h5py.Dataset:
        """A dataset that lies in the file itself."""
        try:
            with self.decoding():
                found = dataset_of(file, name)
        except ElsewhereError as error:
            raise InputError(
                f"{self.path}: the data of {name} lie {error}", "copy them into the file"
            ) from None
        if found is None:
            raise InputError(f"{self.path}: {name} is no table", "give the challenge's format")
        return found

    def _cylinder(self, voxels: int) -> Geometry:
        """The grid of so many voxels."""
        grid = self.layout.geometry or SETS.get(voxels)
        if grid is None:
            raise InputError(
                f"{self.path}: showers have {voxels} voxels, those of the challenge "
                f"{', '.join(map(str, SETS))}",
                "give the binning file of your cylinder by --geometry",
            )
        there = sum(c.voxels for c in grid.channels)
        if grid.schema != "showers" or there != voxels:
            raise InputError(
                f"{self.path}: showers have {voxels} voxels, {grid.name} has {there}",
                "give the binning file of these showers",
            )
        return grid

    def hits(self, start: int, stop: int) -> Iterator[Events]:
        """Voxels that are not empty, in the order of the file."""
        step = max(1, BLOCK_BYTES // (len(self._cell) * self.dtype.itemsize))
        for first in range(start, stop, step):
            with self.decoding():
                block = self._showers[first : min(first + step, stop)].astype(self.dtype)
            yield self._sparse(self.checked(block, first, "the energy (MeV) of a voxel"))

    def _sparse(self, voxels: NDArray[Any]) -> Events:
        event, place = np.nonzero(voxels)
        counts = np.bincount(event, minlength=len(voxels))
        return Events(
            self.geometry,
            offsets_of(counts),
            self._cell[place],
            self._layer[place],
            voxels[event, place],
        )


def incident_energies(events: EventSet) -> dict[str, NDArray[Any]]:
    """The table of incident energies, ``(n, 1)`` MeV, by its name in the files.

    Raises:
        InputError: the events have none.
    """
    if "energy" not in events.columns:
        raise InputError(
            "the showers have no incident energies", "give a column energy (GeV) of the particles"
        )
    return {INCIDENT: np.asarray(events.columns["energy"], np.float64)[:, None] / MEV}


def voxels_of(events: Events) -> NDArray[Any]:
    """``(n, voxels)`` energies of the voxels in the challenge's order, in image units."""
    grid = events.geometry
    layer, cell = voxel_cells(grid.channels, grid.cols)
    return events.to_dense("image").reshape(len(events), len(grid.channels), -1)[:, layer, cell]
