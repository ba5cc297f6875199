"""Loading trained models, from run directories or from the package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calovision.api.model import Model
from calovision.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def load_model(path: str | Path, *, device: str = "auto", module: nn.Module | None = None) -> Model:
    """The trained model in a run directory.

    Args:
        path: what ``out`` was in :func:`train`, or ``--out`` of ``calovision train``.
        device: where the network computes.
        module: the network, of a run that trained one of your own: its class is not recorded.

    Raises:
        InputError: no finished run there, no such device, or ``module`` is missing.

    Example:
        >>> import calovision as cv
        >>> cv.pretrained("egamma").save("kept").task, cv.load_model("kept").name
        ('egamma', 'crop-net')
    """
    if not isinstance(path, str | Path):
        raise InputError(f"{type(path).__name__} in place of a folder", "give the run's folder")
    return Model(path, device=device, module=module)


def pretrained(task: str, *, device: str = "auto") -> Model:
    """A trained model that comes with the package, or that others have shared.

    Args:
        task: ``"jet-tagger"``, ``"jet-vae"``, ``"jet-generator"``, ``"egamma"`` or
            ``"symmetry"``; or ``"hf://owner/name"``, with ``@revision`` if not the newest: a
            repository of Hugging Face, or of the mirror in the environment's ``HF_ENDPOINT``
            (``file:///folder``, too), that holds what ``Model.save`` writes. It is fetched once.
        device: where the network computes.

    Raises:
        InputError: no such model comes with the package or can be fetched, or no such device.

    Example:
        >>> import calovision as cv
        >>> cv.pretrained("jet-tagger").name
        'particle-transformer'
    """
    from calovision.models.pretrained import pretrained_run

    return Model(pretrained_run(task), device=device)
