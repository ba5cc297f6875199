"""A generator without a linear action: a network whose flow keeps all inner products of images."""

from __future__ import annotations

import torch
from torch import nn

from calovision.models.symmetry.autoencoder import Report, rate, silent
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.isometry import gram_change
from calovision.models.symmetry.space import LatentSpace, Stream, freeze
from calovision.networks.perceptron import VectorField


def free_generator(
    space: LatentSpace,
    stream: Stream,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 128,
    learning_rate: float = 2e-3,
    longest: float = 1.5,
    oracle: float = 0.2,
    speed: float = 0.1,
    report: Report = silent,
) -> VectorField:
    """Train the generator on a latent space that stays as it is.

    The loss is the change of the Gram matrix of images over that of unrelated ones, after a short
    and after a longer time, the change of the oracle's evidence, and the squared logarithm of the
    speed of every image in units of its norm.

    Args:
        space: the latent space.
        stream: its data.
        steps: of the optimiser.
        random: of data and times.
        batch: images a step.
        learning_rate: of the generator.
        longest: time; at the speed that is asked for an image moves its norm in a unit of time.
        oracle: weight of the oracle.
        speed: weight of the speed.
        report: told how far it is.
    """
    field = VectorField(space.dimension).to(random.device)
    optimiser = torch.optim.Adam(field.parameters(), learning_rate)
    for number in range(steps):
        share = number / steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(share)
        z, _ = space.draw(stream, batch, random, spread=0.5)
        images, velocity = space.velocity(z, field(z))
        unrelated = gram_change(images, images.roll(1, 0))
        drawn = float(torch.rand(1, generator=random, device=random.device))
        time = 0.2 + (longest - 0.2) * min(1.0, 2 * share) * drawn
        loss = images.new_zeros(())
        for after in (0.1, time):
            end = flow(field, z, after, reach=10.0)
            change = gram_change(images, space.decode(end)) / unrelated
            seen = (space.evidence(end) - space.evidence(z)).square().sum(1).mean()
            seen = seen / (space.evidence(z).var(0).sum() + 1e-6)
            loss = loss + (change + oracle * seen) / after**2
        relative = (velocity.norm(dim=1) / images.norm(dim=1) + 1e-4).log()
        loss = loss + speed * relative.square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(field.parameters(), 5.0)
        optimiser.step()
        if number % 50 == 0:
            report(share, {"loss": loss.item(), "gram": change.item()})
    freeze(field)
    return field
