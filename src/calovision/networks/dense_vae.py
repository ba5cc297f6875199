"""The published convolutional VAE on dense 128 x 128 jet images.

Rebuilt after the student notebook "VAE for quark/gluon jet event images" (layers, widths and
activations as there), in PyTorch. Kept as it was, faults included, to be compared with.
"""

from __future__ import annotations

from torch import Tensor, nn

SIDE = 128  #: pixels along each side after resizing
_BOTTLENECK = 16  #: pixels along each side where the decoder starts


class DenseVAE(nn.Module):
    """Two stride-2 convolutions and a dense layer; three transposed convolutions back.

    Args:
        channels: image channels ``C``.
        latent: latent numbers ``L``.
    """

    def __init__(self, *, channels: int = 3, latent: int = 1024) -> None:
        super().__init__()
        self.latent_numbers = latent
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * (SIDE // 4) ** 2, 1024),
            nn.ReLU(),
        )
        self.mean = nn.Linear(1024, latent)
        self.log_variance = nn.Linear(1024, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 64 * _BOTTLENECK**2),
            nn.ReLU(),
            nn.Unflatten(1, (64, _BOTTLENECK, _BOTTLENECK)),
            nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance ``(B, L)`` of the posterior of ``(B, C, 128, 128)`` in [0, 1]."""
        hidden = self.encoder(image)
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, code: Tensor) -> Tensor:
        """Images ``(B, C, 128, 128)`` in [0, 1] of codes ``(B, L)``."""
        out: Tensor = self.decoder(code)
        return out
