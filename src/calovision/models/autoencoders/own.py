"""An autoencoder of dense images whose network is the user's own module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.dense_images import (
    cell_energies,
    cells_of,
    cells_told,
    image_arrays,
    image_inputs,
    readout_cells,
)
from calovision.models.autoencoders.image_autoencoder import ImageAutoencoderTask
from calovision.models.own_module import ABOUT, VALUES, ModuleConfig, own_copy, tried
from calovision.models.preset import Preset
from calovision.networks.likelihoods import gaussian_kl
from calovision.training.onnx_graph import Arrays, Graph, numpy_of
from calovision.training.settings import OWN
from calovision.training.task import Batch, as_tensor, weighted_mean

TRIED = 2  #: training events that the module is tried on before the training


class ModuleAutoencoder(ImageAutoencoderTask):
    """Any module with ``encode`` and ``decode`` as an autoencoder of dense images in GeV.

    As of the published VAE, a threshold per channel, chosen on validation events, decides which
    decoded cells are hits.

    Args:
        geometry: of the images.
        module: ``encode`` gives a code ``(n, L)``, or its mean and logarithmic variance, of images
            ``(n, C, rows, cols)`` in GeV a pixel; ``decode`` gives such images of codes.
        beta: weight of the Kullback-Leibler divergence, where ``encode`` gives a variance.
    """

    scale: Tensor

    def __init__(self, geometry: Geometry, module: nn.Module, beta: float) -> None:
        super().__init__(geometry)
        self.network: Any
        self.network, self.beta, self.latent = module, beta, 0
        scale = torch.tensor([c.gev_per_unit for c in geometry.channels])
        self.register_buffer("scale", scale[:, None, None], persistent=False)

    @classmethod
    def from_events(cls, config: Any, geometry: Geometry, train: Events) -> Self:
        """A task with a copy of the settings' ``module``, tried on two events.

        Raises:
            InputError: the module does not take images, or does not give such back.
        """
        task = cls(geometry, own_copy(config.module), config.beta)
        task._try(train[:TRIED])
        return task

    @classmethod
    def from_state(cls, config: Any, geometry: Geometry, state: Mapping[str, Tensor]) -> Self:
        """A task with the weights and the threshold of ``state``."""
        task = cls(geometry, own_copy(config.module), config.beta)
        task.take(state)
        return task

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image; 0 until it has encoded one."""
        return self.latent

    def batch(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Images ``(B, C, rows, cols)`` in GeV of the ``chosen`` events, and their weights."""
        events = dataset[chosen]
        return torch.from_numpy(events.to_dense()).float(), as_tensor(self.event_weights(events))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Squared differences summed over an image, GeV^2, plus the divergence times ``beta``."""
        images, weight = batch
        mean, log_variance = self._encoded(images)
        code = mean
        if log_variance is not None:
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            code = mean + torch.exp(0.5 * log_variance) * noise
        each = (self._decoded(code) - images).square().flatten(1).sum(1)
        parts = {"pixels": weighted_mean(each, weight)}
        loss = parts["pixels"]
        if log_variance is not None:
            parts["kl"] = weighted_mean(gaussian_kl(mean, 0.5 * log_variance).sum(1), weight)
            loss = loss + self.beta * parts["kl"]
        return {"loss": loss, **{k: v.detach() for k, v in parts.items()}}

    @torch.no_grad()
    def codes(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Codes or their means, and standard deviations, 0 where ``encode`` gives none."""
        mean, log_variance = self._encoded(self.batch(dataset, chosen)[0].to(self.device))
        std = torch.zeros_like(mean) if log_variance is None else torch.exp(0.5 * log_variance)
        return mean, std

    def cells(self, codes: Tensor) -> list[Tensor]:
        """Decoded content per readout cell of each channel (image units), on the CPU."""
        if not self.latent:  # the shape of codes is known from images alone
            sides = len(self.geometry.channels), self.geometry.rows, self.geometry.cols
            self._encoded(torch.zeros(1, *sides, device=codes.device))
        return readout_cells((self._decoded(codes) / self.scale).cpu(), self.geometry)

    def _encoded(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Codes ``(n, L)`` and their logarithmic variances, where the module gives them."""
        found = self.network.encode(images)
        mean, log_variance = (found, None) if isinstance(found, Tensor) else found
        self.latent = mean[0].numel()
        flat = None if log_variance is None else log_variance.flatten(1)
        self._shape = tuple(mean.shape[1:])
        return mean.flatten(1), flat

    def _decoded(self, code: Tensor) -> Tensor:
        images = self.network.decode(code.view(-1, *self._shape))
        if not isinstance(images, Tensor):
            raise TypeError(f"decode gives {type(images).__name__}, no tensor")
        return images

    def _try(self, events: Events) -> None:
        images, _ = self.batch(events, np.arange(len(events)))

        def call(network: nn.Module) -> Tensor:
            self.network, kept = network, self.network
            try:
                return self._decoded(self._encoded(images)[0])
            finally:
                self.network = kept

        takes = f"images {tuple(images.shape)}"
        rebuilt = tried(self.network, call, takes, "cv.models.Autoencoder")
        if rebuilt.shape != images.shape:
            raise InputError(
                f"decode gives {tuple(rebuilt.shape)} for images {tuple(images.shape)}",
                "return images of the same shape",
            )

    def graphs(self) -> list[Graph]:
        """Encoder and decoder."""
        return own_graphs(self)


class OwnEncoder(nn.Module):
    """Dense images in image units to codes, and their logarithmic variances where there are any."""

    def __init__(self, task: ModuleAutoencoder) -> None:
        super().__init__()
        self.network, self.scale = task.network, task.scale

    def forward(self, images: Tensor) -> Any:
        """``(n, C, rows, cols)`` to ``(n, ...)``."""
        return self.network.encode(images * self.scale)


class OwnDecoder(nn.Module):
    """Codes to the energy of every readout cell, channel by channel."""

    def __init__(self, task: ModuleAutoencoder) -> None:
        super().__init__()
        self.task, self.network = task, task.network

    def forward(self, code: Tensor) -> tuple[Tensor, ...]:
        """``(n, ...)`` to ``(n, rows / block, cols / block)`` of every channel, GeV."""
        images = self.network.decode(code) / self.task.scale
        return cell_energies(images, self.task.threshold, self.task.geometry)


def own_graphs(task: ModuleAutoencoder) -> list[Graph]:
    """Encoder and decoder of an autoencoder of one's own."""

    def parts(events: Events) -> tuple[Tensor, ...]:
        with torch.no_grad():
            found = task.network.encode(torch.from_numpy(events.to_dense()).float())
        return (found,) if isinstance(found, Tensor) else tuple(found[:2])

    def encoded(events: Events) -> Arrays:
        return numpy_of(names, parts(events))

    def code(events: Events) -> Arrays:
        return {"code": encoded(events)["code"]}

    def decoded(events: Events) -> Arrays:
        return cells_of(task.reconstruct(events, np.arange(len(events)), torch.Generator())[0])

    blank = Events(
        task.geometry,
        np.zeros(2, np.int64),
        np.zeros(0, np.uint16),
        np.zeros(0, np.uint8),
        np.zeros(0, np.float32),
    )
    shapes = [", ".join(map(str, t.shape[1:])) for t in parts(blank)]
    said = ("codes, or their means", "their logarithmic variances")
    names = {
        name: f"float32 (events, {shape}): {what}"
        for name, shape, what in zip(("code", "log_variance"), shapes, said, strict=False)
    }
    free = ("events",)
    return [
        Graph(
            "encoder",
            OwnEncoder(task),
            image_inputs(task.geometry),
            names,
            {"images": free},
            image_arrays,
            encoded,
        ),
        Graph(
            "decoder",
            OwnDecoder(task),
            {"code": names["code"]},
            cells_told(task.geometry),
            {"code": free},
            code,
            decoded,
        ),
    ]


PRESETS = {("jet-vae", OWN): Preset(ModuleAutoencoder, ModuleConfig, ABOUT, VALUES)}
