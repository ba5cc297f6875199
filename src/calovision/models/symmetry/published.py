"""The published search, rebuilt: generators that preserve an oracle's logits (arXiv:2302.00806).

``z' = z + eps g(z)`` with a small ``eps``; the loss is the mean squared change of the logits over
``eps`` squared, the deviation of ``|g|^2`` from 1, and the squared pointwise inner products of
different generators.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.models.symmetry.autoencoder import blurred, cross_entropy, divergence
from calovision.models.symmetry.checkpoints import EpochRows, Keeper
from calovision.models.symmetry.settings import PublishedSettings
from calovision.models.symmetry.space import LatentSpace, Stream, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField
from calovision.training.minimise import Losses, Report, minimise, silent


def train_published_vae(
    vae: ImageVAE,
    images: Tensor,
    settings: PublishedSettings,
    *,
    random: torch.Generator,
    report: Report = silent,
    keeper: Keeper | None = None,
) -> None:
    """Train in place on a fixed set of images ``(n, p)``: cross entropy plus divergence."""
    optimiser = torch.optim.Adam(vae.parameters(), settings.learning_rate, fused=True)
    batch = settings.batch
    steps = max(1, round(settings.epochs * len(images) / batch))
    left = EpochRows()

    def loss(_: float) -> Losses:
        if len(left.rows) < batch:
            left.rows = torch.randperm(len(images), generator=random, device=images.device)
        rows, left.rows = left.rows[:batch], left.rows[batch:]
        mean, log_variance = vae.encode(images[rows])
        entropy = cross_entropy(vae.logits(blurred(mean, log_variance, random)), images[rows])
        kl = divergence(mean, log_variance)
        return entropy + kl, {"cross_entropy": entropy, "divergence": kl}

    numbers = None
    if keeper is not None:
        numbers = keeper.steps("VAE", steps, vae=vae, optimiser=optimiser, order=left)
    minimise(loss, optimiser, steps, numbers=numbers, report=report, every=100)


def published_field(dimension: int) -> VectorField:
    """An untrained published generator: one hidden layer of 64."""
    return VectorField(dimension, width=64, layers=1, activation=nn.ReLU)


def published_generators(
    space: LatentSpace,
    stream: Stream,
    number: int,
    settings: PublishedSettings,
    *,
    random: torch.Generator,
    report: Report = silent,
) -> list[VectorField]:
    """``number`` generators, trained together."""
    fields = [published_field(space.dimension) for _ in range(number)]
    every = nn.ModuleList(fields).to(random.device)
    optimiser = torch.optim.Adam(every.parameters(), settings.generator_rate)
    batch, epsilon = settings.generator_batch, settings.epsilon
    pool, _ = space.draw(stream, 60 * batch, random, spread=0.0)

    def loss(_: float) -> Losses:
        z = pool[torch.randint(len(pool), (batch,), generator=random, device=pool.device)]
        velocities = [field(z) for field in fields]
        before = space.oracle(z)
        kept = torch.stack(
            [F.mse_loss(space.oracle(z + epsilon * v), before) for v in velocities]
        ).mean()
        norm = torch.stack([(v.square().sum(1) - 1).square().mean() for v in velocities]).mean()
        total = kept / epsilon**2 + settings.norm_weight * norm
        for a, b in combinations(velocities, 2):
            total = total + settings.orthogonal_weight * (a * b).sum(1).square().mean()
        return total, {"loss": total, "norm": norm}

    minimise(loss, optimiser, settings.generator_steps, report=report)
    freeze(every)
    return fields
