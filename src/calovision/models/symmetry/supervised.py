"""The supervised map: latent points of an image to those of the image turned by 30 degrees."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.events.rotation import Rotated, rotate
from calovision.models.symmetry.autoencoder import cross_entropy, warm_cosine
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.space import device_of, freeze
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import VectorField, perceptron
from calovision.training.minimise import Losses, Report, minimise, silent

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
    start, wanted = _pairs(vae, stream, 40 * batch, random)

    def loss(_: float) -> Losses:
        rows = torch.randint(len(start), (batch,), generator=random, device=random.device)
        error = F.mse_loss(network(start[rows]), wanted[rows])
        return error, {"mse": error}

    minimise(loss, torch.optim.Adam(network.parameters(), 1e-3), steps, report=report)
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

    def loss(share: float) -> Losses:
        most = 1 + int((STEPS - 1) * min(1.0, 1.5 * share))
        images, _ = stream(batch, random)
        with torch.no_grad():
            z, _ = vae.encode(images)
        count = 1 + int(torch.randint(most, (1,), generator=random, device=random.device))
        turned = rotate(images, count * ANGLE) if count < STEPS else images
        with torch.no_grad():
            wanted, log_variance = vae.encode(turned)
        for _ in range(count):
            z = network(z)
        gap = ((z - wanted).square() / (log_variance.exp() + 0.01)).clamp(max=100).sum(1).mean()
        return gap + pixels * cross_entropy(vae.logits(z), turned), {"gap": gap}

    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    clip = [(network, 5.0)]
    minimise(loss, optimiser, steps, schedule=warm_cosine, clip=clip, report=report)
    freeze(network)
    return network


@torch.no_grad()
def _pairs(
    vae: ImageVAE, stream: Rotated, number: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Latent means of images, and of the same images turned by one step."""
    images, _ = stream(number, random)
    return vae.mean(images), vae.mean(rotate(images, ANGLE))
