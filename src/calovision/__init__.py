"""Deep learning on particle-physics detector images, from collision to report."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_VERBS = {"from_images": "events"}  #: verb -> room that it is in
_ROOMS = ("events", "metrics", "networks", "report", "simulate", "studies", "tasks")


def __getattr__(name: str) -> Any:
    # Rooms load on first use, so that ``import calovision`` and ``--help`` stay fast.
    if name in _ROOMS:
        return importlib.import_module(f"calovision.{name}")
    if name in _VERBS:
        return getattr(importlib.import_module(f"calovision.{_VERBS[name]}"), name)
    raise AttributeError(f"module 'calovision' has no attribute {name!r}")
