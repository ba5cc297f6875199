"""Trained weights from a file that may be damaged: safetensors alone, in which nothing can run."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from calovision.errors import DAMAGE, InputError

#: what reading weights, or putting them into a network, raises if they do not fit
MISFIT: tuple[type[Exception], ...] = (*DAMAGE, SafetensorError)


def misfit(path: Path) -> InputError:
    """The error for weights that cannot be used."""
    return InputError(
        f"{path} is damaged, or written by another version of calovision",
        f"train again, or use the version named in {path.parent / 'config.yaml'}",
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file.

    Raises:
        InputError: it is absent or damaged.
    """
    try:
        return load_file(path)
    except MISFIT as error:
        raise misfit(path) from error
