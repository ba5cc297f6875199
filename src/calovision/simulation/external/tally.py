"""Counts of the particles read from files, and warnings about unusual ones."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calovision.simulation.external.momenta import LHC_BEAM
from calovision.simulation.external.particles import Table, fleeting, invisible, spelled

_MIN_ENERGY = 1.0  #: GeV; where no particle has more, the unit is hardly the right one


@dataclass
class Tally:
    """Counts of the particles that were read.

    Attributes:
        rows: of the files.
        particles: stable ones among them.
        unseen: number of invisible ones, by identity without sign.
        fleeting: number of those within the detector that cannot have reached it.
        highest: largest energy of a visible particle, GeV.
    """

    rows: int = 0
    particles: int = 0
    unseen: Counter[int] = field(default_factory=Counter)
    fleeting: Counter[int] = field(default_factory=Counter)
    highest: float = 0.0

    def add(self, table: Table, more: tuple[int, ...]) -> None:
        """Count the particles of a table, ``more`` being identities that leave no signal."""
        self.rows += len(table)
        self.particles += len(table.pdg)
        hidden = invisible(table.pdg, more)
        self.unseen.update(_counted(table.pdg[hidden]))
        self.fleeting.update(_counted(table.pdg[~hidden & fleeting(table.pdg) & table.seen()]))
        self.highest = max(self.highest, float(table.momentum[3, ~hidden].max(initial=0.0)))

    def warn(self) -> None:
        """Warn of particles that cannot be what they seem."""
        if self.fleeting:
            warnings.warn(
                f"{left_out(self.fleeting)} cannot reach a detector and are taken for stable "
                "hadrons: let the generator decay them",
                stacklevel=2,
            )
        if not _MIN_ENERGY <= self.highest <= LHC_BEAM:
            warnings.warn(
                f"the largest energy of a particle is {self.highest:.3g} GeV: check the unit",
                stacklevel=2,
            )

    def __str__(self) -> str:
        return (
            f"{self.particles} stable particles of at most {self.highest:.3g} GeV, "
            f"invisible {left_out(self.unseen)}"
        )


def left_out(found: Mapping[int, int]) -> str:
    """A number of particles, and which they are: ``3: 12 (nu_e), 1000022 (~chi_10)``."""
    return f"{sum(found.values())}" + (f": {spelled(sorted(found))}" if found else "")


def _counted(pdg: NDArray[np.int32]) -> dict[int, int]:
    identities, numbers = np.unique(np.abs(pdg), return_counts=True)
    return dict(zip(identities.tolist(), numbers.tolist(), strict=True))
