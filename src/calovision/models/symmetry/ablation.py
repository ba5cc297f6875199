"""The search with one of its priors left out: what does each of them contribute?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from calovision.models.symmetry.autoencoder import warm_cosine
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.isometry import gram_change, rigid_motions
from calovision.models.symmetry.linear import (
    LinearAction,
    Spectrum,
    closed,
    principal_basis,
    spectrum,
)
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream, freeze
from calovision.networks.perceptron import VectorField
from calovision.training.minimise import Losses, Report, minimise, silent

#: what is left out, in words; "guess" starts the refinement from a random skew matrix instead
PRIORS = {
    "nothing": "nothing",
    "isometry": "isometry: any matrix, not a skew one",
    "linear": "linear action: a network's flow that keeps inner products",
    "oracle": "oracle",
    "guess": "first guess: a random skew matrix, refined",
}
GENERAL_COMPONENTS = 40  #: at most, where there are as many unknowns as entries of a matrix
#: of a motion of the network's flow: at the speed that is asked for, an image moves its norm in 1
LONGEST = 1.5
SPEED = 0.1  #: weight of that speed


@dataclass(frozen=True)
class Ablated:
    """What is found without one of the priors, before the latent space is adapted to it.

    Attributes:
        action: the linear action, if there is one.
        field: a generator of the latent space where there is none.
        leak: of the first guess; none where there is no first guess.
        spectrum: of the refined action before rounding, if there is one.
    """

    action: LinearAction | None
    field: VectorField | None
    leak: float | None
    spectrum: Spectrum | None


def search_without(
    prior: str,
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    report: Report = silent,
) -> Ablated:
    """Search as :func:`~calovision.models.symmetry.search.search` does, but for one prior.

    Args:
        prior: key of :data:`PRIORS`.
        space: the latent space.
        stream: its data.
        settings: of the search.
        random: of everything that is drawn.
        report: told how far the search is.
    """
    if prior == "linear":
        field = free_generator(space, stream, settings, random=random, report=report)
        return Ablated(None, field, None, None)
    rigid, leak = prior != "isometry", None
    if prior == "oracle":
        settings = settings.model_copy(update={"oracle_weight": 0.0})
    if not rigid:
        few = min(settings.components, GENERAL_COMPONENTS)
        settings = settings.model_copy(update={"components": few})
    if prior == "guess":
        action = random_motion(space, stream, settings, random)
    else:
        motions = rigid_motions(space, stream, settings, random, rigid=rigid)
        action, leak = motions.actions[0], motions.leaks[0]
    if settings.refine_steps:
        action = refine(action, space, stream, settings, random=random, rigid=rigid, report=report)
    found = spectrum(action)
    if rigid and found.closes:
        action = closed(action, found.fundamental)
    return Ablated(action, None, leak, found)


@torch.no_grad()
def random_motion(
    space: LatentSpace, stream: Stream, settings: IsometrySettings, random: torch.Generator
) -> LinearAction:
    """A random skew matrix on the leading components, of typical frequency 1."""
    z, _ = space.draw(stream, settings.points, random, spread=0.0)
    images = space.decode(z)
    basis = principal_basis(images, settings.components)
    size = basis.shape[1]
    matrix = torch.randn(size, size, generator=random, device=basis.device)
    action = LinearAction(matrix - matrix.T, basis)
    return replace(action, matrix=action.matrix / action.typical_frequency(images))


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
        torch.optim.Adam(field.parameters(), settings.project_rate),
        settings.refine_steps,
        schedule=warm_cosine,
        clip=[(field, settings.clip_field)],
        report=report,
    )
    freeze(field)
    return field
