"""The search with one of its priors left out: what does each of them contribute?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from calovision.models.symmetry.autoencoder import Report, silent
from calovision.models.symmetry.free import free_generator
from calovision.models.symmetry.isometry import rigid_motions
from calovision.models.symmetry.linear import (
    LinearAction,
    Spectrum,
    closed,
    principal_basis,
    spectrum,
)
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.space import LatentSpace, Stream
from calovision.networks.perceptron import VectorField

#: what is left out, in words; "guess" starts the refinement from a random skew matrix instead
PRIORS = {
    "nothing": "nothing",
    "isometry": "isometry: any matrix, not a skew one",
    "linear": "linear action: a network's flow that keeps inner products",
    "oracle": "oracle",
    "guess": "first guess: a random skew matrix, refined",
}
GENERAL_COMPONENTS = 40  #: at most, where there are as many unknowns as entries of a matrix


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
    *,
    random: torch.Generator,
    points: int = 2000,
    steps: int = 500,
    components: int = 60,
    report: Report = silent,
) -> Ablated:
    """Search as :func:`~calovision.models.symmetry.search.search` does, but for one prior.

    Args:
        prior: key of :data:`PRIORS`.
        space: the latent space.
        stream: its data.
        random: of everything that is drawn.
        points: data that the first guess is made from.
        steps: of the refinement, or of the network's training.
        components: principal components that the linear action works on.
        report: told how far the search is.
    """
    if prior == "linear":
        field = free_generator(space, stream, steps=steps, random=random, report=report)
        return Ablated(None, field, None, None)
    rigid, weight = prior != "isometry", 0.0 if prior == "oracle" else 0.1
    leak = None
    if prior == "guess":
        action = random_motion(space, stream, random, points=points, components=components)
    else:
        motions = rigid_motions(
            space,
            stream,
            random,
            components=components if rigid else min(components, GENERAL_COMPONENTS),
            points=points,
            oracle=weight,
            rigid=rigid,
        )
        action, leak = motions.actions[0], motions.leaks[0]
    if steps:
        action = refine(
            action,
            space,
            stream,
            steps=steps,
            random=random,
            oracle=2 * weight,
            rigid=rigid,
            report=report,
        )
    found = spectrum(action)
    if rigid and found.closes:
        action = closed(action, found.fundamental)
    return Ablated(action, None, leak, found)


@torch.no_grad()
def random_motion(
    space: LatentSpace,
    stream: Stream,
    random: torch.Generator,
    *,
    points: int = 2000,
    components: int = 60,
) -> LinearAction:
    """A random skew matrix on the leading components, of typical frequency 1."""
    z, _ = space.draw(stream, points, random, spread=0.0)
    images = space.decode(z)
    basis = principal_basis(images, components)
    size = basis.shape[1]
    matrix = torch.randn(size, size, generator=random, device=basis.device)
    action = LinearAction(matrix - matrix.T, basis)
    return replace(action, matrix=action.matrix / action.typical_frequency(images))
