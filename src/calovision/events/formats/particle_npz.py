"""Jets of particles in EnergyFlow's archives of arrays (zenodo.org/records/3164691).

``X`` ``(n, particles, 4)`` holds pt (GeV), rapidity, azimuth and PDG identity, padded by zeros,
``y`` 0 for gluons and 1 for quarks.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.events.formats.columns import classes, numbers
from calovision.events.formats.particle_jets import (
    KINDS,
    ParticleJets,
    Particles,
    jets_of,
    kinds_of,
)
from calovision.utils.arrays import read_arrays

_SHAPES = ((3, 4), (3, 3))  # dimensions of X, and numbers of a particle


class EnergyFlowFile(ParticleJets):
    """EnergyFlow's quark and gluon jets; without identities all particles are of one kind."""

    format, code, radius = "EnergyFlow", "particles-energyflow", 0.4
    kinds: tuple[str, ...] = KINDS
    classes = ("gluon", "quark")
    content_errors = (EOFError, OSError, ValueError, zipfile.BadZipFile)

    @classmethod
    def recognises(cls, path: Path, head: bytes) -> bool:
        """Archives whose ``X`` is a list of particles for every jet."""
        if not (head.startswith(b"PK\x03\x04") and b".npy" in head):
            return False
        try:
            with zipfile.ZipFile(path) as archive, archive.open("X.npy") as file:
                if np.lib.format.read_magic(file) != (1, 0):
                    return False  # of more than any list of particles has
                shape, _, _ = np.lib.format.read_array_header_1_0(file)
        except (KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile):
            return False
        return (len(shape), shape[-1] if shape else 0) in _SHAPES

    def _open(self) -> None:
        arrays = read_arrays(self.path, "fetch it again")
        self._cube, n = arrays["X"].astype(np.float64), len(arrays["X"])
        bad = ~np.isfinite(self._cube).all(axis=(1, 2))
        if bad.any():
            raise InputError(
                f"{self.path}: a particle of event {int(np.argmax(bad))} is not finite",
                "correct or remove it",
            )
        if self._cube.shape[2] == 3:
            self.kinds = ("particle",)
        self.columns = {}
        if "y" in arrays:
            label = numbers(self.path, "y", n, arrays["y"])
            self.columns["label"] = classes(self.path, "y", label)
        self.set_jets(n)

    def particles(self, start: int, stop: int) -> Particles:
        """Particles around the axis of their sum, as if without mass."""
        pt, eta, phi, *pdg = np.moveaxis(self._cube[start:stop], 2, 0)
        unit = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)])
        filled = pt > 0
        found = jets_of(pt * unit, filled)
        channel = kinds_of(pdg[0][filled]) if pdg else None
        return Particles(found.counts, found.pt, found.eta, found.phi, channel, found.columns)
