"""Networks of the user's own: checks before they are trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from pydantic import Field
from torch import nn
from torch.nn.parameter import is_lazy

from calovision.errors import InputError
from calovision.training.settings import Training

Found = TypeVar("Found")
#: what networks raise at inputs that they do not take
_RAISED = (RuntimeError, TypeError, ValueError, IndexError, AttributeError, KeyError)


class ModuleConfig(Training):
    """A network of the user's own.

    Attributes:
        form, max_hits, neighbours: what it takes; see :class:`~calovision.events.dataset.Inputs`.
        beta: weight of an autoencoder's Kullback-Leibler divergence.
        module: the network; it is not recorded.
    """

    form: Literal["dense", "hits", "graph"] = "hits"
    max_hits: int = Field(128, ge=1, le=100_000)
    neighbours: int = Field(8, ge=1, le=1000)
    beta: float = Field(1.0, ge=0)
    module: Any = Field(None, exclude=True)


ABOUT = "A network of one's own: AdamW with a cosine, and the average of the weights."
#: settings of its training by default
VALUES = {
    "epochs": 8,
    "batch": 64,
    "learning_rate": 0.001,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "ema": 0.995,
    "clip": 1.0,
    "validate_every": 100,
}


def checked_module(module: object) -> nn.Module:
    """The module, if it can be trained.

    Raises:
        InputError: it is no module, compiled, without weights to train, or of unknown sizes.
    """
    if isinstance(module, type):
        raise InputError(f"{module.__name__} is a class", f"give an object: {module.__name__}(...)")
    if not isinstance(module, nn.Module):
        raise InputError(f"{module!r:.40} is no torch.nn.Module", "give an object of such a class")
    name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise InputError(f"{name} is a compiled module", "give the module it was made from")
    if any(is_lazy(p) for p in module.parameters()):
        raise InputError(f"{name} does not know its sizes yet", "call it once on a batch before")
    if not any(p.requires_grad for p in module.parameters()):
        raise InputError(f"{name} has no weights to train", "give it some that require gradients")
    return module


def own_copy(module: nn.Module | None) -> nn.Module:
    """A copy of the module, so that the user's stays as it is.

    Raises:
        InputError: it cannot be copied, or is missing.
    """
    if module is None:
        raise InputError("the network of this run is missing", "give it: cv.models.Tagger(module)")
    try:
        return copy.deepcopy(module)
    except Exception as error:
        message = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{type(module).__name__} cannot be copied: {message}",
            "leave out of it what copy.deepcopy does not take, such as locks and open files",
        ) from error


def tried(
    network: nn.Module, call: Callable[[nn.Module], Found], takes: str, help_of: str
) -> Found:
    """What ``call`` gives with a network, which is tried in training and in use.

    Args:
        network: stays as it is.
        call: uses it.
        takes: what it is given, in words.
        help_of: where the help is.

    Raises:
        InputError: the network does not take it.
    """
    try:
        with torch.no_grad():
            call(copy.deepcopy(network).train())
            return call(copy.deepcopy(network).eval())
    except _RAISED as error:
        message = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"the network does not take {takes}: {message}",
            f"choose other inputs, or change the network; see help({help_of})",
        ) from error
