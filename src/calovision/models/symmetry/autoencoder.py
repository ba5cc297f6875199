"""Training of the VAE whose latent space is searched."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from calovision.models.symmetry.checkpoints import Keeper
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import Stream
from calovision.networks.image_vae import ImageVAE
from calovision.training.minimise import Losses, Report, cosine, minimise, silent

#: cross entropy and divergence of a VAE on images, with random numbers
Bound = Callable[[ImageVAE, Tensor, torch.Generator], tuple[Tensor, Tensor]]


def warm_cosine(share: float) -> float:
    """Learning rate over its largest value: a short rise, then half a cosine down to 2 %."""
    return min(1.0, share / 0.02 + 0.1) * cosine(share, last=0.02)


def cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """Binary cross entropy of images ``(n, p)``, summed over pixels, mean over images."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence from the standard normal prior, mean over images."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()


def blurred(mean: Tensor, log_variance: Tensor, random: torch.Generator) -> Tensor:
    """A sample of the posterior."""
    noise = torch.randn(mean.shape, generator=random, device=mean.device)
    return mean + noise * (log_variance / 2).exp()


def evidence_bound(vae: ImageVAE, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cross entropy of samples of the posterior, and its divergence."""
    mean, log_variance = vae.encode(images)
    sample = blurred(mean, log_variance, random)
    return cross_entropy(vae.logits(sample), images), divergence(mean, log_variance)


def train_vae(
    vae: ImageVAE,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    bound: Bound = evidence_bound,
    steps: int | None = None,
    report: Report = silent,
    keeper: Keeper | None = None,
) -> None:
    """Train in place; the weight of the divergence falls to ``beta`` in the first half.

    Of ``bound`` it takes the two parts of the loss, and ``settings.vae_steps`` steps unless it is
    told otherwise.
    """
    optimiser = torch.optim.Adam(vae.parameters(), settings.learning_rate, fused=True)

    def loss(share: float) -> Losses:
        images, _ = stream(settings.batch, random)
        entropy, kl = bound(vae, images, random)
        fallen = (settings.beta_start - settings.beta) * max(0.0, 1 - 2 * share)
        total = entropy + (settings.beta + fallen) * kl
        return total, {"cross_entropy": entropy, "divergence": kl}

    steps, numbers = steps or settings.vae_steps, None
    if keeper is not None:
        numbers = keeper.steps("VAE", steps, vae=vae, optimiser=optimiser)
    minimise(
        loss,
        optimiser,
        steps,
        numbers=numbers,
        schedule=warm_cosine,
        report=report,
        every=100,
    )
