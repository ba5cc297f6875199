from __future__ import annotations

import numpy as np
import pytest

from calovision.events.cylinders import in_plane
from calovision.events.formats.calochallenge import SETS
from calovision.simulation.geant4.cylinder_run import binned

GRID = SETS[368]  # photons of set 1, where every layer has rings of its own
MOST = max(len(layer.rings) for layer in GRID.channels)
RINGS = np.array(
    [[*c.rings, *[c.rings[-1]] * (MOST - len(c.rings))] for c in GRID.channels], np.float64
)
SECTORS = np.array([c.sectors for c in GRID.channels])


@pytest.mark.parametrize("layer", range(len(GRID.channels)))
def test_the_middle_of_a_cell_lies_in_that_cell(layer: int) -> None:
    channel = GRID.channels[layer]
    for sector in range(channel.sectors):
        for ring in range(len(channel.rings) - 1):
            cell = np.array([sector * GRID.cols + ring])
            x, y = in_plane(GRID.channels, GRID.cols, cell, np.array([layer]))
            steps = np.array([[layer, x[0], y[0], 2.5]])
            found = binned(steps, RINGS, SECTORS)
            assert found[layer, sector, ring] == 2.5
            assert found.sum() == 2.5


def test_energies_add_up_inside_the_rings_and_are_lost_outside() -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(-800, 800, (2, 5000))
    layer = rng.integers(len(SECTORS), size=5000)
    steps = np.stack([layer, *at, rng.random(5000)], 1)
    inside = np.hypot(*at) < RINGS[layer, -1]
    found = binned(steps, RINGS, SECTORS)
    for number in range(len(SECTORS)):
        mine = (layer == number) & inside
        assert found[number].sum() == pytest.approx(steps[mine, 3].sum())
    assert not inside.all()
    edge = np.array([[0, -600.0, 0.0, 1.0], [0, -599.9, 0.0, 1.0], [1, -1.0, -0.0, 1.0]])
    assert binned(edge, RINGS, SECTORS).sum() == 2
