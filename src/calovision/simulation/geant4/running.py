"""Particles through a detector, one event each, inside the process that runs Geant4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calovision.simulation.geant4.physics import Precision, physics


class Shot(NamedTuple):
    """A particle at its start.

    Attributes:
        name: Geant4's, such as ``"e-"``.
        energy: kinetic, GeV.
        direction: ``(3,)`` of length one.
        z: where it starts on the z axis, mm.
    """

    name: str
    energy: float
    direction: NDArray[np.float64]
    z: float


def run_events(
    g4: Any,
    detector: Any,
    precision: Precision,
    *,
    events: int,
    seed: int,
    shot: Callable[[int], Shot],
    read: Callable[[Any], None],
) -> None:
    """Simulate events; only once in a process.

    Args:
        g4: see :func:`~calovision.simulation.geant4.physics.load`.
        detector: its construction.
        precision: of the physics.
        events: how many.
        seed: of Geant4's random numbers.
        shot: number of an event to its particle, called when the event begins.
        read: called with Geant4's event when it ends.
    """
    table = g4.G4ParticleTable.GetParticleTable()

    class Source(g4.G4VUserPrimaryGeneratorAction):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._gun = g4.G4ParticleGun(1)

        def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802
            one, gun = shot(event.GetEventID()), self._gun
            gun.SetParticleDefinition(table.FindParticle(one.name))
            gun.SetParticleEnergy(float(one.energy) * g4.GeV)
            gun.SetParticleMomentumDirection(g4.G4ThreeVector(*map(float, one.direction)))
            gun.SetParticlePosition(g4.G4ThreeVector(0.0, 0.0, float(one.z)))
            gun.GeneratePrimaryVertex(event)

    class End(g4.G4UserEventAction):  # type: ignore[misc]
        def EndOfEventAction(self, event: Any) -> None:  # noqa: N802
            read(event)

    class Actions(g4.G4VUserActionInitialization):  # type: ignore[misc]
        def Build(self) -> None:  # noqa: N802
            self.SetUserAction(Source())
            self.SetUserAction(End())

    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    # Kept until the end: Geant4 holds pointers, Python would delete what they point at.
    parts = [detector(), physics(g4, precision), Actions()]
    for part in parts:
        manager.SetUserInitialization(part)
    g4.HepRandom.setTheSeed(seed)
    manager.Initialize()
    manager.BeamOn(events)
