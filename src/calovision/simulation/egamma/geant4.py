"""The Geant4 engine: every chunk in a process of its own.

Geant4 can be set up once in a process only, a particle that spirals for ever cannot be stopped from
Python, and a wrong symbol would end the process; a child process takes care of all three.
"""

from __future__ import annotations

import importlib.metadata
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.simulation.egamma.particles import CRYSTALS, ELECTRON, Engine, Particles, Showers

WHEEL, VERSION = "geant4_pybind", "0.1.3"  #: its symbols are called by name, so no other will do
GEANT4 = "11.4.1"
_REMEDY = 'on Linux, run: pip install "calovision[geant4]"'


class Geant4(Engine):
    """Geant4 with the detector of :mod:`calovision.simulation.egamma.geant4_detector`."""

    def check(self) -> None:
        """Raise an :class:`~calovision.errors.InputError` unless the right wheel is installed."""
        try:
            found = importlib.metadata.version(WHEEL)
        except importlib.metadata.PackageNotFoundError:
            raise InputError(f"the geant4 engine needs {WHEEL} {VERSION}", _REMEDY) from None
        if found != VERSION:
            raise InputError(f"the geant4 engine needs {WHEEL} {VERSION}, not {found}", _REMEDY)
        if sys.platform != "linux":
            raise InputError(f"the geant4 engine runs on Linux, not on {sys.platform}", "use fast")

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
        self.check()
        with tempfile.TemporaryDirectory(prefix="calovision-geant4-") as folder:
            asked, given = Path(folder, "particles.npz"), Path(folder, "showers.npz")
            np.savez(
                asked,
                charge=particles.charge,
                eta=particles.eta,
                phi=particles.phi,
                z=particles.z,
                energy=particles.energy,
                seed=np.array(seed % 2**31),
            )
            _child(folder, asked, given, time_limit)
            with np.load(given) as made:
                electron = particles.label == ELECTRON
                arrived = np.clip(made["arrived"] / particles.energy, 0.0, 1.0)
                return Showers(
                    made["crops"],
                    made["row"],
                    made["deposit"],
                    ~electron & (arrived == 0),
                    np.where(electron, 1 - arrived, 0.0),
                )


def _child(folder: str, asked: Path, given: Path, time_limit: float) -> None:
    """Run Geant4 on a file of particles."""
    words = [
        sys.executable,
        "-m",
        "calovision.simulation.egamma.geant4_run",
        str(asked),
        str(given),
    ]
    try:
        subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=None if math.isinf(time_limit) else max(time_limit, 0.0),
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise InputError(
            f"Geant4 ended with code {error.returncode}: {lines[-1]}",
            "try another seed, or use the fast engine",
        ) from error
