"""Which events of a set a run has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.events import Events
from calovision.events.fingerprints import fingerprints
from calovision.models.load import recorded_config
from calovision.training.parts import parts_of
from calovision.training.run import RunDir
from calovision.training.seen_events import training_events

MIN_EVENTS = 200  #: fewer events than this give no meaningful comparison


@dataclass(frozen=True)
class HeldOut:
    """The events of a set that a run has not seen.

    Attributes:
        events: these events.
        training: number of others, on which the run was trained or validated.
        repeated: number of further copies of ``events``, which are left out too.
    """

    events: Events
    training: int
    repeated: int


def held_out(run: RunDir, store: EventSet) -> HeldOut:
    """Events of ``store`` that the run has not seen, each once; of its own set, the test part.

    Raises:
        InputError: too few such events, or the run has lost what tells them.
    """
    prints, seen = fingerprints(store), ~unseen(run, store)
    new = np.flatnonzero(~seen)
    repeated = prints[new].repeated()
    new = new[~repeated]
    if len(new) < MIN_EVENTS:
        raise InputError(
            f"{store.where} has {len(new)} events that the run has not seen, and {int(seen.sum())}"
            " of its training",
            f"give a set with at least {MIN_EVENTS} others, such as one of another --seed",
        )
    events = store.load() if len(new) == len(store) else store[new]
    return HeldOut(events, int(seen.sum()), int(repeated.sum()))


def unseen(run: RunDir, store: EventSet) -> NDArray[np.bool_]:
    """``(n,)`` whether a run has not seen an event; of its own set, whether it is of the test part.

    Raises:
        InputError: the run has lost what tells them.
    """
    seen = training_events(run, store)
    if run.describe()["data"]["hash"] == store.hash:
        own = np.ones(len(store), np.bool_)
        own[parts_of(store, recorded_config(run))["test"]] = False
        seen |= own
    return ~seen
