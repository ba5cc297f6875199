"""Simulated jets that keep their particles."""

from __future__ import annotations

import pytest

import calovision as cv
from calovision.events.events import Events


@pytest.fixture(scope="package")
def jets() -> Events:
    """300 of them."""
    return cv.simulate.jets(300, seed=77, particles=True, quiet=True).load()
