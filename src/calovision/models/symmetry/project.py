"""Step 4: a flow of the latent space that does what the linear action does to images.

The VAE learns along: its latent space bends until an autonomous flow can follow.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from calovision.models.symmetry.autoencoder import blurred, cross_entropy, divergence
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import Stream, device_of, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField
from calovision.training.minimise import Losses, Report, cosine, minimise, silent

REACH = 10.0  #: flowed points are kept within this distance of 0 in every coordinate


def project(
    vae: ImageVAE,
    oracle: nn.Module,
    action: LinearAction,
    stream: Stream,
    settings: IsometrySettings,
    *,
    random: torch.Generator,
    joint: bool = False,
    guide: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    report: Report = silent,
) -> VectorField:
    """Train a generator and the VAE together, in place.

    ``Phi_t(E(x))`` is drawn to ``E(exp(t A) x)`` in units of the posterior's width, its image to
    ``exp(t A) x``; times grow to a full turn in both directions.

    Args:
        vae: trained further with its own loss.
        oracle: of the latent points.
        action: closed at ``2 pi``.
        stream: the data.
        settings: weights, rates and number of steps.
        random: of data, times and samples.
        joint: whether the VAE and the oracle are new and learn from the beginning.
        guide: loss of latent points ``(n, d)``, images and classes; in full at the beginning, where
            the topology of the latent space is decided.
        report: told how far it is.
    """
    device = device_of(vae)
    field = VectorField(vae.latent).to(device)
    vae_rate = settings.learning_rate if joint else settings.project_vae_rate
    groups = [
        {"params": list(field.parameters()), "lr": settings.project_rate},
        {"params": list(vae.parameters()), "lr": vae_rate},
    ]
    if joint:
        groups.append({"params": list(oracle.parameters()), "lr": settings.oracle_rate})
    batch, times, steps = settings.motion_batch, settings.times, settings.project_steps

    def loss(share: float) -> Losses:
        images, label = stream(batch, random)
        longest = 2 * math.pi * min(1.0, 0.08 + 0.9 * share)
        time = (2 * torch.rand(times, generator=random, device=device) - 1) * longest
        with torch.no_grad():
            moved = action.images(action.move(action.components(images), time)).clamp(0, 1)
        mean, log_variance = vae.encode(torch.cat([images, moved]))
        sample = blurred(mean[:batch], log_variance[:batch], random)
        entropy = cross_entropy(vae.logits(sample), images)
        total = entropy + settings.beta * divergence(mean, log_variance)
        start = mean[:batch] + 0.5 * (sample - mean[:batch]).detach()
        time_of_each = time.repeat_interleave(batch // times)[:, None]
        end = flow(field, start, time_of_each).clamp(-REACH, REACH)
        width = log_variance[batch:].exp().detach() + 0.01
        gap = ((end - mean[batch:]).square() / width).clamp(max=100).sum(1).mean()
        total = total + gap + settings.pixels * cross_entropy(vae.logits(end), moved)
        total = total + settings.evidence * _change(oracle, start, end, alone=not joint)
        if joint:
            total = total + settings.joint_oracle * nn.functional.cross_entropy(
                oracle(start), label
            )
        if guide is not None:
            # Let go, images that the plane has no place for would gather in the middle.
            total = total + guide(start, images, label) * max(1 - share / 0.3, settings.guided)
        return total, {"cross_entropy": entropy, "gap": gap}

    minimise(
        loss,
        torch.optim.Adam(groups, fused=True),
        steps,
        schedule=lambda share: (cosine(share) + 0.01) * min(1.0, (share * steps + 10) / 100),
        clip=[(field, settings.clip_field), (vae, settings.clip_vae)],
        report=report,
    )
    for module in (field, vae, oracle):
        freeze(module)
    return field


def _change(oracle: nn.Module, start: Tensor, end: Tensor, *, alone: bool) -> Tensor:
    """Mean squared change of the evidence over its variance; the start is fixed if ``alone``."""
    before, after = oracle(start), oracle(end)
    if alone:
        before = before.detach()
    before, after = (e - e.mean(1, keepdim=True) for e in (before, after))
    change: Tensor = (after - before).square().sum(1).mean()
    scaled: Tensor = change / (before.var(0).sum().detach() + 1e-3)
    return scaled
