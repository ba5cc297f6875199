"""Cuts a simulation into chunks and runs them."""

from __future__ import annotations

import numpy as np

from calovision.events.events import Events, concatenate
from calovision.simulate.chunk import chunk

CHUNK = 1000  #: jets of one chunk, whatever the number of workers


def jets(events: int, seed: int, workers: int = 1) -> Events:
    """Simulate quark/gluon jets."""
    parts = []
    for index, first in enumerate(range(0, events, CHUNK)):
        n = min(CHUNK, events - first)
        state = np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1)
        parts.append(chunk(int(state[0]), n - n // 2, n // 2, index * CHUNK))
    return concatenate(parts)
