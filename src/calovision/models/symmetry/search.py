"""The search as a whole: from a latent space and its data to a group that acts on images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from calovision.models.symmetry.evidence import Evidence, evidence
from calovision.models.symmetry.flows import Field
from calovision.models.symmetry.isometry import pulled_back, rigid_motions
from calovision.models.symmetry.linear import LinearAction, Spectrum, closed, spectrum
from calovision.models.symmetry.refine import refine
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream
from calovision.training.minimise import Report, silent


@dataclass(frozen=True)
class Symmetry:
    """What a search found.

    Attributes:
        action: the linear action on images; with period ``2 pi`` where the group closes.
        field: its generator in the latent space.
        evidence: how good a symmetry the first guess's flow is.
        leaks: of the best rigid motions; see :class:`~calovision.models.symmetry.isometry.Motions`.
        spectrum: frequencies of the action before they were rounded.
    """

    action: LinearAction
    field: Field
    evidence: Evidence
    leaks: tuple[float, ...]
    spectrum: Spectrum

    @property
    def found(self) -> bool:
        """Whether this is a symmetry at all."""
        return self.evidence.found


def search(
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    report: Report = silent,
) -> Symmetry:
    """Look for a one-parameter group of rigid motions of the images that the oracle ignores.

    Args:
        space: any encoder, decoder and oracle.
        stream: its data.
        settings: sizes and weights of the search.
        random: of everything that is drawn.
        report: told how far the refinement is.
    """
    motions = rigid_motions(space, stream, settings, random)
    action = motions.actions[0]
    guessed = spectrum(action)
    period = 2 * math.pi / guessed.fundamental if guessed.closes else math.inf
    found = evidence(space, action, stream, settings, random, period)
    if found.found and settings.refine_steps:
        action = refine(action, space, stream, settings, random=random, report=report)
    frequencies = spectrum(action)
    if found.found and frequencies.closes:
        action = closed(action, frequencies.fundamental)
    return Symmetry(action, pulled_back(space, action), found, motions.leaks, frequencies)
