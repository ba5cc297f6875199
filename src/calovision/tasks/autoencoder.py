"""What every autoencoder task offers to the trainer and to those who use the trained model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry

#: tensors of one batch, in the order that the task's own ``loss`` unpacks them
Batch = tuple[Any, ...]


class AutoencoderTask(nn.Module, ABC):
    """A network with its loss, its way of seeing events and its way back to events.

    Args:
        geometry: of the images it is built for.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.geometry = geometry

    @property
    @abstractmethod
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""

    @abstractmethod
    def view(self, events: Events) -> Any:
        """Events prepared once, of which batches are made; it has a length."""

    @abstractmethod
    def batch(self, view: Any, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the ``chosen`` events."""

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """``loss`` to minimise, with gradient, and its parts, without."""

    @abstractmethod
    def reconstruct(
        self, view: Any, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means."""

    def finish(self, view: Any) -> None:
        """Choose on validation events what gradients cannot; nothing by default."""
        del view

    def check(self, geometry: Geometry) -> None:
        """Refuse images of another geometry than the task was built for.

        Raises:
            InputError: the geometries differ.
        """
        if geometry != self.geometry:
            raise InputError(
                f"the model was trained on {self.geometry.name} images, these are {geometry.name}",
                "give images of the same kind",
            )
