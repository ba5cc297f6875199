"""The base of autoencoders: codes of events, and reconstructions from them."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.coarse import coarse_energies
from calovision.models.autoencoders.code_law import PARTS, CodeLaw
from calovision.networks.likelihoods import gaussian_kl
from calovision.training.task import Task
from calovision.training.weights import fill
from calovision.utils import streams

_LAW = "code_law."
_AT_ONCE = 250  #: events that are encoded together
JUDGED = 125  #: validation events whose reconstructions are looked at when a training ends


class AutoencoderTask(Task):
    """A task that sends events through a latent space and back.

    Attributes:
        code_law: law of the quantised codes of its training events; none before it is trained.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry)
        self.code_law: CodeLaw | None = None

    @property
    @abstractmethod
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""

    @abstractmethod
    def codes(self, dataset: Any, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the codes of the ``chosen`` events, ``(n, L)`` each.

        The deviation is 0 where the encoder has none, not a number where the event leaves a
        number unused.
        """

    @abstractmethod
    def decode(self, codes: Tensor, generator: torch.Generator) -> Events:
        """Events of codes ``(n, L)``; ``generator`` draws what they do not tell."""

    def reconstruct(
        self, dataset: Any, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means."""
        means, _ = self.codes(dataset, chosen)
        return self.decode(means, generator), np.asarray(means.cpu().numpy())

    def bits(self, dataset: Any, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(n,)`` information that the codes of the ``chosen`` events carry, bits.

        The Kullback-Leibler divergence of a code's distribution from the prior: what it costs on
        average to send, if sender and receiver share random numbers (bits back).
        """
        mean, std = self.codes(dataset, chosen)
        nats = gaussian_kl(mean, std.log()).nansum(1).double()
        found: NDArray[np.float64] = (nats / math.log(2)).cpu().numpy()
        return found

    def calibrate(self, dataset: Any) -> None:
        """Fit the law of codes to validation events."""
        self.fit_codes(dataset)

    def fit_codes(self, dataset: Any) -> None:
        """Fit the law of quantised codes to prepared events.

        Quantising spreads a number evenly over a bin. In the bins chosen here that is as much as
        the encoder leaves it undetermined; where it leaves nothing, 1/16 of its spread.
        """
        parts = np.array_split(np.arange(len(dataset)), -(-len(dataset) // _AT_ONCE))
        codes, squares = [], []
        for part in parts:
            mean, std = (np.asarray(x.cpu().numpy()) for x in self.codes(dataset, part))
            codes.append(mean)
            squares.append(std**2)
        whole, left = np.concatenate(codes), np.concatenate(squares)
        used = np.isfinite(left)
        width = np.sqrt(12 * np.where(used, left, 0).sum(0) / np.maximum(used.sum(0), 1))
        fine = np.maximum(whole.std(0) / 16, 1e-6)
        self.code_law = CodeLaw.fit(whole, np.where(width > 0, width, fine)).to(self.device)

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take weights, and the law of codes where there is one.

        Raises:
            ContentError: they are of another network.
        """
        law = {k: v for k, v in state.items() if k.startswith(_LAW)}
        if law.keys() == {_LAW + name for name in PARTS}:
            self.code_law = CodeLaw(*(torch.zeros_like(law[_LAW + name]) for name in PARTS))
        fill(self, state)

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
