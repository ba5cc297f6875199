from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.events.geometry import JET_IMAGES

Hit = tuple[int, int, int, float]  # channel, row, col, energy of the whole cell in GeV


def build(*events: list[Hit]) -> Events:
    """Jet images from hand-written hits."""
    rows = []
    for i, hits in enumerate(events):
        for channel, row, col, energy in hits:
            kind = JET_IMAGES.channels[channel]
            value = energy / kind.gev_per_unit / kind.block**2
            rows.append((i, channel, row * JET_IMAGES.cols + col, value))
    rows.sort()
    owner, code, cell, value = np.array(rows).reshape(-1, 4).T
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner.astype(int), None, len(events)))])
    return Events(
        JET_IMAGES,
        offsets.astype(np.int64),
        cell.astype(np.uint16),
        code.astype(np.uint8),
        value.astype(np.float32),
    )


@pytest.fixture(scope="session")
def make_events() -> Callable[..., Events]:
    return build


@pytest.fixture(scope="session")
def smeared(toy_jets: Events) -> Events:
    """The toy jets with every hit's energy off by about 20 %."""
    rng = np.random.default_rng(3)
    value = toy_jets.value * rng.lognormal(0, 0.2, len(toy_jets.value))
    return Events(
        toy_jets.geometry,
        toy_jets.offsets,
        toy_jets.cell,
        toy_jets.code,
        value.astype(np.float32),
        toy_jets.columns,
    )


@pytest.fixture(scope="session")
def blank(toy_jets: Events) -> Events:
    """As many events as the toy jets, all without a hit."""
    none = slice(0, 0)
    return Events(
        toy_jets.geometry,
        np.zeros(len(toy_jets) + 1, np.int64),
        toy_jets.cell[none],
        toy_jets.code[none],
        toy_jets.value[none],
        toy_jets.columns,
    )
