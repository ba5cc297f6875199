"""The detector of :mod:`calovision.simulation.detector`, in Geant4.

Tracker material in cylinders, an air shell where particles enter the calorimeter, and 360 x 170
crystals that point nearly at the middle of the detector.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.simulation.detector import CMS_BARREL, PHI_CELLS, tracker_layers
from calovision.simulation.egamma.particles import BARREL_ROWS, CRYSTALS

SCORER, ENTRANCE = "crystals", "entrance"
_INNER, _OUTER = 1255.0, 1575.0  #: radii of a slice of crystals, mm
_TILTED = 5.0  #: mm by which tilted slices reach further out
_SHELL = 1250.0, 1251.0  #: radii of the entrance, mm
#: Errors allowed to paths in the field, in one step and where they cross a border, mm, and as a
#: share of the step. CMS's own simulation has these for soft electrons, stricter ones elsewhere
#: (CMSSW, g4SimHits); crystals are 22 mm wide.
_FIELD_ERROR, _BORDER_ERROR, _FIELD_SHARE = 0.1, 0.01, 0.01


def crystal(index: int) -> tuple[NDArray[np.float64], NDArray[np.float64], list[float]]:
    """One crystal of the slice at phi = 0, as a trapezoid.

    There are no gaps but at eta = 0, from where both halves of the barrel lean away: neighbours
    share a face. Every gap would cost a step of every particle that crosses it.

    Args:
        index: along eta, from -85 to 84.

    Returns:
        Its centre ``(3,)`` (mm); its axes ``(3, 3)``, a row each; and the 11 numbers of ``G4Trap``
        (mm, rad).
    """
    d, slope = CRYSTALS, math.tan(CRYSTALS.crystal_phi / 2)
    etas = [d.crystal_eta * (index + k) for k in (0.0, 0.5, 1.0)]
    edge, front, other = (d.ecal_radius * np.array([1.0, 0.0, math.sinh(eta)]) for eta in etas)
    lean = math.copysign(d.ecal_tilt, index + 0.5)
    polar = [2 * math.atan(math.exp(-eta)) - lean for eta in (etas[0], etas[2])]
    middle = sum(polar) / 2
    along = np.array([math.sin(middle), 0.0, math.cos(middle)])
    across = np.array([0.0, 1.0, 0.0])
    up = np.cross(along, across)

    def corner(start: NDArray[np.float64], angle: float, depth: float) -> tuple[float, float]:
        """Half the width, and the height over the axis, where an edge reaches a depth."""
        direction = np.array([math.sin(angle), 0.0, math.cos(angle)])
        at = start - front
        at = at + direction * (depth - at @ along) / (direction @ along)
        return float((front + at)[0] * slope), float(at @ up)

    faces = []
    for depth in (0.0, d.ecal_depth):
        (x1, y1), (x2, y2) = (
            corner(start, angle, depth) for start, angle in zip((edge, other), polar, strict=True)
        )
        faces.append(((y1 + y2) / 2, [(y2 - y1) / 2, x1, x2, 0.0]))
    (y_front, first), (y_back, second) = faces
    rise = y_back - y_front
    tilt, turn = math.atan2(abs(rise), d.ecal_depth), math.copysign(math.pi / 2, rise)
    centre = front + along * d.ecal_depth / 2 + up * (y_front + y_back) / 2
    trap = [d.ecal_depth / 2, tilt, turn, *first, *second]
    return centre, np.stack([across, up, along]), trap


def material_of(radius: float, from_z: float) -> str:
    """Material of a tracker layer; only its thickness in X0 matters."""
    if radius < 40:
        return "G4_Be"
    if from_z > 0:  # discs and their services
        return "G4_Al" if radius < 200 else "G4_Cu"
    return "G4_C" if radius in (176.0, 551.0, 1200.0) else "G4_Si"


def detector(g4: Any, entrance: Any) -> Any:
    """The detector's construction.

    Args:
        g4: see :func:`~calovision.simulation.geant4.physics.load`.
        entrance: a sensitive detector for the shell in front of the calorimeter.
    """
    alive: list[Any] = []  # Geant4 keeps pointers, Python would delete what they point at

    def kept(thing: Any) -> Any:
        alive.append(thing)
        return thing

    class Detector(g4.G4VUserDetectorConstruction):  # type: ignore[misc]
        def Construct(self) -> Any:  # noqa: N802
            self._nist = g4.G4NistManager.Instance()
            # not vacuum, in which a soft electron would lose nothing and spiral for ever
            self._air = self._nist.FindOrBuildMaterial("G4_AIR")
            box = kept(g4.G4Box("world", 2000.0, 2000.0, 4000.0))
            world = kept(g4.G4LogicalVolume(box, self._air, "world"))
            nowhere = g4.G4ThreeVector()
            self._world = g4.G4PVPlacement(None, nowhere, world, "world", None, False, 0)
            for radius, thickness, low, high in tracker_layers()[:-1]:
                material = self._nist.FindOrBuildMaterial(material_of(radius, low))
                depth = thickness * material.GetRadlen()
                self._cylinder(world, "tracker", material, (radius, radius + depth), low, high)
            length = 4000.0 - 1.0
            self._shell = self._cylinder(world, ENTRANCE, self._air, _SHELL, 0.0, length)
            self._calorimeter(world)
            return self._world

        def _cylinder(
            self, world: Any, name: str, material: Any, radii: Any, low: float, high: float
        ) -> Any:
            """A cylinder in ``low < abs(z) < high``; two of them unless ``low`` is 0."""
            half = (high - low) / 2 if low > 0 else high
            tube = kept(g4.G4Tubs(name, float(radii[0]), float(radii[1]), half, 0.0, 2 * math.pi))
            logical = kept(g4.G4LogicalVolume(tube, material, name))
            middle = (low + high) / 2
            for copy, z in enumerate((-middle, middle) if low > 0 else (0.0,)):
                at = g4.G4ThreeVector(0.0, 0.0, float(z))
                kept(g4.G4PVPlacement(None, at, logical, name, world, False, copy))
            return logical

        def _calorimeter(self, world: Any) -> None:
            length = CMS_BARREL.ecal_radius * math.sinh(BARREL_ROWS * CMS_BARREL.crystal_eta)
            length += CMS_BARREL.ecal_depth + 60.0
            radii = _INNER, _OUTER + _TILTED
            barrel = self._cylinder(world, "barrel", self._air, radii, 0.0, length)
            width = CMS_BARREL.crystal_phi
            wedge = kept(g4.G4Tubs("slice", _INNER, _OUTER, length, -width / 2, width))
            slice_ = kept(g4.G4LogicalVolume(wedge, self._air, "slice"))
            # Placements and no replica, in which Geant4 would look at all crystals every step.
            for copy in range(PHI_CELLS):
                turn = g4.G4RotationMatrix()
                phi = (copy + 0.5) * width
                turn.rotateZ(phi)
                aside = CMS_BARREL.ecal_radius * math.sin(CRYSTALS.ecal_tilt)
                to = g4.G4ThreeVector(aside * math.sin(phi), -aside * math.cos(phi), 0.0)
                place = g4.G4Transform3D(turn, to)
                kept(g4.G4PVPlacement(place, slice_, "slice", barrel, False, copy))
            lead_tungstate = self._nist.FindOrBuildMaterial("G4_PbWO4")
            self._crystals = []
            for index in range(-BARREL_ROWS, BARREL_ROWS):
                centre, axes, trap = crystal(index)
                solid = kept(g4.G4Trap("crystal", *trap))
                logical = kept(g4.G4LogicalVolume(solid, lead_tungstate, "crystal"))
                turn = kept(g4.G4RotationMatrix())
                turn.rotateAxes(*(g4.G4ThreeVector(*map(float, axis)) for axis in axes))
                place = g4.G4Transform3D(turn, g4.G4ThreeVector(*map(float, centre)))
                number = index + BARREL_ROWS
                kept(g4.G4PVPlacement(place, logical, "crystal", slice_, False, number))
                self._crystals.append(logical)

        def ConstructSDandField(self) -> None:  # noqa: N802
            manager = g4.G4SDManager.GetSDMpointer()
            scorer = kept(g4.G4MultiFunctionalDetector(SCORER))
            # counts weights; the slice's number is one level above the crystal's
            energy = g4.G4PSEnergyDeposit3D("energy", PHI_CELLS, 2 * BARREL_ROWS, 1, 1, 0, 2)
            scorer.RegisterPrimitive(kept(energy))
            manager.AddNewDetector(scorer)
            manager.AddNewDetector(kept(entrance))
            for logical in self._crystals:
                self.SetSensitiveDetector(logical, scorer)
            self.SetSensitiveDetector(self._shell, entrance)
            along = g4.G4ThreeVector(0.0, 0.0, CMS_BARREL.field * g4.tesla)
            field = kept(g4.G4UniformMagField(along))
            everywhere = g4.G4TransportationManager.GetTransportationManager().GetFieldManager()
            everywhere.SetDetectorField(field)
            everywhere.CreateChordFinder(field)
            everywhere.SetDeltaOneStep(_FIELD_ERROR * g4.mm)
            everywhere.SetDeltaIntersection(_BORDER_ERROR * g4.mm)
            everywhere.SetMaximumEpsilonStep(_FIELD_SHARE)

    return Detector()
