"""What a run has seen: fingerprints of its training and validation events, kept beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import (
    TRAINING,
    fingerprints,
    write_known,
)
from calovision.events.packed_prints import PACKED, known_in
from calovision.tasks.rundir import RunDir


def remember(run: RunDir, store: EventSet, parts: dict[str, NDArray[np.int64]]) -> None:
    """Write the fingerprints of all training and validation events into a run that lacks them."""
    if not (run.path / TRAINING).exists():
        chosen = np.concatenate([parts["train"], parts["validation"]])
        write_known(run.path / TRAINING, fingerprints(store)[chosen].known())


def training_events(run: RunDir, store: EventSet) -> NDArray[np.bool_]:
    """``(n,)`` whether the run was trained or validated on an event of ``store``.

    An event counts as the same if its image is, or the generated jet or particle that it shows.

    Raises:
        InputError: the run's fingerprints are lost or damaged.
    """
    remedy = "run its 'calovision train' once more with --resume, on the same --data"
    known = known_in(run.path, f"delete it and {remedy}")
    if known is None:
        problem = f"{run.path} has lost {TRAINING}: which events are new to it cannot be told"
        raise InputError(problem, remedy)
    return fingerprints(store).among(known)


def known_training_events(run: RunDir, store: EventSet) -> NDArray[np.bool_] | None:
    """The same, or none where the run's fingerprints are lost."""
    there = any((run.path / name).is_file() for name in (TRAINING, PACKED))
    return training_events(run, store) if there else None
