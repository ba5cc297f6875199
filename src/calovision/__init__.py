"""Deep learning on particle-physics detector images, from collision to report."""

from __future__ import annotations

import importlib
from types import ModuleType

__version__ = "0.1.0"

_ROOMS = ("events", "metrics", "networks", "report", "simulate", "studies", "tasks")


def __getattr__(name: str) -> ModuleType:
    # Rooms load on first use, so that ``import calovision`` and ``--help`` stay fast.
    if name in _ROOMS:
        return importlib.import_module(f"calovision.{name}")
    raise AttributeError(f"module 'calovision' has no attribute {name!r}")
