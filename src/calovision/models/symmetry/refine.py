"""Step 3: adjust the linear action until long motions stay among the images that the VAE knows."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from calovision.models.symmetry.autoencoder import Report, silent
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.space import LatentSpace, Stream


def refine(
    action: LinearAction,
    space: LatentSpace,
    stream: Stream,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 128,
    times: int = 8,
    turns: float = 2.5,
    oracle: float = 0.2,
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
        steps: of the optimiser.
        random: of data and times.
        batch: images a step.
        times: different times a step.
        turns: longest motion, in turns of a typical frequency of the guess.
        oracle: weight of the oracle.
        rigid: whether the matrix must stay skew.
        report: told how far it is.
    """
    images, _ = stream(4 * batch, random)
    longest = 2 * math.pi * turns / action.typical_frequency(images)
    norm = action.matrix.norm()
    half = (action.matrix / norm / 2).clone().requires_grad_(True)
    optimiser = torch.optim.Adam([half], 1.0)

    def trained() -> Tensor:
        matrix = half - half.T if rigid else half
        scaled: Tensor = matrix / matrix.norm() * norm
        return scaled

    for number in range(steps):
        share = number / steps
        for group in optimiser.param_groups:  # relative to the entries, which are of one size
            group["lr"] = 0.04 * half.detach().abs().mean().item() * (1.02 - share)
        moving = replace(action, matrix=trained())
        images, _ = stream(batch, random)
        start = action.components(images)
        end = moving.move(start, longest * torch.rand(times, generator=random, device=start.device))
        z = space.encode(moving.images(end))
        rebuilt = action.components(space.decode(z))
        off = (rebuilt - end).square().sum(1).mean() / start.square().sum(1).mean()
        with torch.no_grad():
            before = space.evidence(space.encode(action.images(start)))
        change = (space.evidence(z) - before).square().sum(1).mean()
        seen = change / (before.var(0).sum() + 1e-6)
        optimiser.zero_grad()
        (off + oracle * seen).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if number % 50 == 0:
            report(share, {"off_manifold": off.item(), "oracle": seen.item()})
    return replace(action, matrix=trained().detach())
