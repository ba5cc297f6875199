"""Step 4: a VAE whose latent space is made for the group that was found.

One plane of the latent space carries the phase, on which the group acts by turning it; all other
numbers, and the logarithm of the radius, are the shape, which the group leaves alone. The encoder
brings an image into phase 0 before it looks at the shape, and the decoder moves what it makes of
the shape by the phase. So the flow is an exact turn of the plane, it closes, and the networks never
have to learn what the group does; how an image ends up is decided by the group alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.models.symmetry.autoencoder import blurred, cross_entropy, divergence
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.phases import PHASES, Phases, phases
from calovision.networks.image_vae import ImageVAE
from calovision.networks.perceptron import perceptron

WIDTHS = (256, 256)  #: of the networks of the shape
SHARP = 512  #: width of the network that makes pixels of moved components


class PlaneTurn(nn.Module):
    """The generator: the first two latent numbers turn with one radian per unit of time."""

    def forward(self, z: Tensor) -> Tensor:
        """Velocities ``(n, d)`` at the points ``z`` ``(n, d)``."""
        return torch.cat([-z[:, 1:2], z[:, :1], torch.zeros_like(z[:, 2:])], 1)


class GroupVAE(ImageVAE):
    """VAE of images in a latent space that a group turns.

    Args:
        action: the group, closed at ``2 pi``, on images of ``p`` pixels.
        classes: number of classes that phases are told by.
        latent: dimension ``d``, at least 2.
    """

    orbits: Tensor
    axes: Tensor
    frequencies: Tensor
    basis: Tensor
    matrix: Tensor

    def __init__(self, action: LinearAction, classes: int, latent: int) -> None:
        nn.Module.__init__(self)
        self.latent = latent
        pixels, k = action.basis.shape
        self.register_buffer("orbits", torch.zeros(classes, PHASES, k))
        # exp(t A) is a change of phases on the axes of i A; that is cheaper than a matrix an image
        values, axes = torch.linalg.eigh(1j * action.matrix.detach().cpu().to(torch.complex128))
        self.register_buffer("axes", axes.to(torch.complex64), persistent=False)
        self.register_buffer("frequencies", values.round().float(), persistent=False)
        self.register_buffer("basis", action.basis.detach().cpu().clone(), persistent=False)
        self.register_buffer("matrix", action.matrix.detach().cpu().clone(), persistent=False)
        self.encoder = nn.Sequential(perceptron([k, *WIDTHS]), nn.SiLU())
        self.head = nn.Linear(WIDTHS[-1], 2 * (latent - 1))
        self.shapes = perceptron([latent - 1, *reversed(WIDTHS), k])
        self.decoder = perceptron([k, SHARP, pixels])

    @property
    def phases(self) -> Phases:
        """What tells the phase of an image."""
        return Phases(LinearAction(self.matrix, self.basis), self.orbits)

    def turned(self, components: Tensor, angle: Tensor) -> Tensor:
        """Components ``(n, k)``, each moved by its own angle ``(n,)``."""
        of_axis = components.to(self.axes.dtype) @ self.axes.conj()
        of_axis = of_axis * torch.exp(-1j * angle[:, None] * self.frequencies)
        return (of_axis @ self.axes.T).real

    def shape_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Phase ``(n,)``, and mean and log variance of the shape ``(n, d - 1)``."""
        with torch.no_grad():
            components = x @ self.basis
            angle = self.phases.angle(components)
            components = self.turned(components, -angle)
        mean, log_variance = self.head(self.encoder(components)).chunk(2, 1)
        return angle, mean, log_variance

    def image_of(self, angle: Tensor, shape: Tensor) -> Tensor:
        """Log odds of ink ``(n, p)`` of a shape in a phase."""
        found: Tensor = self.decoder(self.turned(self.shapes(shape), angle))
        return found

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, ``(n, d)`` each; the width in the plane is that of its radius."""
        angle, mean, log_variance = self.shape_of(x)
        radius = (mean[:, :1] / 2).exp()
        plane = radius * torch.stack([angle.cos(), angle.sin()], 1)
        width = log_variance[:, :1] + 2 * (radius / 2).log()
        widths = torch.cat([width, width, log_variance[:, 1:]], 1)
        return torch.cat([plane, mean[:, 1:]], 1), widths

    def logits(self, z: Tensor) -> Tensor:
        """Log odds of ink ``(n, p)``."""
        of_radius = 2 * (z[:, :2].norm(dim=1, keepdim=True) + 1e-6).log()
        angle = torch.atan2(z[:, 1], z[:, 0])
        return self.image_of(angle, torch.cat([of_radius, z[:, 2:]], 1))


def group_bound(vae: ImageVAE, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cross entropy and divergence of a :class:`GroupVAE`, of which the shape alone is blurred."""
    assert isinstance(vae, GroupVAE)
    angle, mean, log_variance = vae.shape_of(images)
    shape = blurred(mean, log_variance, random)
    return cross_entropy(vae.image_of(angle, shape), images), divergence(mean, log_variance)


def new_group_vae(
    action: LinearAction, images: Tensor, label: Tensor, classes: int, latent: int
) -> GroupVAE:
    """An untrained one that knows the phases of images ``(n, p)`` of classes ``(n,)``."""
    vae = GroupVAE(action, classes, latent).to(images.device)
    vae.orbits = phases(action, images, label).orbits
    return vae
