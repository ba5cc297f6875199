"""The process that runs Geant4 on a sampling calorimeter of silicon and tungsten.

Layers stand upright on the particle's way, 1.4 mm of tungsten and .3 mm of silicon each; two of
them are read out as one layer, in rings and sectors around the axis. So is the calorimeter of
Geant4's example Par04, of which sets 2 and 3 of the CaloChallenge (arXiv:2410.21611) are made; that
one is bent around a beam, 800 mm away from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.simulation.geant4.physics import Precision, load
from calovision.simulation.geant4.process import serve
from calovision.simulation.geant4.running import Shot, run_events

TUNGSTEN, SILICON = 1.4, 0.3  #: mm
HALF = 500.0  #: of the side of a layer, mm
_NAME = {0: "gamma", 1: "e-"}  #: by class
PRECISION = Precision(
    photon_cut=0.7,  # Geant4's own
    electron_cut=0.7,
    lowest_electron=0.001,
    final_step=0.1,
    roulette=1.0,
    soft_photon=0.0,
    fluctuations=True,  # a silicon layer is thin
)


def binned(
    steps: NDArray[np.float64], rings: NDArray[np.float64], sectors: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``(layers, sectors, rings)`` energies of a shower's steps.

    Args:
        steps: ``(m, 4)`` layer, x and y (mm), and energy of each; those outside all rings are lost.
        rings: ``(layers, n + 1)`` edges of rings, mm, the last one repeated where there are fewer.
        sectors: ``(layers,)`` numbers of sectors, the first of which begins at -pi.
    """
    shape = len(sectors), int(sectors.max()), rings.shape[1] - 1
    layer, radius = steps[:, 0].astype(int), np.hypot(steps[:, 1], steps[:, 2])
    ring = (radius[:, None] >= rings[layer]).sum(1) - 1
    turn = np.arctan2(steps[:, 2], steps[:, 1]) / (2 * np.pi) + 0.5
    sector = np.minimum((turn * sectors[layer]).astype(int), sectors[layer] - 1)
    inside = (ring >= 0) & (radius < rings[layer, -1])
    place = np.ravel_multi_index((layer[inside], sector[inside], ring[inside]), shape)
    found = np.bincount(place, steps[inside, 3], int(np.prod(shape)))
    return found.reshape(shape).astype(np.float64)


def _detector(g4: Any, layers: int, scorer: Any) -> Any:
    alive: list[Any] = []  # Geant4 keeps pointers, Python would delete what they point at

    def kept(thing: Any) -> Any:
        alive.append(thing)
        return thing

    class Detector(g4.G4VUserDetectorConstruction):  # type: ignore[misc]
        def Construct(self) -> Any:  # noqa: N802
            nist = g4.G4NistManager.Instance()
            depth = 2 * layers * (TUNGSTEN + SILICON)
            box = kept(g4.G4Box("world", HALF + 10, HALF + 10, depth + 10))
            # Air and no vacuum, in which what flies backwards would never end.
            world = kept(g4.G4LogicalVolume(box, nist.FindOrBuildMaterial("G4_AIR"), "world"))
            self._world = g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)
            edge = 0.0
            parts = ((TUNGSTEN, "G4_W", "absorber"), (SILICON, "G4_Si", "silicon"))
            volumes = []
            for thickness, material, name in parts:
                plate = kept(g4.G4Box(name, HALF, HALF, thickness / 2))
                found = nist.FindOrBuildMaterial(material)
                volumes.append(kept(g4.G4LogicalVolume(plate, found, name)))
            for number in range(2 * layers):
                for (thickness, _, name), volume in zip(parts, volumes, strict=True):
                    at = g4.G4ThreeVector(0.0, 0.0, edge + thickness / 2)
                    kept(g4.G4PVPlacement(None, at, volume, name, world, False, number // 2))
                    edge += thickness
            self._silicon = volumes[1]
            return self._world

        def ConstructSDandField(self) -> None:  # noqa: N802
            g4.G4SDManager.GetSDMpointer().AddNewDetector(kept(scorer))
            self.SetSensitiveDetector(self._silicon, scorer)

    return Detector()


def _scorer(g4: Any) -> Any:
    class Scorer(g4.G4VSensitiveDetector):  # type: ignore[misc]
        """Records where energy is left in silicon, MeV."""

        def __init__(self) -> None:
            super().__init__("silicon")
            self.steps: list[tuple[int, float, float, float]] = []

        def ProcessHits(self, step: Any, history: Any) -> bool:  # noqa: N802
            energy = step.GetTotalEnergyDeposit()
            if energy > 0:
                point = step.GetPreStepPoint()
                at, number = point.GetPosition(), point.GetTouchable().GetCopyNumber()
                self.steps.append((number, at.x, at.y, energy / g4.MeV))
            return True

    return Scorer()


def run(asked: dict[str, NDArray[Any]], folder: Path) -> dict[str, NDArray[Any]]:
    """Simulate particles along the axis; only once in a process.

    Args:
        asked: ``label`` ``(n,)`` (photon 0, electron 1), ``energy`` ``(n,)`` (GeV), ``rings`` and
            ``sectors`` as of :func:`binned`, and a number ``seed``.
        folder: for a file that Geant4 wants to see.

    Returns:
        ``voxels`` ``(n, layers, sectors, rings)``: energy in silicon, MeV.
    """
    g4 = load(folder)
    scorer, voxels = _scorer(g4), []

    def shot(number: int) -> Shot:
        scorer.steps.clear()
        along = np.array([0.0, 0.0, 1.0])
        return Shot(_NAME[int(asked["label"][number])], asked["energy"][number], along, -1.0)

    def read(event: Any) -> None:
        del event
        steps = np.array(scorer.steps, np.float64).reshape(-1, 4)
        voxels.append(binned(steps, asked["rings"], asked["sectors"]).astype(np.float32))

    run_events(
        g4,
        lambda: _detector(g4, len(asked["sectors"]), scorer),
        PRECISION,
        events=len(asked["energy"]),
        seed=int(asked["seed"]),
        shot=shot,
        read=read,
    )
    return {"voxels": np.array(voxels)}


if __name__ == "__main__":
    serve(run)
