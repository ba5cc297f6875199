"""The split of an event set into training, validation and test events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import fingerprints
from calovision.events.splits import split
from calovision.training.settings import Training
from calovision.utils import streams


def parts_of(store: EventSet, config: Training) -> dict[str, NDArray[np.int64]]:
    """Training, validation and test events of a set.

    Jets of one collision are kept together, and so are events that are there more than once.
    """
    fractions = {
        "train": 1 - config.validation - config.test,
        "validation": config.validation,
        "test": config.test,
    }
    groups = store.column("event_id") if "event_id" in store.columns else None
    groups = fingerprints(store).groups(groups)
    found: dict[str, NDArray[np.int64]] = split(len(store), fractions, config.seed, groups)
    if config.events > len(found["train"]):
        raise InputError(
            f"{store.where} has {len(found['train'])} training events, not {config.events}",
            "ask for fewer, or give a larger set",
        )
    # Drawn evenly: the order of a set may mean something.
    few = streams.rng(streams.Stream.FEWER, config.seed).permutation(len(found["train"]))[
        : config.events
    ]
    return found | {"train": found["train"][np.sort(few)]} if config.events else found
