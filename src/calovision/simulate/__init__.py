"""Simulated events."""

from calovision.simulate.crops.driver import egamma
from calovision.simulate.driver import jets

__all__ = ["egamma", "jets"]
