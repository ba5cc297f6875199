"""Simulated events."""

from calovision.simulate.driver import jets

__all__ = ["jets"]
