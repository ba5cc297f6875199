"""The Geant4 engine of electrons and photons."""

from __future__ import annotations

import numpy as np

from calovision.simulation.egamma.particles import CRYSTALS, ELECTRON, Engine, Particles, Showers
from calovision.simulation.geant4.process import GEANT4, VERSION, WHEEL, check_installed, simulated


class Geant4(Engine):
    """Geant4 with the detector of :mod:`calovision.simulation.egamma.geant4_detector`."""

    def check(self) -> None:
        """Raise an :class:`~calovision.errors.InputError` unless the right wheel is installed."""
        check_installed()

    def provenance(self) -> dict[str, object]:
        """Versions, and the detector's constants that the geometry uses."""
        names = ("field", "ecal_radius", "ecal_depth", "ecal_tilt", "crystal_eta", "crystal_phi")
        detector = {name: getattr(CRYSTALS, name) for name in names}
        return {"geant4": GEANT4, WHEEL: VERSION, "detector": detector}

    def showers(self, particles: Particles, seed: int, time_limit: float) -> Showers:
        """See :meth:`calovision.simulation.egamma.particles.Engine.showers`.

        Raises:
            InputError: the wheel is missing or another one, or Geant4 gives up.
            TimeoutError: it takes longer than the time limit.
        """
        names = ("charge", "eta", "phi", "z", "energy")
        asked = {name: getattr(particles, name) for name in names}
        made = simulated("calovision.simulation.egamma.geant4_run", asked, seed, time_limit)
        electron = particles.label == ELECTRON
        arrived = np.clip(made["arrived"] / particles.energy, 0.0, 1.0)
        lost = np.where(electron, 1 - arrived, 0.0)
        return Showers(
            made["crops"], made["row"], made["deposit"], ~electron & (arrived == 0), lost
        )
