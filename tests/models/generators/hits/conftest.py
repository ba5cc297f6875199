"""Simulated jets, and a small generator of them."""

from __future__ import annotations

import pytest
import torch

import calovision as cv
from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.hits.read_out import ReadOut, read_out_of
from calovision.models.generators.hits.task import HitsTask
from calovision.models.load import build

SMALL = {
    "width": 16,
    "layers": 1,
    "heads": 2,
    "components": 2,
    "companion_width": 8,
    "jet_width": 16,
    "jet_components": 2,
}


@pytest.fixture(scope="package")
def jets() -> Events:
    """300 of them."""
    return cv.simulate.jets(300, seed=78, quiet=True).load()


@pytest.fixture(scope="package")
def rules(jets: Events) -> ReadOut:
    return read_out_of(jets, 1)


@pytest.fixture(scope="package")
def task(jets: Events) -> HitsTask:
    """Untrained."""
    torch.manual_seed(1)
    made = build(load_config("jet-generator", "hits", None, SMALL), jets.geometry, jets)
    assert isinstance(made, HitsTask)
    made.chunk = 60  # type: ignore[misc]
    return made.eval()
