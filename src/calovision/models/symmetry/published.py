"""The published search, rebuilt: generators that preserve an oracle's logits (arXiv:2302.00806).

``z' = z + eps g(z)`` with ``eps = 1e-3``; the loss is the mean squared change of the logits over
``eps`` squared, 1.5 times the deviation of ``|g|^2`` from 1, and 0.1 times the squared pointwise
inner products of different generators.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.models.symmetry.autoencoder import (
    Report,
    blurred,
    cross_entropy,
    divergence,
    silent,
)
from calovision.models.symmetry.checkpoints import Keeper, Order, Stateful, steps_of
from calovision.models.symmetry.space import LatentSpace, Stream, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField

EPSILON, NORM, ORTHOGONAL = 1e-3, 1.5, 0.1


def train_published_vae(
    vae: ImageVAE,
    images: Tensor,
    *,
    epochs: float,
    random: torch.Generator,
    batch: int = 128,
    learning_rate: float = 1e-3,
    report: Report = silent,
    keeper: Keeper | None = None,
) -> None:
    """Train in place on a fixed set of images ``(n, p)``: cross entropy plus divergence."""
    optimiser = torch.optim.Adam(vae.parameters(), learning_rate, fused=True)
    steps = max(1, round(epochs * len(images) / batch))
    order = Order()
    changed: dict[str, Stateful] = {"vae": vae, "optimiser": optimiser, "order": order}
    for number in steps_of(keeper, "VAE", steps, changed):
        if len(order.rows) < batch:
            order.rows = torch.randperm(len(images), generator=random, device=images.device)
        rows, order.rows = order.rows[:batch], order.rows[batch:]
        mean, log_variance = vae.encode(images[rows])
        entropy = cross_entropy(vae.logits(blurred(mean, log_variance, random)), images[rows])
        kl = divergence(mean, log_variance)
        optimiser.zero_grad()
        (entropy + kl).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if number % 100 == 0:
            losses = {"cross_entropy": entropy.item(), "divergence": kl.item()}
            report(number / steps, losses)


def published_field(dimension: int) -> VectorField:
    """An untrained published generator: one hidden layer of 64."""
    return VectorField(dimension, width=64, layers=1, activation=nn.ReLU)


def published_generators(
    space: LatentSpace,
    stream: Stream,
    number: int,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 256,
    report: Report = silent,
) -> list[VectorField]:
    """``number`` generators, trained together."""
    fields = nn.ModuleList(published_field(space.dimension) for _ in range(number))
    fields.to(random.device)
    optimiser = torch.optim.Adam(fields.parameters(), 1e-3)
    pool, _ = space.draw(stream, 60 * batch, random, spread=0.0)
    for count in range(steps):
        z = pool[torch.randint(len(pool), (batch,), generator=random, device=pool.device)]
        velocities = [field(z) for field in fields]
        before = space.oracle(z)
        kept = torch.stack(
            [F.mse_loss(space.oracle(z + EPSILON * v), before) for v in velocities]
        ).mean()
        norm = torch.stack([(v.square().sum(1) - 1).square().mean() for v in velocities]).mean()
        loss = kept / EPSILON**2 + NORM * norm
        for a, b in combinations(velocities, 2):
            loss = loss + ORTHOGONAL * (a * b).sum(1).square().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if count % 50 == 0:
            report(count / steps, {"loss": loss.item(), "norm": norm.item()})
    freeze(fields)
    return [f for f in fields if isinstance(f, VectorField)]
