from __future__ import annotations

import numpy as np
import pytest

from calovision.events.events import Events


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
