"""Trained weights from a file that may be damaged: safetensors alone, in which nothing can run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save as as_safetensors
from torch import Tensor, nn

from calovision.errors import ContentError, DamagedError, InputError
from calovision.events.geometry import Geometry
from calovision.training.settings import OWN, Training
from calovision.training.task import Task
from calovision.utils.files import write_bytes
from calovision.utils.unreadable import reading


def unusable(path: Path) -> DamagedError:
    """The error for weights that cannot be used."""
    return DamagedError(
        f"{path} is damaged, or written by another version of calovision",
        f"train again, or use the version named in {path.parent / 'config.yaml'}",
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file.

    Raises:
        InputError: it is absent or damaged, or the system does not let it be read.
    """
    with reading(path):
        # Not by the library: it calls a file that may not be read absent.
        content = path.read_bytes()
    try:
        return load(content)
    except _DAMAGE as error:
        raise unusable(path) from error


#: what safetensors raises at bytes that are not what they say
_DAMAGE = (SafetensorError, KeyError, ValueError, RuntimeError)


def task_from_weights(
    kind: type[Task], config: Training, geometry: Geometry, weights: Path
) -> Task:
    """The task whose weights lie in a file.

    Raises:
        InputError: the file is damaged, or of another task.
    """
    state = read_weights(weights)
    try:
        return kind.from_state(config, geometry, state)
    except ContentError as error:
        if config.model.startswith(OWN):
            raise other_network(config, weights.parent) from error
        raise unusable(weights) from error


def other_network(config: Training, place: Path) -> InputError:
    """The error for a network of the user's own that is not the one of a run."""
    return InputError(
        f"the weights in {place} are not of this network", f"give {config.model.removeprefix(OWN)}"
    )


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put tensors into a module that has the same names and shapes.

    Raises:
        ContentError: it has others.
    """
    wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
    if wanted != {name: tensor.shape for name, tensor in state.items()}:
        raise ContentError("the weights are of another network")
    module.load_state_dict(dict(state))


def tensor_of(state: Mapping[str, Tensor], name: str, axes: int) -> Tensor:
    """A tensor that tells how large a module is to be made.

    Raises:
        ContentError: it is not there, or has another number of axes.
    """
    if name not in state or state[name].ndim != axes:
        raise ContentError(f"no {name} with {axes} axes")
    return state[name]


def save_modules(
    path: Path, modules: dict[str, nn.Module], more: dict[str, Tensor] | None = None
) -> None:
    """Weights of several modules in one file, complete or not at all."""
    state = dict(more or {})
    for name, module in modules.items():
        state |= {f"{name}.{k}": v.cpu().contiguous() for k, v in module.state_dict().items()}
    write_bytes(path, as_safetensors(state))


def load_modules(path: Path, modules: dict[str, nn.Module]) -> None:
    """Put saved weights into modules, which are frozen.

    Raises:
        InputError: the file is damaged, or of other modules.
    """
    state = read_weights(path)
    for name, module in modules.items():
        start = f"{name}."
        mine = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
        try:
            fill(module, mine)
        except ContentError as error:
            raise unusable(path) from error
        module.requires_grad_(False)
