"""The state of a training on disk: written whole, and read without running what is in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from calovision.errors import InputError
from calovision.training.devices import to_device
from calovision.utils.files import write_bytes
from calovision.utils.unreadable import exists, reading, unreadable

_NEEDED = {"state_dict", "global_step", "spent_s"}


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state, complete or not at all, on whatever device it is.

    Raises:
        InputError: the disk is full or not writable.
    """
    buffer = io.BytesIO()
    torch.save(to_device(state, torch.device("cpu")), buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """What a checkpoint holds, or nothing if there is none.

    Raises:
        InputError: it is damaged, holds more than tensors and plain values, or the system does
            not let it be read.
    """
    if not exists(path):
        return None
    found: Any = None
    with reading(path), path.open("rb") as file:
        try:
            found = torch.load(file, weights_only=True, map_location="cpu")
        except Exception as error:  # whatever a damaged archive makes of the reader
            raise unreadable(error, path) or _unreadable(path, type(error).__name__) from error
    if not isinstance(found, dict) or not found.keys() >= _NEEDED:
        raise _unreadable(path, "not the state of a training")
    return found


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be read ({reason})", "delete it to start the training again")
