"""A symmetry without a linear action: a network whose flow keeps inner products of images."""

from __future__ import annotations

import torch

from calovision.models.symmetry.autoencoder import warm_cosine
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.isometry import gram_change
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream, freeze
from calovision.networks.perceptron import VectorField
from calovision.training.minimise import Losses, Report, minimise, silent

#: of a motion of the network's flow: at the speed that is asked for, an image moves its norm in 1
LONGEST = 1.5
SPEED = 0.1  #: weight of that speed


def free_generator(
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    report: Report = silent,
) -> VectorField:
    """A generator without a linear action: a network whose flow keeps inner products of images.

    The loss is the change of the Gram matrix of images over that of unrelated ones, after a short
    and after a longer time, the change of the oracle's evidence, and the squared logarithm of the
    speed of every image in units of its norm.
    """
    field = VectorField(space.dimension).to(random.device)

    def loss(share: float) -> Losses:
        z, _ = space.draw(stream, settings.motion_batch, random, spread=0.5)
        images, velocity = space.velocity(z, field(z))
        unrelated = gram_change(images, images.roll(1, 0))
        drawn = float(torch.rand(1, generator=random, device=random.device))
        time = 0.2 + (LONGEST - 0.2) * min(1.0, 2 * share) * drawn
        total = images.new_zeros(())
        for after in (0.1, time):
            end = flow(field, z, after, reach=10.0)
            change = gram_change(images, space.decode(end)) / unrelated
            seen = (space.evidence(end) - space.evidence(z)).square().sum(1).mean()
            seen = seen / (space.evidence(z).var(0).sum() + 1e-6)
            total = total + (change + 2 * settings.oracle_weight * seen) / after**2
        relative = (velocity.norm(dim=1) / images.norm(dim=1) + 1e-4).log()
        total = total + SPEED * relative.square().mean()
        return total, {"loss": total, "gram": change}

    minimise(
        loss,
        torch.optim.Adam(field.parameters(), settings.free_rate),
        settings.refine_steps,
        schedule=warm_cosine,
        clip=[(field, settings.clip_field)],
        report=report,
    )
    freeze(field)
    return field
