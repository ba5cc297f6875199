"""Step 4: a flow of the latent space that does what the linear action does to images.

The VAE learns along: its latent space bends until an autonomous flow can follow.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from calovision.models.symmetry.autoencoder import (
    Report,
    blurred,
    cross_entropy,
    divergence,
    silent,
)
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.space import Stream, device_of, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField

REACH = 10.0  #: flowed points are kept within this distance of 0 in every coordinate
GUIDED = 0.25  #: weight of the guide after the first third of the training


def project(
    vae: ImageVAE,
    oracle: nn.Module,
    action: LinearAction,
    stream: Stream,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 128,
    times: int = 8,
    learning_rate: float = 2e-3,
    vae_rate: float = 1e-3,
    beta: float = 0.5,
    pixels: float = 0.3,
    keep: float = 0.5,
    train_oracle: float = 0.0,
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
        steps: of the optimiser.
        random: of data, times and samples.
        batch: images a step.
        times: different times a step.
        learning_rate: of the generator.
        vae_rate: of the VAE.
        beta: weight of the VAE's divergence.
        pixels: weight of the images' cross entropy.
        keep: weight of the change of the oracle's evidence.
        train_oracle: weight of the oracle's own loss; 0 leaves it alone.
        guide: loss of latent points ``(n, d)``, images and classes; in full at the beginning, where
            the topology of the latent space is decided.
        report: told how far it is.
    """
    device = device_of(vae)
    field = VectorField(vae.latent).to(device)
    groups = [
        {"params": list(field.parameters()), "lr": learning_rate},
        {"params": list(vae.parameters()), "lr": vae_rate},
    ]
    if train_oracle:
        groups.append({"params": list(oracle.parameters()), "lr": 2e-3})
    optimiser = torch.optim.Adam(groups, fused=True)
    rates = [g["lr"] for g in optimiser.param_groups]
    for number in range(steps):
        share = number / steps
        factor = (0.51 + 0.5 * math.cos(math.pi * share)) * min(1.0, (number + 10) / 100)
        for group, base in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = base * factor
        images, label = stream(batch, random)
        most = 2 * math.pi * min(1.0, 0.08 + 0.9 * share)
        time = (2 * torch.rand(times, generator=random, device=device) - 1) * most
        with torch.no_grad():
            moved = action.images(action.move(action.components(images), time)).clamp(0, 1)
        mean, log_variance = vae.encode(torch.cat([images, moved]))
        sample = blurred(mean[:batch], log_variance[:batch], random)
        loss = cross_entropy(vae.logits(sample), images)
        elbo = loss.detach()
        loss = loss + beta * divergence(mean, log_variance)
        start = mean[:batch] + 0.5 * (sample - mean[:batch]).detach()
        end = flow(field, start, time.repeat_interleave(batch // times)[:, None]).clamp(
            -REACH, REACH
        )
        width = log_variance[batch:].exp().detach() + 0.01
        gap = ((end - mean[batch:]).square() / width).clamp(max=100).sum(1).mean()
        loss = loss + gap + pixels * cross_entropy(vae.logits(end), moved)
        loss = loss + keep * _change(oracle, start, end, alone=not train_oracle)
        if train_oracle:
            loss = loss + train_oracle * nn.functional.cross_entropy(oracle(start), label)
        if guide is not None:
            # Let go, images that the plane has no place for would gather in the middle.
            loss = loss + guide(start, images, label) * max(1 - share / 0.3, GUIDED)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(field.parameters(), 5.0)
        nn.utils.clip_grad_norm_(vae.parameters(), 200.0)
        if all(p.grad is not None and p.grad.isfinite().all() for p in field.parameters()):
            optimiser.step()
        if number % 50 == 0:
            report(share, {"cross_entropy": elbo.item(), "gap": gap.item()})
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
