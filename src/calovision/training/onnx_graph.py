"""One graph to write: a module, what goes in and out, and what the package itself says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Graph:
    """A module to be written as one file.

    Attributes:
        part: what the file holds of a model that needs several, such as ``"encoder"``; empty for
            a model of one file.
        module: tensors of ``inputs``, in order, to tensors of ``outputs``, in order.
        inputs: meaning, shape and unit of every input.
        outputs: meaning, shape and unit of every output.
        free: names of the first axes of every input that may be of any length; empty for one that
            may not.
        prepared: events to inputs, by name.
        expected: the same outputs as the package computes them, from the same events.
        notes: what else a user has to know.
        traced: write what the module does on an example, instead of what its code says. Many sizes
            that depend on data make the latter take minutes.
        alone: the file takes one event at a time.
    """

    part: str
    module: nn.Module
    inputs: dict[str, str]
    outputs: dict[str, str]
    free: dict[str, tuple[str, ...]]
    prepared: Callable[[Events], Arrays]
    expected: Callable[[Events], Arrays]
    notes: str = ""
    traced: bool = False
    alone: bool = False


def numpy_of(names: dict[str, str], values: tuple[Tensor, ...]) -> Arrays:
    """Tensors as arrays, under the names of outputs or inputs."""
    return {k: np.asarray(v.detach().cpu().numpy()) for k, v in zip(names, values, strict=True)}
