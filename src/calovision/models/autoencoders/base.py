"""The base of autoencoders: codes of events, and reconstructions from them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.features.coarse import coarse_energies
from calovision.training.task import Task
from calovision.utils import streams

JUDGED = 125  #: validation events whose reconstructions are looked at when a training ends


class AutoencoderTask(Task):
    """A task that sends events through a latent space and back."""

    @property
    @abstractmethod
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""

    @abstractmethod
    def reconstruct(
        self, dataset: Any, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means."""

    @abstractmethod
    def bits(self, dataset: Any, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(n,)`` information that the codes of the ``chosen`` events carry, bits.

        The Kullback-Leibler divergence of a code's distribution from the prior: what it costs on
        average to send, if sender and receiver share random numbers (bits back).
        """

    def quality_warning(self, dataset: Any, events: Events) -> str:
        """A line if reconstructions are no closer to their events than an image of them all.

        Closeness is the mean absolute difference of the energy in coarse cells, smeared by one.
        """
        chosen = np.arange(min(len(dataset), JUDGED))
        random = streams.torch_rng(streams.Stream.DOUBT, 0, device=self.device)
        rebuilt, _ = self.reconstruct(dataset, chosen, random)
        true, made = coarse_energies(events[: len(chosen)]), coarse_energies(rebuilt)
        found = np.abs(made - true).sum(1).mean()
        images = {"a blank image": 0.0 * true, "the mean image": true.mean(0)}
        for name, image in images.items():
            if found >= (other := np.abs(image - true).sum(1).mean()):
                return (
                    f"its reconstructions are no better than {name}: {found:.3g} GeV of an event"
                    f" are misplaced, there {other:.3g}"
                )
        return ""

    def size(self) -> dict[str, int]:
        """Parameters and latent numbers."""
        return super().size() | {"latent_numbers": self.latent_numbers}
