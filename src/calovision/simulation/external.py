"""Particles that others have made: jagged rows of them, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.simulation import generator
from calovision.simulation.external_species import invisible, penetrating, unknown
from calovision.simulation.generator import Particles, offsets_of

Rows = Literal["jets", "events"]
Floats = NDArray[np.float64]

_SOFTEST, _FORWARD = 0.05, 3.0  #: GeV and abs(eta) within which the detector sees particles


@dataclass(frozen=True)
class Table:
    """Stable particles of some rows: of collisions, or of jets that somebody has found.

    Attributes:
        offsets: ``(n + 1,)`` int64, first particle of every row.
        momentum: ``(4, particles)`` px, py, pz, energy, GeV.
        pdg: ``(particles,)`` int32 PDG identity.
        columns: ``(n,)`` per-row numbers that are kept: ``label`` (int8), ``weight`` (float64).
        first: number of the first row in its file.
        most: most energy that a particle or a jet can have, GeV.
    """

    offsets: NDArray[np.int64]
    momentum: Floats
    pdg: NDArray[np.int32]
    columns: dict[str, NDArray[Any]]
    first: int = 0
    most: float = np.inf

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def seen(self) -> NDArray[np.bool_]:
        """``(particles,)`` those that a detector sees: visible ones, within its coverage."""
        px, py, pz, energy = self.momentum
        pt = np.hypot(px, py)
        near = np.abs(np.arcsinh(pz / np.maximum(pt, 1e-9))) < _FORWARD
        seen: NDArray[np.bool_] = (pt > _SOFTEST) & near & ~invisible(self.pdg) & (energy > 0)
        return seen

    def kept(self, keep: NDArray[np.bool_]) -> Table:
        """The same rows with some of their particles."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        counts = np.bincount(owner[keep], minlength=len(self))
        return replace(
            self,
            offsets=offsets_of(counts),
            momentum=self.momentum[:, keep],
            pdg=self.pdg[keep],
        )

    def particles(self) -> Particles:
        """In detector coordinates; hypothetical charged particles leave what a muon leaves.

        Raises:
            InputError: an identity that nobody knows.
        """
        px, py, pz, energy = self.momentum
        foreign = unknown(self.pdg)
        if len(foreign):
            raise InputError(
                f"no particle has the PDG identity {foreign[0]}",
                "give stable particles of the Particle Data Group's numbering, or leave it out by "
                f"--invisible {foreign[0]}",
            )
        charges, pt = generator.charge(self.pdg), np.hypot(px, py)
        kind = generator._kind(self.pdg, charges)
        kind[penetrating(self.pdg, charges)] = generator.MUON
        return Particles(
            self.offsets,
            self.pdg,
            pt.astype(np.float32),
            np.arcsinh(pz / np.maximum(pt, 1e-9)).astype(np.float32),
            np.arctan2(py, px).astype(np.float32),
            energy.astype(np.float32),
            charges,
            kind,
        )
