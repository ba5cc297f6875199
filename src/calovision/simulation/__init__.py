"""Simulated events."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calovision.simulation.driver import jets
    from calovision.simulation.egamma.driver import egamma

__all__ = ["egamma", "jets"]
_HOMES = {"egamma": "calovision.simulation.egamma.driver", "jets": "calovision.simulation.driver"}


def __getattr__(name: str) -> Any:
    # On first use: the process that runs Geant4 needs neither Numba nor Pythia, which take longer
    # to load than its own library.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'calovision.simulation' has no attribute {name!r}")
