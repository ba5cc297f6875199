"""Training objective and reconstruction of the published baseline VAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.networks.dense_vae import SIDE, DenseVAE
from calovision.tasks.autoencoder import AutoencoderTask
from calovision.tasks.dense_hits import hits_above, readout_cells
from calovision.tasks.devices import to_device
from calovision.tasks.settings import DenseVAEConfig
from calovision.tasks.task import Batch, as_tensor, weighted_mean
from calovision.tasks.weights import fill

CALIBRATION_JETS = 1000  #: most validation jets that the hit threshold is chosen on


class DenseVAETask(AutoencoderTask):
    """The dense VAE: images resized 125 -> 128 and scaled by one global maximum, as published.

    The sigmoid output is never exactly zero, so a threshold per channel decides what is a hit;
    :meth:`finish` sets it where the F1 of the occupancy on validation jets is best, which is
    the most favourable choice for this model.

    Args:
        geometry: of the images.
        maximum: largest pixel of the training set, image units.
        latent: latent numbers.
    """

    maximum: Tensor
    threshold: Tensor

    def __init__(self, geometry: Geometry, maximum: float, *, latent: int) -> None:
        super().__init__(geometry)
        self.network = DenseVAE(channels=len(geometry.channels), latent=latent)
        self.register_buffer("maximum", torch.tensor(maximum))
        self.register_buffer("threshold", torch.zeros(len(geometry.channels)))

    @classmethod
    def fresh(cls, config: DenseVAEConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task, scaled to the largest pixel of the training events."""
        return cls(geometry, float(train.value.max(initial=1e-6)), latent=config.latent)

    @classmethod
    def restored(
        cls, config: DenseVAEConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and the threshold of ``state``."""
        task = cls(geometry, 1.0, latent=config.latent)
        fill(task, state)
        return task

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.network.latent_numbers

    def view(self, events: Events) -> Events:
        """The baseline sees plain events and makes dense images of them."""
        return events

    def batch(self, view: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images ``(B, C, 128, 128)`` in [0, 1] of the ``chosen`` events, and their weights."""
        events = view[chosen]
        dense = torch.from_numpy(events.to_dense("image")).float() / self.on_host("maximum")
        images = F.interpolate(dense, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return images, as_tensor(self.weights(events))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean pixel cross entropy times the pixel number, plus the divergence, as published."""
        image, weight = batch
        mean, log_variance = self.network.encode(image)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        rebuilt = self.network.decode(mean + torch.exp(0.5 * log_variance) * noise)
        pixels = image[0].numel()
        entropy = F.binary_cross_entropy(rebuilt, image, reduction="none")
        entropy = weighted_mean(entropy, weight) * pixels
        kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp())
        divergence = weighted_mean(kl, weight)
        return {
            "loss": entropy + divergence,
            "pixels": entropy.detach(),
            "kl": divergence.detach(),
        }

    def _cells(self, view: Events, chosen: NDArray[np.int64]) -> tuple[list[Tensor], Tensor]:
        """Decoded content per readout cell of each channel (image units), and latent means.

        Both are on the CPU.
        """
        images = to_device(self.batch(view, chosen)[0], self.device)
        mean, _ = self.network.encode(images)
        decoded = self.network.decode(mean) * self.maximum
        return readout_cells(decoded.cpu(), self.geometry), mean.cpu()

    @torch.no_grad()
    def finish(self, view: Events) -> None:
        """Choose the hit threshold of every channel on validation jets."""
        jets, chunk = min(CALIBRATION_JETS, len(view)), 250
        levels = torch.logspace(-6, 0, 121, device="cpu")
        hits = levels.new_zeros(len(self.threshold), len(levels), 2)
        truth = levels.new_zeros(len(self.threshold))
        for start in range(0, jets, chunk):
            chosen = np.arange(start, min(start + chunk, jets))
            cells, _ = self._cells(view, chosen)
            dense = torch.from_numpy(view[chosen].to_dense("image"))
            for i, channel in enumerate(self.geometry.channels):
                middle = channel.block // 2
                true = dense[:, i, middle :: channel.block, middle :: channel.block] > 0
                truth[i] += true.sum()
                for right, of in ((0, cells[i]), (1, cells[i][true])):
                    ordered = of.flatten().sort().values
                    above = len(ordered) - torch.searchsorted(ordered, levels)
                    hits[i, :, right] += above
        f1 = 2 * hits[..., 1] / (hits[..., 0] + truth[:, None])
        self.threshold.copy_(levels[f1.argmax(1)])

    @torch.no_grad()
    def reconstruct(
        self, view: Events, chosen: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Events, NDArray[np.float32]]:
        """Reconstruction of the ``chosen`` events from their latent means, and those means."""
        cells, mean = self._cells(view, chosen)
        return hits_above(cells, self.threshold.cpu(), self.geometry), mean.cpu().numpy()
