"""Rings in a latent plane on which the images of an orbit should lie.

A VAE in two dimensions winds the ring of turned images twice around, and no autonomous flow can
follow it. The group that was found in more dimensions tells every image's phase; concentric rings,
one a class, give the plane a topology in which a flow can go round. Nothing is set by hand: the
rings share the prior's probability equally, and a class winds as often as its orbit repeats
itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.models.symmetry.linear import LinearAction

PHASES = 72  #: along an orbit
FOLDS = (1, 2, 3, 4)  #: how often an orbit may repeat itself
ROUNDS = 4  #: of aligning images and averaging them
WIDTH = 0.1  #: squared distance from the ring, over which the loss is 5


@dataclass(frozen=True)
class Rings:
    """A phase for every image, and a ring for every class.

    Attributes:
        action: closed at ``2 pi``.
        maps: ``(PHASES, k, k)`` the group at equal steps of a turn.
        orbits: ``(c, PHASES, k)`` components of each class's mean image along the orbit.
        folds: ``(c,)`` how often each class's orbit repeats itself in a turn.
        radii: ``(c,)`` of the rings, in units of the prior's width.
    """

    action: LinearAction
    maps: Tensor
    orbits: Tensor
    folds: tuple[int, ...]
    radii: tuple[float, ...]

    def targets(self, images: Tensor, label: Tensor) -> Tensor:
        """Points ``(n, 2)`` on the rings."""
        q = self.action.components(images)
        overlap = torch.einsum("nk,ntk->nt", q, self.orbits[label])
        phase = 2 * math.pi / PHASES * overlap.argmax(1)
        angle = torch.tensor(self.folds, device=q.device)[label] * phase
        radius = torch.tensor(self.radii, device=q.device)[label]
        return radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)

    def __call__(self, z: Tensor, images: Tensor, label: Tensor) -> Tensor:
        """Loss that draws points ``(n, 2)`` to their rings."""
        with torch.no_grad():
            targets = self.targets(images, label)
        return (z - targets).square().sum(1).mean() / (WIDTH / 5)


@torch.no_grad()
def rings(action: LinearAction, images: Tensor, label: Tensor) -> Rings:
    """Align the images of every class along the orbit of their mean.

    An orbit repeats itself after a part of a turn if that leaves the aligned images nearer to
    themselves than to each other: then the class cannot tell the two orientations apart.

    Args:
        action: closed at ``2 pi``.
        images: ``(n, p)``.
        label: ``(n,)``.
    """
    classes = int(label.max()) + 1
    times = 2 * math.pi / PHASES * torch.arange(PHASES, device=images.device)
    maps = torch.matrix_exp(times[:, None, None] * action.matrix)
    orbits, folds = [], []
    for kind in range(classes):
        q = action.components(images[label == kind])
        reference = q[0]
        for _ in range(ROUNDS):
            orbit = maps @ reference
            back = (-(q @ orbit.T).argmax(1)) % PHASES
            aligned = torch.einsum("nij,nj->ni", maps[back], q)
            reference = aligned.mean(0)
        orbits.append(maps @ reference)
        apart = float((aligned - aligned.roll(1, 0)).norm(dim=1).median())
        near = [
            float((aligned @ maps[PHASES // fold].T - aligned).norm(dim=1).median()) < apart
            for fold in FOLDS[1:]
        ]
        folds.append(max([f for f, same in zip(FOLDS[1:], near, strict=True) if same], default=1))
    lengths = [float((o - o.roll(1, 0)).norm(dim=1).sum()) for o in orbits]
    order = torch.tensor(lengths, device="cpu").argsort()
    radii = [0.0] * classes
    for place, kind in enumerate(order.tolist()):
        radii[kind] = math.sqrt(-2 * math.log(1 - (place + 0.5) / classes))
    return Rings(action, maps, torch.stack(orbits), tuple(folds), tuple(radii))
