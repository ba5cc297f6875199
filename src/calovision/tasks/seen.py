"""What a run has seen: fingerprints of its training and validation events, kept beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.files import write_bytes
from calovision.events.fingerprints import TRAINING, fingerprints, read_prints, write_prints
from calovision.events.store import EventStore
from calovision.tasks.rundir import RunDir


def remember(run: RunDir, store: EventStore, parts: dict[str, NDArray[np.int64]]) -> None:
    """Write the fingerprints of all training and validation events into a run that lacks them."""
    if not (run.path / TRAINING).exists():
        chosen = np.concatenate([parts["train"], parts["validation"]])
        write_prints(run.path / TRAINING, fingerprints(store)[chosen].known())


def training_events(run: RunDir, store: EventStore) -> NDArray[np.bool_]:
    """``(n,)`` whether the run was trained or validated on an event of ``store``.

    An event counts as the same if its image is, or the generated jet or particle that it shows.

    Raises:
        InputError: the run's fingerprints are lost.
    """
    return fingerprints(store).among(_of_run(run))


def known_training_events(run: RunDir, store: EventStore) -> NDArray[np.bool_] | None:
    """The same, or none where the run's fingerprints are lost."""
    return training_events(run, store) if (run.path / TRAINING).is_file() else None


def hand_on(run: RunDir, out: Path) -> None:
    """Copy a run's fingerprints, if it has them, into a set that was generated with it."""
    if (run.path / TRAINING).is_file():
        write_bytes(out / TRAINING, (run.path / TRAINING).read_bytes())


def _of_run(run: RunDir) -> NDArray[np.unsignedinteger]:
    try:
        return read_prints(run.path / TRAINING, "")
    except InputError as error:
        raise InputError(
            f"{error.problem}: which events the run was trained on cannot be told",
            "run its 'calovision train' once more with --resume, on the same --data",
        ) from error
