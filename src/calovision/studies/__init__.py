"""One file per system: its baseline, ours, and the comparison of both."""

from __future__ import annotations

import importlib
from types import ModuleType

_STUDIES = (
    "comparing",
    "egamma",
    "evaluation",
    "jet_generation",
    "jet_tagging",
    "jet_vae",
    "symmetry",
)


def __getattr__(name: str) -> ModuleType:
    # A study imports everything there is; only the one that is asked for should load.
    if name in _STUDIES:
        return importlib.import_module(f"calovision.studies.{name}")
    raise AttributeError(f"module 'calovision.studies' has no attribute {name!r}")
