"""What an autoencoder task offers beyond every task: codes, and its way back to events."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.tasks.task import Task


class AutoencoderTask(Task):
    """A task that sends events through a latent space and back."""

    @property
    @abstractmethod
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""

    @abstractmethod
    def reconstruct(
        self, view: Any, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means."""

    def size(self) -> dict[str, int]:
        """Parameters and latent numbers."""
        return super().size() | {"latent_numbers": self.latent_numbers}
