"""Effective constants of electromagnetic showers in the crystals.

GFLASH's radial profile (hep-ex/0001020) was fitted to another simulation and other materials, and
its equal spots fluctuate less than showers do. These constants mend both; they were tuned to our
own Geant4 showers (docs: egamma).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Shape(NamedTuple):
    """Effective constants of electromagnetic showers in the crystals."""

    core: float = 1.2  #: factor on the median radius of the core
    tail: float = 0.46  #: factor on the median radius of the tail
    in_core: float = 1.03  #: factor on the core's share
    spread: float = 0.066  #: r.m.s. of the logarithm of a shower's width
    depth: float = 1.055  #: factor on the depth of the maximum
    clump: float = 0.022  #: energy that lies together in the tail, GeV
    halo: float = 0.541  #: share of the tail that lies in an exponential halo of soft photons
    halo_radius: float = 0.625  #: scale of the halo, Moliere radii
    bend: float = 1.12  #: stretch along phi: the field bends the shower's electrons
    response: float = 0.9976  #: share of the energy that is deposited, but for leakage behind
    limit: float = 8.0  #: of the radius, Moliere radii

    def record(self) -> Any:
        """The constants as a NumPy record."""
        return np.array([tuple(self)], [(name, float) for name in self._fields])[0]


SHAPE = Shape()
