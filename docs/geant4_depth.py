"""Longitudinal profile of 50 GeV showers in a block of lead tungstate, by Geant4.

    python docs/geant4_depth.py CHARGE EVENTS OUT.npy    # charge 0: photons, -1: electrons

Writes energies, GeV, ``(events, slices)`` of half a radiation length; one kind of particle a
process.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from calovision.simulation.egamma.geant4_run import PRECISION
from calovision.simulation.geant4.physics import load, physics

SLICES, THICKNESS = 56, 0.5  #: number, and radiation lengths each
ENERGY = 50.0  #: GeV
_NAME = {0: "gamma", -1: "e-"}


def block(g4: Any, alive: list[Any]) -> Any:
    """A block of crystal, wide enough to hold showers, in slices along z."""

    def kept(thing: Any) -> Any:
        alive.append(thing)
        return thing

    class Block(g4.G4VUserDetectorConstruction):  # type: ignore[misc]
        def Construct(self) -> Any:  # noqa: N802
            materials = g4.G4NistManager.Instance()
            crystal = materials.FindOrBuildMaterial("G4_PbWO4")
            air = materials.FindOrBuildMaterial("G4_AIR")
            step = THICKNESS * crystal.GetRadlen()
            half = SLICES * step / 2
            nowhere = g4.G4ThreeVector()
            world = kept(g4.G4LogicalVolume(kept(g4.G4Box("world", 600, 600, 600)), air, "world"))
            whole = kept(g4.G4LogicalVolume(kept(g4.G4Box("all", 300, 300, half)), crystal, "all"))
            part = kept(g4.G4Box("slice", 300, 300, step / 2))
            self._slice = kept(g4.G4LogicalVolume(part, crystal, "slice"))
            top = g4.G4PVPlacement(None, nowhere, world, "world", None, False, 0)
            kept(g4.G4PVPlacement(None, nowhere, whole, "all", world, False, 0))
            kept(g4.G4PVReplica("slice", self._slice, whole, g4.kZAxis, SLICES, step))
            self.front = -half
            return top

        def ConstructSDandField(self) -> None:  # noqa: N802
            scorer = kept(g4.G4MultiFunctionalDetector("slices"))
            scorer.RegisterPrimitive(kept(g4.G4PSEnergyDeposit("energy", 0)))
            g4.G4SDManager.GetSDMpointer().AddNewDetector(scorer)
            self.SetSensitiveDetector(self._slice, scorer)

    return Block()


def actions(g4: Any, charge: int, front: Any, profiles: Any) -> Any:
    """A particle into the middle of the front face; energies of the slices are noted."""

    class Source(g4.G4VUserPrimaryGeneratorAction):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._gun = g4.G4ParticleGun(1)

        def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802
            table = g4.G4ParticleTable.GetParticleTable()
            self._gun.SetParticleDefinition(table.FindParticle(_NAME[charge]))
            self._gun.SetParticleEnergy(ENERGY * g4.GeV)
            self._gun.SetParticleMomentumDirection(g4.G4ThreeVector(0.0, 0.0, 1.0))
            self._gun.SetParticlePosition(g4.G4ThreeVector(0.0, 0.0, front.front - 1.0))
            self._gun.GeneratePrimaryVertex(event)

    class End(g4.G4UserEventAction):  # type: ignore[misc]
        def EndOfEventAction(self, event: Any) -> None:  # noqa: N802
            for cell, energy in event.GetHCofThisEvent().GetHC(0):
                profiles[event.GetEventID(), int(cell)] = energy / g4.GeV

    class Actions(g4.G4VUserActionInitialization):  # type: ignore[misc]
        def Build(self) -> None:  # noqa: N802
            self.SetUserAction(Source())
            self.SetUserAction(End())

    return Actions()


def main() -> None:
    """Simulate, write."""
    charge, number, out = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    alive: list[Any] = []
    profiles = np.zeros((number, SLICES))
    with tempfile.TemporaryDirectory() as folder:
        g4 = load(Path(folder))
        manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
        matter = block(g4, alive)
        for part in (matter, physics(g4, PRECISION), actions(g4, charge, matter, profiles)):
            manager.SetUserInitialization(part)
        g4.HepRandom.setTheSeed(1)
        manager.Initialize()
        manager.BeamOn(number)
    np.save(out, profiles)


if __name__ == "__main__":
    main()
