"""What a run has seen: fingerprints of its training and validation events, kept beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.files import write_bytes
from calovision.events.fingerprints import (
    TRAINING,
    Known,
    fingerprints,
    read_known,
    write_known,
)
from calovision.events.packed_prints import PACKED, unpack
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


def hand_on(run: RunDir, out: Path) -> None:
    """Copy a run's fingerprints, if it has them, into a set that was generated with it."""
    for name in (TRAINING, PACKED):
        if (run.path / name).is_file():
            write_bytes(out / name, (run.path / name).read_bytes())


def known_in(folder: Path, remedy: str) -> Known | None:
    """Fingerprints of training events in a run, or in a set that was generated with it, if any.

    Raises:
        InputError: they are damaged, with ``remedy``.
    """
    if (folder / TRAINING).is_file():
        return read_known(folder / TRAINING, remedy)
    return unpack(folder / PACKED, remedy) if (folder / PACKED).is_file() else None
