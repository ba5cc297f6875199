"""The phase of an image along the orbits of a group that was found in data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.models.symmetry.linear import LinearAction

PHASES = 72  #: along an orbit
ROUNDS = 4  #: of aligning images and averaging them


@dataclass(frozen=True)
class Phases:
    """Where images are along the orbits of a group.

    Attributes:
        action: closed at ``2 pi``.
        orbits: ``(c, PHASES, k)`` components of each class's mean image, of norm 1, along its orbit
            at equal steps of a turn.
    """

    action: LinearAction
    orbits: Tensor

    def of(self, components: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of the class and of the step ``(n,)`` each that images are most alike to."""
        best = torch.einsum("nk,ctk->nct", components, self.orbits).flatten(1).argmax(1)
        return best // PHASES, best % PHASES

    def angle(self, components: Tensor) -> Tensor:
        """Phases ``(n,)`` in rad of images ``(n, k)``, between the steps by a parabola."""
        kind, step = self.of(components)
        near = torch.stack([self.orbits[kind, (step + i) % PHASES] for i in (-1, 0, 1)], 1)
        before, at, after = torch.einsum("nk,nik->ni", components, near).unbind(1)
        shift = (before - after) / (2 * (before - 2 * at + after)).clamp(max=-1e-9)
        found: Tensor = 2 * math.pi / PHASES * (step + shift.clamp(-0.5, 0.5))
        return found


def maps_of(action: LinearAction) -> Tensor:
    """The group at equal steps of a turn, ``(PHASES, k, k)``."""
    times = 2 * math.pi / PHASES * torch.arange(PHASES, device=action.matrix.device)
    return torch.matrix_exp(times[:, None, None] * action.matrix)


@torch.no_grad()
def phases(action: LinearAction, images: Tensor, label: Tensor) -> Phases:
    """Align the images of every class along the orbit of their mean.

    Args:
        action: closed at ``2 pi``.
        images: ``(n, p)``.
        label: ``(n,)``.
    """
    maps, orbits = maps_of(action), []
    for kind in range(int(label.max()) + 1):
        q = action.components(images[label == kind])
        reference = q[0]
        for _ in range(ROUNDS):
            back = -(q @ (maps @ reference).T).argmax(1)
            reference = torch.einsum("nij,nj->ni", maps[back % PHASES], q).mean(0)
        orbits.append(maps @ (reference / reference.norm()))
    return Phases(action, torch.stack(orbits))
