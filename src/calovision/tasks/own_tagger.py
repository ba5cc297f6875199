"""A tagger whose network is the user's own module."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.dataset import Inputs
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.graphs import GraphView
from calovision.tasks.tagger import TaggerTask

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
        if not isinstance(found, Tensor) or found.shape[1:] not in _SHAPES:
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
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
    def made(cls, config: Any, geometry: Geometry) -> Self:
        """A task with a copy of the settings' ``module``, so that the user's stays as it is."""
        inputs = Inputs(config.form, config.max_hits, config.neighbours)
        return cls(geometry, copy.deepcopy(config.module), inputs)

    def fit(self, train: Events) -> None:
        """Try the module on two events; it scales its inputs itself.

        Raises:
            InputError: it does not take them.
        """
        (inputs,) = self.inputs(self.prepare(train[:TRIED]), np.arange(min(TRIED, len(train))))
        shape = tuple(inputs.shape) if isinstance(inputs, Tensor) else inputs
        was_training = self.training
        try:
            with torch.no_grad():
                found = self.eval().network(inputs)
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
            told = str(error).splitlines() or [type(error).__name__]
            raise InputError(
                f"the network does not take {self.form.form} inputs, {shape}: {told[0]}",
                "choose other inputs, or change the network; see help(cv.models.Tagger)",
            ) from error
        finally:
            self.train(was_training)
        if len(found) != min(TRIED, len(train)):
            raise InputError(
                f"the network gives {len(found)} logits for {TRIED} events", "return one for each"
            )

    def prepare(self, events: Events) -> Events | GraphView:
        """Graphs of all events, or the events, of which inputs are made batch by batch."""
        return self.form.prepared(events)

    def inputs(self, prepared: Events | GraphView, chosen: NDArray[np.int64]) -> tuple[Any]:
        """What the module takes, of the ``chosen`` events."""
        return (self.form.cut(prepared, chosen),)
