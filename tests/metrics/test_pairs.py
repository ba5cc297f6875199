from __future__ import annotations

import numpy as np

from calovision.metrics.pairs import pixels


def test_pixels_are_those_of_the_dense_images(toy_jets):
    events = toy_jets[:6]
    found = pixels(events)
    dense = np.zeros((6, 3, 125 * 125))
    np.add.at(dense, (found.event, found.channel, found.cell), found.energy)
    np.testing.assert_allclose(dense.reshape(6, 3, 125, 125), events.to_dense(), rtol=1e-5)
    assert len(found.cell) == (events.to_dense() > 0).sum()
