"""Geant4's electromagnetic physics from the ``geant4_pybind`` wheel, without its data sets.

The wheel binds no processes or models, so they are constructed through the C++ symbols that it
exports; their names hold for one version of the wheel on Linux. Geant4's own lists need data files
of some hundred MB; these processes do not: bremsstrahlung comes from the complete-screening model
with LPM suppression instead of the Seltzer-Berger tables, and there is no fluorescence.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Precision(NamedTuple):
    """How finely showers are followed.

    Attributes:
        photon_cut: range below which no photon is produced, mm.
        electron_cut: the same of electrons and positrons, mm.
        lowest_electron: kinetic energy below which an electron is stopped, MeV.
        final_step: of the step function, mm.
        roulette: share of the soft bremsstrahlung photons that is followed; they carry the weight
            1 / roulette, so that sums of energies keep their means.
        soft_photon: energy below which a photon is soft, MeV.
        fluctuations: whether the energy that is lost in a step fluctuates.
    """

    photon_cut: float
    electron_cut: float
    lowest_electron: float
    final_step: float
    roulette: float
    soft_photon: float
    fluctuations: bool


_ELECTROMAGNETIC = 2  #: Geant4's fElectromagnetic
_OBJECT_SIZE = 16384  #: bytes, more than any process or model takes
_LIST = "_ZN19G4PhysicsListHelper"
_GENERAL = "_ZN21G4GammaGeneralProcess"


def load(folder: Path) -> Any:
    """The module ``geant4_pybind``, set up to run without data sets.

    Geant4's table of nuclides only wants its file to be there; an empty one in ``folder`` will do.
    """
    (folder / "ENSDFSTATE.dat").touch()
    os.environ["GEANT4_DATA_DIR"] = str(folder)
    os.environ["G4ENSDFSTATEDATA"] = str(folder)
    return importlib.import_module("geant4_pybind")


class _String(ctypes.Structure):
    """A ``std::string`` of libstdc++ that is short enough to lie in itself."""

    _fields_ = (("text", ctypes.c_void_p), ("length", ctypes.c_size_t), ("own", ctypes.c_char * 16))


class Symbols:
    """C++ functions of the wheel, by their mangled names.

    Args:
        path: of the wheel's library.
    """

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._new = ctypes.CDLL("libstdc++.so.6")._Znwm
        self._new.restype, self._new.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self._alive: list[_String] = []

    def call(self, symbol: str, *arguments: Any, gives: Any = ctypes.c_void_p) -> Any:
        """Call a function."""
        function = getattr(self._library, symbol)
        function.restype = gives
        return function(*arguments)

    def string(self, text: str) -> Any:
        """A reference to a string, which is kept for good."""
        short = text.encode()
        made = _String(None, len(short), short)
        made.text = ctypes.addressof(made) + _String.own.offset
        self._alive.append(made)
        return ctypes.byref(made)

    def construct(self, constructor: str, *arguments: Any) -> ctypes.c_void_p:
        """Construct an object that belongs to Geant4."""
        place = ctypes.c_void_p(self._new(_OBJECT_SIZE))
        ctypes.memset(place, 0, _OBJECT_SIZE)
        self.call(constructor, place, *arguments, gives=None)
        return place


def _photon_processes(c: Symbols) -> list[ctypes.c_void_p]:
    """Photoelectric effect, Compton scattering and pair production, as one process.

    Geant4 asks every process at every step; two steps of three are photons'.
    """
    kinds = {
        "phot": "_ZN21G4PhotoElectricEffectC1ERK8G4String13G4ProcessType",
        "compt": "_ZN19G4ComptonScatteringC1ERK8G4String13G4ProcessType",
        "conv": "_ZN17G4GammaConversionC1ERK8G4String13G4ProcessType",
    }
    general = c.construct(f"{_GENERAL}C1ERK8G4String", c.string("photon"))
    for name, symbol in kinds.items():
        process = c.construct(symbol, c.string(name), _ELECTROMAGNETIC)
        c.call(f"{_GENERAL}12AddEmProcessEP12G4VEmProcess", general, process, gives=None)
    return [general]


def _electron_processes(c: Symbols) -> list[ctypes.c_void_p]:
    """Multiple scattering, ionisation and bremsstrahlung."""
    kinds = {
        "msc": "_ZN21G4eMultipleScatteringC1ERK8G4String",
        "eIoni": "_ZN13G4eIonisationC1ERK8G4String",
        "eBrem": "_ZN17G4eBremsstrahlungC1ERK8G4String",
    }
    processes = [c.construct(symbol, c.string(name)) for name, symbol in kinds.items()]
    for place in (0, 1):  # below and above 1 GeV: no tables at any energy
        model = c.construct(
            "_ZN25G4eBremsstrahlungRelModelC1EPK20G4ParticleDefinitionRK8G4String",
            None,
            c.string("eBremLPM"),
        )
        c.call("_ZN20G4VEnergyLossProcess10SetEmModelEP10G4VEmModeli", processes[2], model, place)
    return processes


def _register(c: Symbols) -> None:
    """Give the processes to photons, electrons and positrons."""
    helper = ctypes.c_void_p(c.call(f"{_LIST}20GetPhysicsListHelperEv"))
    c.call(f"{_LIST}17AddTransportationEv", helper, gives=None)
    symbol = f"{_LIST}15RegisterProcessEP10G4VProcessP20G4ParticleDefinition"
    particles: dict[str, Callable[[Symbols], list[ctypes.c_void_p]]] = {
        "_ZN7G4Gamma5GammaEv": _photon_processes,
        "_ZN10G4Electron8ElectronEv": _electron_processes,
        "_ZN10G4Positron8PositronEv": _electron_processes,
    }
    for particle, processes in particles.items():
        own = ctypes.c_void_p(c.call(particle))
        for process in processes(c):
            c.call(symbol, helper, process, own, gives=ctypes.c_bool)
    annihilation = c.construct("_ZN19G4eplusAnnihilationC1ERK8G4String", c.string("annihil"))
    c.call(symbol, helper, annihilation, own, gives=ctypes.c_bool)


def physics(g4: Any, how: Precision) -> Any:
    """A physics list for photons, electrons and positrons.

    Args:
        g4: what :func:`load` returned.
        how: finely.
    """

    class Physics(g4.G4VUserPhysicsList):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            parameters = g4.G4EmParameters.Instance()
            parameters.SetDefaults()
            parameters.SetVerbose(0)
            for switch in (parameters.SetFluo, parameters.SetAuger, parameters.SetPixe):
                switch(False)
            parameters.SetGeneralProcessActive(True)
            parameters.SetApplyCuts(True)
            parameters.SetLowestElectronEnergy(how.lowest_electron * g4.MeV)
            parameters.SetStepFunction(1.0, how.final_step * g4.mm)
            if how.roulette < 1:
                # Not for annihilation too: at rest, Geant4 would go on with photons that lost.
                everywhere = "DefaultRegionForTheWorld"
                soft = how.soft_photon * g4.MeV
                parameters.ActivateSecondaryBiasing("eBrem", everywhere, how.roulette, soft)
            parameters.SetLossFluctuations(how.fluctuations)
            self.SetVerboseLevel(0)

        def ConstructParticle(self) -> None:  # noqa: N802
            for name in ("Gamma", "Electron", "Positron", "Geantino", "Proton"):
                getattr(getattr(g4, f"G4{name}"), name)()

        def ConstructProcess(self) -> None:  # noqa: N802
            self._symbols = Symbols(g4.__file__)
            _register(self._symbols)

        def SetCuts(self) -> None:  # noqa: N802
            self.SetCutValue(how.photon_cut * g4.mm, "gamma")
            for name in ("e-", "e+"):
                self.SetCutValue(how.electron_cut * g4.mm, name)

    return Physics()
