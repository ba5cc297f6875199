"""Several modules of the symmetry task in one file of weights."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save as as_safetensors
from torch import Tensor, nn

from calovision.errors import ContentError
from calovision.models.symmetry.space import freeze
from calovision.training.weights import fill, read_weights, unusable
from calovision.utils.files import write_bytes


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
        freeze(module)
