"""Fingerprints of the training and validation events of a run, kept beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import fingerprints
from calovision.events.training_fingerprints import (
    PACKED,
    TRAINING,
    copy_index,
    find_index,
    write_index,
)
from calovision.training.run import RunDir


def remember(
    run: RunDir, store: EventSet, parts: dict[str, NDArray[np.int64]], start: Path | None = None
) -> None:
    """Write the fingerprints of all training and validation events into a run that lacks them.

    Those of ``start``, the run whose weights it begins with, are training events too.
    """
    own, packed = run.path / TRAINING, run.path / PACKED
    if own.exists() or packed.exists():
        return
    chosen = np.concatenate([parts["train"], parts["validation"]])
    write_index(own, fingerprints(store)[chosen].index())
    if start is not None:
        copy_index([start, run.path], run.path)
        if packed.exists():  # of a model that comes with the package only parts are known
            own.unlink()


def training_events(run: RunDir, store: EventSet) -> NDArray[np.bool_]:
    """``(n,)`` whether the run was trained or validated on an event of ``store``.

    An event counts as the same if its image is, or the generated jet or particle that it shows.

    Raises:
        InputError: the run's fingerprints are lost or damaged.
    """
    remedy = "run its 'calovision train' once more with --resume, on the same --data"
    known = find_index(run.path, f"delete it and {remedy}")
    if known is None:
        problem = f"{run.path} has lost {TRAINING}: which events are new to it cannot be told"
        raise InputError(problem, remedy)
    return fingerprints(store).isin(known)


def known_training_events(run: RunDir, store: EventSet) -> NDArray[np.bool_] | None:
    """The same, or none where the run's fingerprints are lost."""
    there = any((run.path / name).is_file() for name in (TRAINING, PACKED))
    return training_events(run, store) if there else None
