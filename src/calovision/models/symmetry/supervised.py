"""The supervised map: latent points of an image to those of the image turned by 30 degrees."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.events.rotation import Rotated, rotate
from calovision.models.symmetry.autoencoder import Report, cross_entropy, rate, silent
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.space import device_of, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField, perceptron

STEPS = 12  #: of 30 degrees in a turn
ANGLE = 2 * math.pi / STEPS


class StepMap(nn.Module):
    """Ours: the map for 30 degrees is the flow of a generator for a twelfth of its turn.

    Composing it is flowing on, so twelve steps are one flow and can be trained as such.

    Args:
        latent: dimension.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.field = VectorField(latent)

    def forward(self, z: Tensor) -> Tensor:
        """Points ``(n, latent)``, one step on."""
        return flow(self.field, z, ANGLE)


def published_map(latent: int) -> nn.Module:
    """The published network: one hidden layer of 256, one of 128."""
    return perceptron([latent, 256, 128, latent], nn.ReLU)


def train_published_map(
    vae: ImageVAE,
    stream: Rotated,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 256,
    report: Report = silent,
) -> nn.Module:
    """Mean squared error of one step, as published."""
    network = published_map(vae.latent).to(device_of(vae))
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    pool = _pairs(vae, stream, 40 * batch, random)
    for number in range(steps):
        rows = torch.randint(len(pool[0]), (batch,), generator=random, device=random.device)
        loss = F.mse_loss(network(pool[0][rows]), pool[1][rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if number % 50 == 0:
            report(number / steps, {"mse": loss.item()})
    return freeze(network)


def train_step_map(
    vae: ImageVAE,
    stream: Rotated,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 96,
    pixels: float = 0.3,
    report: Report = silent,
) -> StepMap:
    """Several steps at once, up to the whole turn, after which every point must be home.

    The loss is the squared distance to the encoded truth in units of the posterior's width, plus
    the images' cross entropy.
    """
    network = StepMap(vae.latent)
    network.to(device_of(vae))
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for number in range(steps):
        share = number / steps
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * rate(share)
        most = 1 + int((STEPS - 1) * min(1.0, 1.5 * share))
        images, _ = stream(batch, random)
        with torch.no_grad():
            start, _ = vae.encode(images)
        count = 1 + int(torch.randint(most, (1,), generator=random, device=random.device))
        turned = rotate(images, count * ANGLE) if count < STEPS else images
        with torch.no_grad():
            wanted, log_variance = vae.encode(turned)
        z = start
        for _ in range(count):
            z = network(z)
        gap = ((z - wanted).square() / (log_variance.exp() + 0.01)).clamp(max=100).sum(1).mean()
        loss = gap + pixels * cross_entropy(vae.logits(z), turned)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        if number % 50 == 0:
            report(share, {"gap": gap.item()})
    freeze(network)
    return network


@torch.no_grad()
def _pairs(
    vae: ImageVAE, stream: Rotated, number: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Latent means of images, and of the same images turned by one step."""
    images, _ = stream(number, random)
    return vae.mean(images), vae.mean(rotate(images, ANGLE))
