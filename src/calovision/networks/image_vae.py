"""Variational autoencoders of small images (arXiv:1312.6114)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from calovision.networks.perceptron import perceptron


class ImageVAE(nn.Module):
    """Fully connected VAE on flat images with values in [0, 1].

    Args:
        pixels: of an image.
        latent: latent dimension.
        widths: hidden layers of the encoder, mirrored in the decoder.
    """

    def __init__(
        self, pixels: int = 784, latent: int = 5, widths: Sequence[int] = (512, 256, 128)
    ) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(perceptron([pixels, *widths]), nn.SiLU())
        self.head = nn.Linear(widths[-1], 2 * latent)
        self.decoder: nn.Module = perceptron([latent, *reversed(widths), pixels])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, ``(n, latent)`` each, of images ``(n, pixels)``."""
        mean, log_variance = self.head(self.encoder(x)).chunk(2, 1)
        return mean, log_variance

    def mean(self, x: Tensor) -> Tensor:
        """Latent means ``(n, latent)``."""
        return self.encode(x)[0]

    def logits(self, z: Tensor) -> Tensor:
        """Log odds of ink ``(n, pixels)``."""
        out: Tensor = self.decoder(z)
        return out

    def decode(self, z: Tensor) -> Tensor:
        """Images ``(n, pixels)`` in [0, 1]."""
        return torch.sigmoid(self.logits(z))


class ConvVAE(ImageVAE):
    """The published VAE of the symmetry study: two convolutions of stride 2 and a dense layer.

    Args:
        pixels: of an image, 16 times a square number.
        latent: latent dimension.
    """

    def __init__(self, pixels: int = 784, latent: int = 5) -> None:
        super().__init__(pixels, latent, (128,))
        side = math.isqrt(pixels)
        small = side // 4
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * small**2, 128),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 128),
            nn.ReLU(),
            nn.Linear(128, 64 * small**2),
            nn.ReLU(),
            nn.Unflatten(1, (64, small, small)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
            nn.Flatten(),
        )
