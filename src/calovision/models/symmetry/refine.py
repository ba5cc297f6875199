"""Step 3: adjust the linear action until long motions stay among the images that the VAE knows."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace, Stream
from calovision.training.minimise import Losses, Report, minimise, silent


def refine(
    action: LinearAction,
    space: LatentSpace,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    rigid: bool = True,
    report: Report = silent,
) -> LinearAction:
    """Train the matrix at constant norm.

    The loss is the distance of moved images to their reconstruction, and the change of the
    oracle's evidence.

    Args:
        action: the first guess.
        space: the latent space.
        stream: its data.
        settings: weights, rate and number of steps.
        random: of data and times.
        rigid: whether the matrix must stay skew.
        report: told how far it is.
    """
    images, _ = stream(4 * settings.motion_batch, random)
    longest = 2 * math.pi * settings.turns / action.typical_frequency(images)
    norm = action.matrix.norm()
    half = (action.matrix / norm / 2).clone().requires_grad_(True)

    def trained() -> Tensor:
        matrix = half - half.T if rigid else half
        scaled: Tensor = matrix / matrix.norm() * norm
        return scaled

    def rate(share: float) -> float:
        size = float(half.detach().abs().mean())  # of the entries
        return settings.refine_rate * size * (1.02 - share)

    def loss(_: float) -> Losses:
        moving = replace(action, matrix=trained())
        images = stream(settings.motion_batch, random)[0]
        start = action.components(images)
        times = torch.rand(settings.times, generator=random, device=start.device)
        end = moving.move(start, longest * times)
        z = space.encode(moving.images(end))
        rebuilt = action.components(space.decode(z))
        off = (rebuilt - end).square().sum(1).mean() / start.square().sum(1).mean()
        with torch.no_grad():
            before = space.evidence(space.encode(action.images(start)))
        change = (space.evidence(z) - before).square().sum(1).mean()
        seen = change / (before.var(0).sum() + 1e-6)
        total = off + 2 * settings.oracle_weight * seen
        return total, {"off_manifold": off, "oracle": seen}

    optimiser = torch.optim.Adam([half], 1.0)
    minimise(loss, optimiser, settings.refine_steps, schedule=rate, report=report)
    return replace(action, matrix=trained().detach())
