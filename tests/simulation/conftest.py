"""One simulated set for all tests of this room."""

from __future__ import annotations

import pytest

import calovision as cv
from calovision.events.events import Events
from calovision.simulation.generator import DijetGenerator, Jets
from calovision.simulation.pythia import GLUON, QUARK

JETS = 2000


@pytest.fixture(scope="session")
def simulated() -> Events:
    """2000 jets."""
    return cv.simulate.jets(JETS, seed=7, quiet=True).load()


@pytest.fixture(scope="session")
def generated() -> dict[int, Jets]:
    """Generator-level jets of 40 collisions, by label."""
    generator = DijetGenerator(seed=3, radius=0.5)
    return {label: generator.generate(label, 40) for label in (GLUON, QUARK)}
