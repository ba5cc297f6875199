"""The front door: one function a verb, which notebooks, scripts and the command line call."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["models", "simulate"])
