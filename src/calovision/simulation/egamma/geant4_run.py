"""The process that runs Geant4 on electrons and photons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.simulation.detector import PHI_CELLS
from calovision.simulation.egamma.geant4_detector import ENTRANCE, detector
from calovision.simulation.egamma.particles import BARREL_ROWS, LAST_PEAK, PEAK, SIZE
from calovision.simulation.geant4.physics import Precision, load
from calovision.simulation.geant4.process import serve
from calovision.simulation.geant4.running import Shot, run_events

_NAME = {0: "gamma", -1: "e-", 1: "e+"}  #: by charge
PRECISION = Precision(
    photon_cut=1.0,
    # 2.94 MeV in lead tungstate. An electron below the lowest energy leaves it where it is
    # produced; not to produce it leaves the same.
    electron_cut=2.8,
    lowest_electron=3.0,
    final_step=5.0,
    # As CMS does (EPJ Web Conf. 214 (2019) 02036; 0.3 below 5 MeV in CMSSW, g4SimHits). No electron
    # that a soft photon frees would be followed. The sum of an event's energy fluctuates by less
    # than 0.2 GeV more, in quadrature with 0.5 GeV.
    roulette=0.3,
    soft_photon=2.5,
    # What a step loses more or less stays in the crystals, a few mm away.
    fluctuations=False,
)


def crop(energy: NDArray[np.float64]) -> tuple[int, NDArray[np.float32]]:
    """The surroundings of the hottest crystal that has all rows of its crop in the barrel.

    Args:
        energy: ``(360, 170)`` by phi and eta, GeV.

    Returns:
        The crystal's number along eta, 0 beginning at eta = 0, and the crop ``(32, 32)``, rows
        along eta.
    """
    allowed = energy[:, BARREL_ROWS - LAST_PEAK : BARREL_ROWS + LAST_PEAK + 1]
    at_phi, at_eta = np.unravel_index(allowed.argmax(), allowed.shape)
    at_eta += BARREL_ROWS - LAST_PEAK
    turned = np.roll(energy, PEAK - int(at_phi), axis=0)[:SIZE]
    padded = np.pad(turned, ((0, 0), (PEAK, PEAK)))
    around = padded[:, int(at_eta) : int(at_eta) + SIZE].T
    return int(at_eta) - BARREL_ROWS, around.astype(np.float32)


def _entrance(g4: Any) -> Any:
    class Entrance(g4.G4VSensitiveDetector):  # type: ignore[misc]
        """Records the energy with which the particle itself reaches the calorimeter."""

        def __init__(self) -> None:
            super().__init__(ENTRANCE)
            self.arrived = 0.0  # GeV

        def ProcessHits(self, step: Any, history: Any) -> bool:  # noqa: N802
            if self.arrived == 0 and step.GetTrack().GetTrackID() == 1:
                self.arrived = step.GetPreStepPoint().GetKineticEnergy() / g4.GeV
            return True

    return Entrance()


def run(particles: dict[str, NDArray[Any]], folder: Path) -> dict[str, NDArray[Any]]:
    """Simulate particles; only once in a process.

    Args:
        particles: arrays ``(n,)`` ``charge``, ``eta``, ``phi`` (rad), ``z`` (mm), ``energy`` (GeV),
            and a number ``seed``.
        folder: for a file that Geant4 wants to see.

    Returns:
        ``crops`` ``(n, 32, 32)`` (GeV), and ``(n,)`` ``row``, ``deposit`` (GeV) and ``arrived``,
        the energy (GeV) with which the particle itself entered the calorimeter, 0 if it did not.
    """
    g4 = load(folder)
    showers: dict[str, list[Any]] = {"crops": [], "row": [], "deposit": [], "arrived": []}
    entrance = _entrance(g4)

    def shot(number: int) -> Shot:
        entrance.arrived = 0.0
        charge, eta, phi, z, energy = (
            particles[name][number] for name in ("charge", "eta", "phi", "z", "energy")
        )
        direction = np.array([np.cos(phi), np.sin(phi), np.sinh(eta)]) / np.cosh(eta)
        return Shot(_NAME[int(charge)], energy, direction, z)

    def read(event: Any) -> None:
        energy = np.zeros((PHI_CELLS, 2 * BARREL_ROWS))
        hits = list(event.GetHCofThisEvent().GetHC(0))
        if hits:
            cell, deposit = np.array(hits).T
            energy.flat[cell.astype(int)] = deposit / g4.GeV
        row, around = crop(energy)
        showers["row"].append(row)
        showers["crops"].append(around)
        showers["deposit"].append(energy.sum())
        showers["arrived"].append(entrance.arrived)

    run_events(
        g4,
        lambda: detector(g4, entrance),
        PRECISION,
        events=len(particles["eta"]),
        seed=int(particles["seed"]),
        shot=shot,
        read=read,
    )
    return {name: np.array(values) for name, values in showers.items()}


if __name__ == "__main__":
    serve(run)
