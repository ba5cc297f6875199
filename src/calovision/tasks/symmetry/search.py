"""The search as a whole: from a latent space and its data to a group that acts on images."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from calovision.networks.perceptron import VectorField
from calovision.tasks.symmetry.autoencoder import Report, silent
from calovision.tasks.symmetry.isometry import Evidence, evidence, find_isometry
from calovision.tasks.symmetry.linear import LinearAction, Spectrum, closed, lift, spectrum
from calovision.tasks.symmetry.refine import refine
from calovision.tasks.symmetry.space import LatentSpace, Stream


@dataclass(frozen=True)
class Symmetry:
    """What a search found.

    Attributes:
        field: the generator in the latent space.
        evidence: how good a symmetry its flow is.
        action: its linear action on images; with period ``2 pi`` where the group closes.
        unexplained: share of squared image velocity that no linear action explains.
        spectrum: frequencies of the action before they were rounded.
    """

    field: VectorField
    evidence: Evidence
    action: LinearAction
    unexplained: float
    spectrum: Spectrum

    @property
    def found(self) -> bool:
        """Whether this is a symmetry at all."""
        return self.evidence.found


def search(
    space: LatentSpace,
    stream: Stream,
    *,
    random: torch.Generator,
    isometry_steps: int = 1300,
    refine_steps: int = 1000,
    components: int = 60,
    report: Report = silent,
) -> Symmetry:
    """Look for a one-parameter group of rigid motions of the images that the oracle ignores.

    Args:
        space: any encoder, decoder and oracle.
        stream: its data.
        random: of everything that is drawn.
        isometry_steps: of the generator.
        refine_steps: of the linear action; none if no symmetry is found.
        components: principal components that the linear action works on, ``p`` at most.
        report: told how far the search is.
    """
    share = isometry_steps / (isometry_steps + refine_steps)
    field = find_isometry(
        space,
        stream,
        steps=isometry_steps,
        random=random,
        report=lambda done, losses: report(done * share, losses),
    )
    found = evidence(space, field, stream, random)
    action, unexplained = lift(space, field, stream, random, components=components)
    if found.found and refine_steps:
        action = refine(
            action,
            space,
            stream,
            steps=refine_steps,
            random=random,
            report=lambda done, losses: report(share + done * (1 - share), losses),
        )
    frequencies = spectrum(action)
    if found.found and frequencies.closes:
        action = closed(action, frequencies.fundamental)
    return Symmetry(field, found, action, unexplained, frequencies)
