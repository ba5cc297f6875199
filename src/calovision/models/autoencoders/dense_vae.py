"""Training objective and reconstruction of the published baseline VAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.dense_images import (
    Resized,
    cell_energies,
    cells_of,
    cells_told,
    image_arrays,
    image_inputs,
    readout_cells,
)
from calovision.models.autoencoders.image_autoencoder import ImageAutoencoderTask
from calovision.models.preset import Preset
from calovision.networks.dense_vae import SIDE, DenseVAE
from calovision.networks.likelihoods import gaussian_kl
from calovision.training.devices import to_device
from calovision.training.onnx_graph import Arrays, Graph, numpy_of
from calovision.training.settings import Training
from calovision.training.task import Batch, as_tensor, weighted_mean


class DenseVAEConfig(Training):
    """The published jet VAE.

    Attributes:
        latent: numbers in the latent space.
    """

    latent: int = Field(1024, ge=1, le=16_384)


class DenseVAETask(ImageAutoencoderTask):
    """The dense VAE: images resized 125 -> 128 and scaled by one global maximum, as published.

    The sigmoid output is never exactly zero: a threshold per channel decides what is a hit.

    Args:
        geometry: of the images.
        maximum: largest pixel of the training set, image units.
        latent: latent numbers.
    """

    maximum: Tensor

    def __init__(self, geometry: Geometry, maximum: float, *, latent: int) -> None:
        super().__init__(geometry)
        self.network = DenseVAE(channels=len(geometry.channels), latent=latent)
        self.register_buffer("maximum", torch.tensor(maximum))

    @classmethod
    def from_events(cls, config: DenseVAEConfig, geometry: Geometry, train: Events) -> Self:
        """An untrained task, scaled to the largest pixel of the training events."""
        return cls(geometry, float(train.value.max(initial=1e-6)), latent=config.latent)

    @classmethod
    def from_state(
        cls, config: DenseVAEConfig, geometry: Geometry, state: Mapping[str, Tensor]
    ) -> Self:
        """A task with the weights and the threshold of ``state``."""
        task = cls(geometry, 1.0, latent=config.latent)
        task.take(state)
        return task

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return self.network.latent_numbers

    def batch(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images ``(B, C, 128, 128)`` in [0, 1] of the ``chosen`` events, and their weights."""
        events = dataset[chosen]
        dense = torch.from_numpy(events.to_dense("image")).float() / self.on_host("maximum")
        images = F.interpolate(dense, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return images, as_tensor(self.event_weights(events))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean pixel cross entropy times the pixel number, plus the divergence, as published."""
        image, weight = batch
        mean, log_variance = self.network.encode(image)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        rebuilt = self.network.decode(mean + torch.exp(0.5 * log_variance) * noise)
        pixels = image[0].numel()
        entropy = F.binary_cross_entropy(rebuilt, image, reduction="none")
        entropy = weighted_mean(entropy, weight) * pixels
        kl = gaussian_kl(mean, 0.5 * log_variance)
        divergence = weighted_mean(kl, weight)
        return {
            "loss": entropy + divergence,
            "pixels": entropy.detach(),
            "kl": divergence.detach(),
        }

    @torch.no_grad()
    def codes(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of codes."""
        images = to_device(self.batch(dataset, chosen)[0], self.device)
        mean, log_variance = self.network.encode(images)
        return mean, torch.exp(0.5 * log_variance)

    def cells(self, codes: Tensor) -> list[Tensor]:
        """Decoded content per readout cell of each channel (image units), on the CPU."""
        decoded = self.network.decode(codes) * self.maximum
        return readout_cells(decoded.cpu(), self.geometry)

    def graphs(self) -> list[Graph]:
        """Encoder and decoder."""
        outputs = {
            "mean": f"float32 (events, {self.latent_numbers}): latent means",
            "log_variance": f"float32 (events, {self.latent_numbers})",
        }

        def encoded(events: Events) -> Arrays:
            images = self.batch(events, np.arange(len(events)))[0].to(self.device)
            return numpy_of(outputs, self.network.encode(images))

        def code(events: Events) -> Arrays:
            return {"code": encoded(events)["mean"]}

        def decoded(events: Events) -> Arrays:
            chosen = np.arange(len(events))
            return cells_of(self.reconstruct(events, chosen, torch.Generator(self.device))[0])

        return [
            Graph(
                "encoder",
                DenseEncoder(self),
                image_inputs(self.geometry),
                outputs,
                {"images": ("events",)},
                image_arrays,
                encoded,
            ),
            Graph(
                "decoder",
                DenseDecoder(self),
                {"code": f"float32 (events, {self.latent_numbers}): latent numbers"},
                cells_told(self.geometry),
                {"code": ("events",)},
                code,
                decoded,
            ),
        ]


class DenseEncoder(nn.Module):
    """Dense images in image units to latent means and log variances of the published VAE."""

    def __init__(self, task: DenseVAETask) -> None:
        super().__init__()
        self.task = task

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """``(n, C, rows, cols)`` to twice ``(n, L)``."""
        scaled = images / self.task.maximum
        small = F.interpolate(scaled, (SIDE, SIDE), mode="bilinear", align_corners=False)
        mean, log_variance = self.task.network.encode(small)
        return mean, log_variance


class DenseDecoder(nn.Module):
    """Codes of the published VAE to the energy of every readout cell, channel by channel."""

    def __init__(self, task: DenseVAETask) -> None:
        super().__init__()
        self.task, self.resized = task, Resized(SIDE, task.geometry)

    def forward(self, code: Tensor) -> tuple[Tensor, ...]:
        """``(n, L)`` to ``(n, rows / block, cols / block)`` of every channel, GeV."""
        images = self.task.network.decode(code) * self.task.maximum
        return cell_energies(self.resized(images), self.task.threshold, self.task.geometry)


PRESETS = {
    ("jet-vae", "baseline"): Preset(
        DenseVAETask,
        DenseVAEConfig,
        "The published jet VAE: latent 1,024, Adam 1e-3, 20 epochs, batch 32, early stopping.",
        {
            "epochs": 20,
            "batch": 32,
            "learning_rate": 0.001,
            "patience": 5,
            "validate_every": 200,
        },
    ),
}
