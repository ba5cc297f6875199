"""What a search for symmetries needs: a stream of data, an encoder, a decoder, an oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.models.symmetry.checkpoints import Keeper
from calovision.models.symmetry.settings import Settings
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import perceptron
from calovision.training.minimise import Losses, cosine, minimise

Map = Callable[[Tensor], Tensor]


class Stream(Protocol):
    """Endless data: draws images ``(n, p)`` and class numbers ``(n,)``."""

    def __call__(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` images and their classes."""


@dataclass(frozen=True)
class LatentSpace:
    """A latent space and what hangs on it; nothing in it is trained further.

    Attributes:
        encode: images ``(n, p)`` to points ``(n, d)``.
        decode: points to images.
        oracle: points to logits of the classes ``(n, c)``.
        spread: points to the width ``(n, d)`` of the data about them; 0 for exact codes.
        dimension: ``d``.
    """

    encode: Map
    decode: Map
    oracle: Map
    spread: Map
    dimension: int

    def velocity(self, z: Tensor, dz: Tensor, step: float = 1e-2) -> tuple[Tensor, Tensor]:
        """Decoded image ``(n, p)`` and its rate of change along ``dz``, by central differences."""
        ahead, behind = self.decode(z + step * dz), self.decode(z - step * dz)
        return (ahead + behind) / 2, (ahead - behind) / (2 * step)

    def evidence(self, z: Tensor) -> Tensor:
        """Logits less their mean over classes ``(n, c)``: all that a probability depends on.

        Preserving every logit would leave ``d - c`` free directions; preserving their
        differences leaves one more.
        """
        logits = self.oracle(z)
        return logits - logits.mean(1, keepdim=True)

    def draw(
        self, stream: Stream, n: int, random: torch.Generator, spread: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Points ``(n, d)`` where data are, blurred by a share of their spread, and classes."""
        with torch.no_grad():
            images, label = stream(n, random)
            z = self.encode(images)
            if spread:
                noise = torch.randn(z.shape, generator=random, device=z.device)
                z = z + spread * noise * self.spread(images)
        return z, label


def vae_space(vae: ImageVAE, oracle: Map) -> LatentSpace:
    """The space of latent means of a VAE."""

    def spread(x: Tensor) -> Tensor:
        return (vae.encode(x)[1] / 2).exp()

    return LatentSpace(vae.mean, vae.decode, oracle, spread, vae.latent)


def new_oracle(settings: Settings, latent: int, classes: int) -> nn.Module:
    """An untrained classifier of latent points."""
    return perceptron([latent, settings.oracle_width, settings.oracle_width, classes])


def train_oracle(
    vae: ImageVAE,
    stream: Stream,
    classes: int,
    settings: Settings,
    *,
    random: torch.Generator,
    steps: int | None = None,
    keeper: Keeper | None = None,
) -> nn.Module:
    """A classifier of latent points, trained on posterior samples with smoothed labels.

    Its training takes ``settings.oracle_steps``, unless it is told otherwise.
    """
    oracle = new_oracle(settings, vae.latent, classes).to(device_of(vae))
    optimiser = torch.optim.AdamW(oracle.parameters(), settings.oracle_rate, weight_decay=0.0)

    def loss(_: float) -> Losses:
        with torch.no_grad():
            images, label = stream(settings.oracle_batch, random)
            mean, log_variance = vae.encode(images)
            noise = torch.randn(mean.shape, generator=random, device=mean.device)
            z = mean + noise * (log_variance / 2).exp()
        return F.cross_entropy(oracle(z), label, label_smoothing=settings.label_smoothing), {}

    steps, numbers = steps or settings.oracle_steps, None
    if keeper is not None:
        numbers = keeper.steps("oracle", steps, oracle=oracle, optimiser=optimiser)
    minimise(
        loss,
        optimiser,
        steps,
        numbers=numbers,
        schedule=lambda share: cosine(share, last=0.01),
    )
    return freeze(oracle)


def device_of(module: nn.Module) -> torch.device:
    """Where the weights of a module are."""
    return next(module.parameters()).device


def freeze(module: nn.Module) -> nn.Module:
    """The module, no longer asking for gradients."""
    return module.requires_grad_(False)
