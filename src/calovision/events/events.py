"""Detector images in memory: jagged hits and per-event columns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calovision.errors import InputError
from calovision.events.attributes import read_only
from calovision.events.event_set import EventSet, Index
from calovision.events.geometry import NS_PER_UNIT, Geometry
from calovision.events.particle_lists import ParticleLists, joined

Unit = Literal["gev", "image"]


def is_gev(unit: object) -> bool:
    """Whether energies are meant in GeV a pixel, or in image units.

    Raises:
        InputError: another unit.
    """
    known = unit.lower() if isinstance(unit, str) else unit
    if known not in ("gev", "image"):
        raise InputError(f"no unit {unit!r} of images", "the unit must be 'gev' or 'image'")
    return known == "gev"


def offsets_of(counts: ArrayLike) -> NDArray[np.int64]:
    """``(n + 1,)`` first entry of every event, and the end, from ``(n,)`` numbers of entries."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@dataclass(repr=False)
class Events(EventSet):
    """A set of sparse detector images.

    A *hit* is one readout cell with a nonzero value. Hits of all events lie in flat arrays,
    event ``i`` owning ``offsets[i]:offsets[i + 1]``, sorted by (code, cell) within an event.

    Attributes:
        geometry: pixel grid, channels and units.
        offsets: ``(n + 1,)`` int64, first hit of every event.
        cell: ``(hits,)`` uint16, ``row * cols + col`` of the pixel; of a readout cell larger
            than one pixel its central pixel.
        code: ``(hits,)`` uint8, the channel index ``c`` of a whole readout cell, or
            ``c + len(channels)`` for a lone pixel of a channel whose cells are larger (found
            only in converted files that are not made of whole cells).
        value: ``(hits,)`` float32 or float64, content **per pixel** in image units.
        columns: per-event arrays ``(n, ...)``, such as ``label`` (gluon 0, quark 1; photon 0,
            electron 1), ``pt`` and ``m0`` (GeV).
        particles: of every event before the detector, where the set keeps them.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> crops[crops.label == 1].label.shape, crops.select("label == photon").energy.min() > 0
        ((2,), np.False_)
    """

    geometry: Geometry
    offsets: NDArray[np.int64]
    cell: NDArray[np.uint16]
    code: NDArray[np.uint8]
    value: NDArray[np.floating[Any]]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    particles: ParticleLists | None = None

    def __post_init__(self) -> None:
        if self.particles is not None and len(self.particles) != len(self):
            raise InputError(
                f"lists of particles of {len(self.particles)} events for {len(self)}",
                "give one for every event",
            )
        for name, column in self.columns.items():
            if np.shape(column)[:1] != (len(self),):
                raise InputError(
                    f"column {name!r} has shape {np.shape(column)} for {len(self)} events",
                    "give one row for every event",
                )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __eq__(self, other: object) -> bool:
        """Whether the other events are the same, hit by hit, with the same columns."""
        if not isinstance(other, Events):
            return NotImplemented
        return self.columns.keys() == other.columns.keys() and self.hash == other.hash

    __hash__ = None  # type: ignore[assignment]  # what can be changed is no key

    @property
    def n_hits(self) -> NDArray[np.int64]:
        """``(n,)`` number of hits of every event."""
        return read_only(np.diff(self.offsets))

    @property
    def owner(self) -> NDArray[np.int64]:
        """``(hits,)`` index of the event that owns each hit."""
        return read_only(np.repeat(np.arange(len(self)), self.n_hits))

    @property
    def channel(self) -> NDArray[np.uint8]:
        """``(hits,)`` channel index of each hit."""
        return read_only(self.code % np.uint8(len(self.geometry.channels)))

    @property
    def area(self) -> NDArray[np.int64]:
        """``(hits,)`` number of pixels that each hit covers."""
        blocks = [c.block**2 for c in self.geometry.channels]
        return read_only(np.array(blocks + [1] * len(blocks))[self.code])

    @property
    def energy(self) -> NDArray[np.float32]:
        """``(hits,)`` energy of each whole hit in GeV (transverse momentum for tracks).

        Of a time it is the image's value; see :attr:`measured`.
        """
        scale = np.array([c.gev_per_unit for c in self.geometry.channels])[self.channel]
        with np.errstate(over="ignore"):
            return read_only((self.value * self.area * scale).astype(np.float32))

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing is known of events in memory but their content."""
        return {"source": "memory", "hash": self.hash, "events": len(self)}

    @property
    def where(self) -> str:
        """The events are in memory."""
        return "memory"

    @property
    def hash(self) -> str:
        """SHA-256 of hits, columns and particles."""
        digest = hashlib.sha256(repr(self.geometry).encode())
        arrays: tuple[NDArray[Any], ...]
        arrays = (self.offsets - self.offsets[0], self.cell, self.code, self.value)
        arrays += tuple(self.columns[k] for k in sorted(self.columns))
        if self.particles is not None:
            arrays += (self.particles.offsets, *self.particles.columns.values())
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def measured(self) -> NDArray[np.float32]:
        """``(hits,)`` what each whole hit measures, in its channel's unit: GeV, or ns of a time.

        Of a time, which is no sum over pixels, it is the value of one.
        """
        found = self.energy.copy()
        for c, channel in enumerate(self.geometry.channels):
            if channel.is_time:
                mine = self.channel == c
                found[mine] = self.value[mine] * NS_PER_UNIT
        return read_only(found)

    def counts(self) -> NDArray[np.int64]:
        """``(n, channels)`` number of hits per event and channel."""
        return self._per_channel(None).astype(np.int64)

    def sums(self) -> NDArray[np.float64]:
        """``(n, channels)`` summed energy per event and channel, GeV; means nothing for times."""
        return self._per_channel(self.energy)

    def _per_channel(self, weights: NDArray[Any] | None) -> NDArray[np.float64]:
        width = len(self.geometry.channels)
        index = self.owner * width + self.channel
        flat = np.bincount(index, weights, minlength=len(self) * width)
        return flat.reshape(len(self), width).astype(np.float64)

    def _taken(self, chosen: NDArray[np.int64]) -> Events:
        return self._rows(chosen)

    def _details(self) -> list[tuple[str, str]]:
        n = max(len(self), 1)
        names = self.geometry.channel_names
        counts = (f"{c} {m:.1f}" for c, m in zip(names, self.counts().sum(0) / n, strict=True))
        return [("hits", f"{len(self.cell)}; an event has {', '.join(counts)}")]

    def load(self) -> Events:
        """The events themselves: they are in memory."""
        return self

    def _rows(self, index: Index) -> Events:
        chosen = np.atleast_1d(np.arange(len(self))[index])
        lengths = self.n_hits[chosen]
        offsets = offsets_of(lengths)
        hits = np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], lengths)
        columns = {k: v[chosen] for k, v in self.columns.items()}
        particles = None if self.particles is None else self.particles[chosen]
        numbers = self.cell[hits], self.code[hits], self.value[hits]
        return Events(self.geometry, offsets, *numbers, columns, particles)

    def keep(self, mask: NDArray[np.bool_]) -> Events:
        """The same events with some of their hits only (always a new set).

        Args:
            mask: ``(hits,)`` true for the hits that stay.
        """
        left = np.bincount(self.owner[mask], minlength=len(self))
        return replace(
            self,
            offsets=offsets_of(left),
            cell=self.cell[mask],
            code=self.code[mask],
            value=self.value[mask],
            columns=dict(self.columns),
        )

    def to_dense(self, unit: Unit = "gev") -> NDArray[np.floating[Any]]:
        """Dense images ``(n, channels, rows, cols)``; energies of large cells are shared equally.

        Args:
            unit: ``"gev"`` for energies in GeV per pixel, ``"image"`` for the public sets' units.

        Raises:
            InputError: another unit.
        """
        in_gev, geometry = is_gev(unit), self.geometry
        width = len(geometry.channels)
        shape = (len(self), width, geometry.rows, geometry.cols)
        images = np.zeros(shape, self.value.dtype)
        value, channel = self.value, self.channel
        if in_gev:
            scale = np.array([c.gev_per_unit for c in geometry.channels], self.value.dtype)
            value = value * scale[channel]
        area = self.area
        place = (self.owner * width + channel) * geometry.cells + self.cell
        flat = images.reshape(-1)
        for size in {c.block**2 for c in geometry.channels} | {1}:
            mine = area == size
            half = (math.isqrt(size) - 1) // 2
            for dr in range(-half, half + 1):
                for dc in range(-half, half + 1):
                    flat[place[mine] + (dr * geometry.cols + dc)] = value[mine]
        return images


def concatenate(sets: Iterable[EventSet]) -> Events:
    """Join event sets of one geometry and the same columns, in order, in memory.

    Args:
        sets: in memory or on disk; particles are kept where all have them.

    Raises:
        InputError: no set given, or sets of different geometry or columns.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> len(cv.concatenate([crops, crops[:1]]))
        5
    """
    parts = [one.load() for one in sets]
    if not parts:
        raise InputError("no event sets to join", "give at least one")
    first = parts[0]
    for other in parts[1:]:
        if other.geometry != first.geometry or other.columns.keys() != first.columns.keys():
            raise InputError(
                "event sets differ in geometry or columns", "join sets of one kind only"
            )
    lengths = np.concatenate([p.n_hits for p in parts])
    lists = [p.particles for p in parts if p.particles is not None]
    return Events(
        first.geometry,
        offsets_of(lengths),
        np.concatenate([p.cell for p in parts]),
        np.concatenate([p.code for p in parts]),
        np.concatenate([p.value for p in parts]),
        {k: np.concatenate([p.columns[k] for p in parts]) for k in first.columns},
        joined(lists) if len(lists) == len(parts) else None,
    )
