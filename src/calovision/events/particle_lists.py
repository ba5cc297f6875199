"""Generator-level particles of events: the truth list that simulation keeps on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError


@dataclass
class ParticleLists:
    """Stable particles around every event's axis before the detector, jagged over events.

    Those of event ``i`` are ``offsets[i]:offsets[i + 1]`` of the flat arrays.

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every event.
        pdg: ``(m,)`` int32 PDG identity.
        pt: ``(m,)`` float32, GeV.
        eta: ``(m,)`` float32 pseudorapidity.
        phi: ``(m,)`` float32, rad.
        energy: ``(m,)`` float32, GeV.
        member: ``(m,)`` bool, whether it was clustered into the event's jet.

    Example:
        >>> import calovision as cv
        >>> jets = cv.simulate.jets(4, seed=1, pileup=0, particles=True, quiet=True)
        >>> first = jets.particles[[0]]
        >>> inside = first.pt[first.member]
        >>> bool(inside.sum() > 0.9 * jets.gen_pt[0])
        True
    """

    offsets: NDArray[np.int64]
    pdg: NDArray[np.int32]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    energy: NDArray[np.float32]
    member: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if np.shape(column) != (int(self.offsets[-1]),):
                raise InputError(
                    f"{name} of the particles has shape {np.shape(column)} for "
                    f"{int(self.offsets[-1])} particles",
                    "give one number for every particle",
                )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All numbers of a particle, ``(m,)`` each, by name."""
        return {name: getattr(self, name) for name in FIELDS}

    @property
    def counts(self) -> NDArray[np.int64]:
        """``(n,)`` number of particles of every event."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> NDArray[np.int64]:
        """``(m,)`` event of every particle."""
        return np.repeat(np.arange(len(self)), self.counts)

    def momenta(self) -> NDArray[np.float64]:
        """``(4, m)`` px, py, pz and energy, GeV."""
        pt, eta, phi = (x.astype(np.float64) for x in (self.pt, self.eta, self.phi))
        return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), self.energy])

    def __getitem__(self, events: NDArray[np.int64] | Sequence[int]) -> ParticleLists:
        """The lists of some events, by number."""
        chosen = np.asarray(events, np.int64)
        lengths = self.counts[chosen]
        offsets = _offsets(lengths)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], lengths)
        return ParticleLists(offsets, *(getattr(self, name)[rows] for name in FIELDS))

    def where(self, mask: NDArray[np.bool_]) -> ParticleLists:
        """The particles ``(m,)`` that a mask chooses, of the same events."""
        lengths = np.bincount(self.owner[mask], minlength=len(self))
        return ParticleLists(_offsets(lengths), *(getattr(self, name)[mask] for name in FIELDS))


FIELDS = tuple(f.name for f in fields(ParticleLists) if f.name != "offsets")
TYPES = dict(zip(FIELDS, ("int32", *["float32"] * 4, "bool"), strict=True))


def joined(parts: Sequence[ParticleLists]) -> ParticleLists:
    """The lists of several sets of events behind each other."""
    columns = [np.concatenate([getattr(p, name) for p in parts]) for name in FIELDS]
    return ParticleLists(_offsets(np.concatenate([p.counts for p in parts])), *columns)


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
