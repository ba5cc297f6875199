"""Events that are simulated for one training, in chunks that no set shares."""

from __future__ import annotations

import numpy as np

from calovision.events.events import Events
from calovision.simulation import jets
from calovision.simulation.chunks import Chunk
from calovision.simulation.egamma import driver as egamma
from calovision.utils import streams

CHUNK = 500  #: events in one chunk; part of what a seed means, so the same for any workers


def fresh_chunk(crops: bool, seed: int, number: int, events: int = CHUNK) -> Events:
    """Chunk ``number`` of the events of a training.

    Args:
        crops: electrons and photons instead of jets.
        seed: of the training; sets of the same seed hold other events.
        number: of the chunk.
        events: in it.
    """
    state = streams.numbers(streams.Stream.FRESH, seed, number).generate_state(1, np.uint64)
    chunk = Chunk(number, int(state[0]), number * events, events)
    return egamma.simulate_chunk(chunk) if crops else jets.simulate_chunk(chunk)
