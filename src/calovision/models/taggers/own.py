"""A tagger whose network is the user's own module."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.dataset import Inputs
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.graphs import GraphView
from calovision.models.own_module import own_copy, tried
from calovision.models.taggers.base import TaggerTask

TRIED = 2  #: training events that the module is tried on before the training
_SHAPES = ((), (1,), (2,))  # of what a network may give for an event


class OneLogit(nn.Module):
    """A module's output as the logit of class 1, ``(n,)``.

    Args:
        module: gives ``(n,)`` or ``(n, 1)`` logits, or ``(n, 2)`` of both classes.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Any) -> Tensor:
        """``(n,)`` logits.

        Raises:
            InputError: an output of another shape.
        """
        found: Tensor = self.module(inputs)
        fits = isinstance(found, Tensor) and found.dim() and found.shape[1:] in _SHAPES
        if not fits or not found.is_floating_point():
            shape = (
                f"{found.dtype} {tuple(found.shape)}" if isinstance(found, Tensor) else type(found)
            )
            raise InputError(f"the network gives {shape}", "return logits (n,), (n, 1) or (n, 2)")
        if found.shape[1:] == (2,):
            return found[:, 1] - found[:, 0]
        return found[:, 0] if found.dim() == 2 else found


class ModuleTagger(TaggerTask):
    """Any module as a tagger, with the calibration and out-of-distribution flag of every tagger.

    Args:
        geometry: of the images.
        module: see :class:`OneLogit`; it gets what ``inputs`` makes of events.
        inputs: how events become the module's input.
    """

    def __init__(self, geometry: Geometry, module: nn.Module, inputs: Inputs) -> None:
        super().__init__(geometry, OneLogit(module))
        self.form = inputs

    @classmethod
    def from_config(cls, config: Any, geometry: Geometry) -> Self:
        """A task with a copy of the settings' ``module``."""
        inputs = Inputs(config.form, config.max_hits, config.neighbours)
        return cls(geometry, own_copy(config.module), inputs)

    def fit(self, train: Events) -> None:
        """Try the module on two events; it scales its inputs itself.

        Raises:
            InputError: it does not take them, or does not give a logit for each.
        """
        few = train[:TRIED]
        (inputs,) = self.inputs(self.prepare(few), np.arange(len(few)))
        shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else inputs
        found = tried(
            self.network,
            lambda network: network(inputs),
            f"{self.form.form} inputs, {shape}",
            "cv.models.Tagger",
        )
        if len(found) != len(few):
            raise InputError(
                f"the network gives {len(found)} logits for {len(few)} events",
                "return one for each",
            )

    def prepare(self, events: Events) -> Events | GraphView:
        """Graphs of all events, or the events, of which inputs are made batch by batch."""
        return self.form.prepared(events)

    def inputs(self, prepared: Events | GraphView, chosen: NDArray[np.int64]) -> tuple[Any]:
        """What the module takes, of the ``chosen`` events."""
        return (self.form.cut(prepared, chosen),)
