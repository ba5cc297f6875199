"""Training of the VAE whose latent space is searched."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from calovision.models.symmetry.checkpoints import Keeper, Stateful, steps_of
from calovision.models.symmetry.space import Stream
from calovision.networks.image_vae import ImageVAE

#: called with the share of the work that is done and the losses at that point
Report = Callable[[float, dict[str, float]], None]


def silent(share: float, losses: dict[str, float]) -> None:
    """Reports nothing."""


def rate(share: float, warm: float = 0.02) -> float:
    """Learning rate over its largest value: a short rise, then half a cosine down to 2 %."""
    return min(1.0, share / warm + 0.1) * (0.49 * (1 + math.cos(math.pi * share)) + 0.02)


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


def train_vae(
    vae: ImageVAE,
    stream: Stream,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 256,
    learning_rate: float = 2e-3,
    beta_start: float = 1.0,
    beta: float = 0.5,
    report: Report = silent,
    keeper: Keeper | None = None,
) -> None:
    """Train in place; the weight of the divergence falls to ``beta`` in the first half."""
    optimiser = torch.optim.Adam(vae.parameters(), learning_rate, fused=True)
    changed: dict[str, Stateful] = {"vae": vae, "optimiser": optimiser}
    for number in steps_of(keeper, "VAE", steps, changed):
        share = number / steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(share)
        images, _ = stream(batch, random)
        mean, log_variance = vae.encode(images)
        entropy = cross_entropy(vae.logits(blurred(mean, log_variance, random)), images)
        kl = divergence(mean, log_variance)
        loss = entropy + (beta + (beta_start - beta) * max(0.0, 1 - 2 * share)) * kl
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if number % 100 == 0:
            report(share, {"cross_entropy": entropy.item(), "divergence": kl.item()})
