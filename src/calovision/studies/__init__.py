"""One file per system: its baseline, ours, and the comparison of both."""

from __future__ import annotations

import lazy_loader

# A study imports everything there is; only the one that is asked for should load.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, ["egamma", "jet_generation", "jet_tagging", "jet_vae", "symmetry"]
)
