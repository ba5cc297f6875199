"""Jets of particles as point clouds on a fine grid: the base of the readers of such files.

Each jet is a window around its axis, a little wider than the jet, in which every particle puts its
transverse momentum. The grid has 256 x 256 pixels, all that the number of a hit has room for:
places are rounded, and particles of one pixel add up. How many do, a remark tells; how many
particles a jet had, the column ``n_particles``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.channels import Channel
from calovision.events.events import Events, offsets_of
from calovision.events.formats.hit_file import HitFile
from calovision.events.geometry import Geometry

SIDE = 256  #: pixels of the window in eta and in phi
MARGIN = 1.25  #: half the window over the radius: some particles lie beyond that
STEP = 2048  #: jets read at a time
LOOKED_AT = 512  #: jets in which shared pixels are counted
CHARGED, PHOTON, NEUTRAL = range(3)
KINDS = ("charged", "photon", "neutral")  #: channels where particles are identified
#: PDG identities, without sign, of what is charged and stable in a detector
CHARGED_IDS = (11, 13, 211, 321, 2212, 3112, 3222, 3312, 3334)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Particles:
    """Particles of some jets, end to end.

    Attributes:
        counts: ``(n,)`` particles of every jet.
        pt: ``(particles,)`` transverse momentum, GeV.
        eta: ``(particles,)`` pseudorapidity from the jet's axis.
        phi: ``(particles,)`` azimuth from the jet's axis, rad.
        channel: ``(particles,)`` place in the channels; all in the first by default.
        columns: ``(n,)`` of every jet, such as ``pt`` and ``m0`` (GeV).
    """

    counts: NDArray[np.int64]
    pt: Floats
    eta: Floats
    phi: Floats
    channel: NDArray[Any] | None = None
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)


class ParticleJets(HitFile):
    """An opened file of jets of particles.

    A reader gives :attr:`radius`, :attr:`kinds` and :attr:`classes`, calls :meth:`set_jets` in
    :meth:`_open`, and reads in :meth:`particles`.

    Attributes:
        radius: of the jets, rad.
        kinds: names of the channels.
        classes: what labels mean.
        code: name of the grid.
    """

    radius: ClassVar[float]
    kinds: tuple[str, ...] = ("particle",)
    classes: ClassVar[tuple[str, ...]]
    code: ClassVar[str]
    dtype = np.dtype(np.float32)

    @abstractmethod
    def particles(self, start: int, stop: int) -> Particles:
        """The particles of jets ``start`` to ``stop``.

        Raises:
            InputError: a number that no particle can have.
        """

    def set_jets(self, jets: int) -> None:
        """Set the grid and the number of jets, and look at the first ones."""
        if self.layout.geometry is not None:
            raise InputError(
                f"{self.path}: particles of {self.format} have a grid of their own",
                "leave out --geometry; 'calovision data image' sends them through a detector",
            )
        pitch = 2 * MARGIN * self.radius / SIDE
        channels = tuple(Channel(name, kind="calorimeter") for name in self.kinds)
        self.key = self.format
        self.geometry = Geometry(
            self.code, SIDE, SIDE, channels, "jets", (pitch, pitch), self.classes
        )
        self.set_size(jets)
        look = self.particles(0, min(jets, LOOKED_AT))
        cell, inside = self._cells(look)
        owner = np.repeat(np.arange(len(look.counts)), look.counts)
        taken = len(np.unique((owner * SIDE**2 + cell)[inside]))
        shared, outside = int(inside.sum()) - taken, int((~inside).sum())
        percent = 100 / max(len(inside), 1)
        self.remarks = (
            f"jets of {self.format} become images of {SIDE} x {SIDE} pixels of {pitch:.2g} rad; "
            f"{percent * shared:.2g} % of the particles share a pixel with another, "
            f"{percent * outside:.2g} % lie outside and are left out",
        )

    def hits(self, start: int, stop: int) -> Iterator[Events]:
        """Sums of transverse momenta by pixel and channel, with the columns of the jets."""
        for first in range(start, stop, STEP):
            found = self.particles(first, min(first + STEP, stop))
            yield self._image(found, first)

    def _cells(self, found: Particles) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Pixels of particles, and which lie in the window."""
        pitch = np.array(self.geometry.pitch)[:, None]
        place = np.stack([found.eta, found.phi]) / pitch + SIDE / 2
        inside = ((place >= 0) & (place < SIDE)).all(axis=0) & (found.pt != 0)
        row, col = np.where(inside, place, 0).astype(np.int64)
        return row * SIDE + col, inside

    def _image(self, found: Particles, first: int) -> Events:
        counts, n = found.counts, len(found.counts)
        owner = np.repeat(np.arange(n), counts)
        cell, inside = self._cells(found)
        padded = np.zeros((n, max(int(counts.max(initial=0)), 1)))
        place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        padded[owner, place] = found.pt
        pt = self.checked(padded, first, "pt (GeV) of a particle")[owner, place]
        channel = np.zeros(len(cell), np.int64) if found.channel is None else found.channel
        cells = SIDE * SIDE
        key = (owner * len(self.kinds) + channel) * cells + cell
        keys, number = np.unique(key[inside], return_inverse=True)
        value = np.bincount(number, pt[inside], len(keys)).astype(np.float32)
        lit = value > 0
        code, pixel = np.divmod(keys[lit], cells)
        event, layer = np.divmod(code, len(self.kinds))
        return Events(
            self.geometry,
            offsets_of(np.bincount(event, minlength=n)),
            pixel.astype(np.uint16),
            layer.astype(np.uint8),
            value[lit],
            {"n_particles": counts.astype(np.int32), **found.columns},
        )


def wrapped(phi: Floats) -> Floats:
    """Azimuths between -pi and pi."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


def jets_of(momentum: Floats, filled: NDArray[np.bool_]) -> Particles:
    """Particles around the axis of their sum.

    Args:
        momentum: ``(4, n, particles)`` px, py, pz, energy, GeV.
        filled: ``(n, particles)`` where there are particles.

    Returns:
        The particles; their columns are ``pt``, ``m0`` (GeV), ``eta`` and ``phi`` of the sum.
    """
    total = np.where(filled, momentum, 0.0).sum(axis=2)
    pt = np.hypot(total[0], total[1])
    safe = np.maximum(pt, 1e-9)
    eta, phi = np.arcsinh(total[2] / safe), np.arctan2(total[1], total[0])
    mass = np.sqrt(np.clip(total[3] ** 2 - (total[:3] ** 2).sum(axis=0), 0, None))
    px, py, pz = (momentum[k][filled] for k in range(3))
    own = np.hypot(px, py)
    counts = filled.sum(axis=1)
    columns = {"pt": pt, "m0": mass, "eta": eta, "phi": phi}
    return Particles(
        counts,
        own,
        np.arcsinh(pz / np.maximum(own, 1e-9)) - np.repeat(eta, counts),
        wrapped(np.arctan2(py, px) - np.repeat(phi, counts)),
        columns={k: v.astype(np.float32) for k, v in columns.items()},
    )


def kinds_of(pdg: NDArray[Any]) -> NDArray[np.int64]:
    """Places in :data:`KINDS` of PDG identities."""
    identity = np.abs(np.asarray(pdg, np.float64))
    charged = np.isin(identity, CHARGED_IDS)
    return np.where(charged, CHARGED, np.where(identity == 22, PHOTON, NEUTRAL))
