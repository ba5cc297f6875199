"""Input and output of the shower engines: single particles, and energies in crystals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.events.geometry import EGAMMA_CROPS
from calovision.simulation.detector import CMS_BARREL

#: Crystals of the barrel; quasi-pointing, as CMS's are (CMS detector paper, JINST 3 S08004).
CRYSTALS = CMS_BARREL._replace(ecal_tilt=math.radians(3.0))
PHOTON, ELECTRON = 0, 1  #: labels of the public set
PT = 50.0  #: transverse momentum of every particle, GeV
MAX_ETA = 1.2  #: the crops of the public set lie in the barrel with all of their rows
SIZE = EGAMMA_CROPS.rows  #: crystals along each side of a crop
PEAK = SIZE // 2  #: row and column of the hottest crystal
BARREL_ROWS = 85  #: crystals from eta = 0 to either end of the barrel
#: Peaks from -LAST_PEAK to LAST_PEAK, 0 beginning at eta = 0, have all rows of their crop in it.
LAST_PEAK = BARREL_ROWS - PEAK


@dataclass(frozen=True)
class Particles:
    """Single particles at their vertices on the beam.

    Attributes:
        label: ``(n,)`` int8, photon 0, electron (of either charge) 1.
        charge: ``(n,)`` int8.
        eta: ``(n,)`` direction.
        phi: ``(n,)`` direction, rad in -pi..pi.
        z: ``(n,)`` of the vertex, mm.
    """

    label: NDArray[np.int8]
    charge: NDArray[np.int8]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    z: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def energy(self) -> NDArray[np.float64]:
        """``(n,)`` GeV; the electron's mass is left out."""
        energy: NDArray[np.float64] = PT * np.cosh(self.eta)
        return energy


@dataclass(frozen=True)
class Showers:
    """What particles leave in the calorimeter, before any electronics.

    Attributes:
        crops: ``(n, 32, 32)`` float32 deposited energy, GeV; rows along eta, columns along phi, the
            crystal with most energy at [16, 16].
        row: ``(n,)`` number of that crystal along eta, 0 beginning at eta = 0.
        deposit: ``(n,)`` energy in all crystals, GeV.
        converted: ``(n,)`` whether a photon has become a pair before the calorimeter.
        brem: ``(n,)`` share of its energy that an electron has lost before the calorimeter.
    """

    crops: NDArray[np.float32]
    row: NDArray[np.int64]
    deposit: NDArray[np.float64]
    converted: NDArray[np.bool_]
    brem: NDArray[np.float64]


class Engine(ABC):
    """A simulation of showers."""

    def check(self) -> None:  # noqa: B027 (most engines run everywhere)
        """Raise an :class:`~calovision.errors.InputError` unless it can run here."""

    def prepare(self) -> None:  # noqa: B027 (there may be nothing to prepare)
        """Do once what all processes on this machine profit from."""

    @abstractmethod
    def provenance(self) -> dict[str, object]:
        """What its results depend on, JSON-ready."""

    @abstractmethod
    def showers(self, particles: Particles, seed: int, time_limit: float) -> Showers:
        """Simulate particles, in their order.

        Args:
            particles: ``n`` of them.
            seed: of everything random, in 0..2^32 - 1.
            time_limit: seconds.

        Raises:
            TimeoutError: it takes longer.
        """


def draw(photons: int, electrons: int, random: np.random.Generator) -> Particles:
    """Particles even in eta and phi, in random order; electrons and positrons at random.

    A particle whose straight line meets the calorimeter beyond the last crystal that a crop may be
    centred on, or in it, starts from another vertex.

    Args:
        photons: number of photons.
        electrons: number of electrons and positrons.
        random: source of everything random.
    """
    n = photons + electrons
    label = random.permutation(np.repeat([PHOTON, ELECTRON], [photons, electrons])).astype(np.int8)
    sign = 2 * random.integers(2, size=n) - 1
    eta, phi = random.uniform(-MAX_ETA, MAX_ETA, n), random.uniform(-np.pi, np.pi, n)
    z = random.normal(0.0, CMS_BARREL.beam_spot_length, n)
    while (outside := _meets(eta, z) > LAST_PEAK * CMS_BARREL.crystal_eta).any():
        z[outside] = random.normal(0.0, CMS_BARREL.beam_spot_length, outside.sum())
    return Particles(label, (label * sign).astype(np.int8), eta, phi, z)


def _meets(eta: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n,)`` distance in eta from the barrel's middle at which lines meet the calorimeter."""
    found: NDArray[np.float64] = np.abs(np.arcsinh(z / CMS_BARREL.ecal_radius + np.sinh(eta)))
    return found
