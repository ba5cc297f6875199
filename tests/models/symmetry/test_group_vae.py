from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from calovision.models.symmetry.autoencoder import train_vae
from calovision.models.symmetry.flows import flow
from calovision.models.symmetry.group_vae import GroupVAE, PlaneTurn, group_bound, new_group_vae
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.settings import IsometrySettings

PIXELS = 12
SETTINGS = IsometrySettings(task="symmetry", model="isometry", batch=64, beta_start=0.05, beta=0.05)


def group() -> LinearAction:
    """Two planes that turn once and twice, and one that does not, in a skewed basis."""
    matrix = torch.zeros(6, 6)
    for i, frequency in enumerate((1.0, 2.0, 0.0)):
        matrix[2 * i, 2 * i + 1], matrix[2 * i + 1, 2 * i] = -frequency, frequency
    random = torch.Generator().manual_seed(3)
    mix = torch.linalg.qr(torch.randn(6, 6, generator=random))[0]
    basis = torch.linalg.qr(torch.randn(PIXELS, 6, generator=random))[0]
    return LinearAction(mix @ matrix @ mix.T, basis)


def stream(n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two classes of images in all phases, of one shape number each, in [0, 1]."""
    action = group()
    label = (torch.rand(n, generator=random) < 0.5).long()
    start = torch.eye(6)[:2][label] + 0.3 * torch.randn(n, 1, generator=random) * torch.eye(6)[2]
    maps = torch.matrix_exp(
        2 * math.pi * torch.rand(n, generator=random)[:, None, None] * action.matrix
    )
    moved = torch.einsum("nij,nj->ni", maps, start)
    return torch.sigmoid(3 * action.images(moved)), label


@pytest.fixture(scope="module")
def vae() -> GroupVAE:
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    made = new_group_vae(group(), *stream(500, random), 2, 4)
    train_vae(made, stream, SETTINGS, random=random, bound=group_bound, steps=150)
    return made.requires_grad_(False)


@pytest.mark.parametrize("time", [0.7, math.pi, -2.0, 2 * math.pi])
def test_the_flow_does_to_images_what_the_group_does(vae: GroupVAE, time: float) -> None:
    action = group()
    components = action.components(stream(50, torch.Generator().manual_seed(1))[0])
    moved = action.move(components, torch.tensor([time]))
    times = torch.full((50,), time)
    torch.testing.assert_close(vae.turned(components, times), moved, atol=1e-5, rtol=1e-4)
    z, there = vae.mean(action.images(components)), vae.mean(action.images(moved))
    end = flow(PlaneTurn(), z, time, longest=0.05)
    # The phase is told on a grid: a little off it, the shape is looked at a little turned.
    assert float((end - there).norm(dim=1).median() / z.std(0).norm()) < 0.05
    torch.testing.assert_close(end[:, :2].norm(dim=1), z[:, :2].norm(dim=1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(end[:, 2:], z[:, 2:])


def test_images_are_rebuilt_and_the_shape_has_the_prior(vae: GroupVAE) -> None:
    images, _ = stream(300, torch.Generator().manual_seed(2))
    rebuilt = vae.decode(vae.mean(images))
    lost = (rebuilt - images).square().sum() / (images - images.mean(0)).square().sum()
    assert float(lost) < 0.2
    _, mean, log_variance = vae.shape_of(images)
    second = mean.square().mean(0) + log_variance.exp().mean(0)
    assert float((second.log()).abs().max()) < 0.7


def test_every_weight_learns() -> None:
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    made = new_group_vae(group(), *stream(100, random), 2, 3)
    entropy, kl = group_bound(made, stream(20, random)[0], random)
    (entropy + kl).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in made.parameters())
