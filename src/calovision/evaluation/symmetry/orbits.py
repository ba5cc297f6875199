"""Follow a flow on images held out from training, beside their true rotations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from calovision.events.rotation import rotate
from calovision.metrics.symmetry import GRID, Followed
from calovision.models.symmetry.flows import Field, trajectory
from calovision.models.symmetry.linear import LinearAction
from calovision.models.symmetry.space import LatentSpace

STEPS = 240  #: points of time along a flow
LOOPS = 2.0  #: path that is followed, in lengths of a full true turn
LONGEST = 200.0  #: units of time
IMAGES = 60  #: held-out images of a class that are followed


@dataclass(frozen=True)
class Turned:
    """Images in all orientations, with their codes and reconstructions.

    Attributes:
        space: the latent space.
        images: ``(n, a, p)`` turned by multiples of :data:`GRID`.
        codes: ``(n, a, d)``.
        rebuilt: ``(n, a, p)``.
    """

    space: LatentSpace
    images: Tensor
    codes: Tensor
    rebuilt: Tensor

    def duration(self, speed: Tensor) -> float:
        """Units of time for :data:`LOOPS` turns with a mean image speed."""
        length = (self.rebuilt - self.rebuilt.roll(1, 1)).norm(dim=2).sum(1).mean()
        return float((LOOPS * length / speed.clamp(min=1e-3)).clamp(max=LONGEST))

    def beside(self, path: Tensor, time: float, kind: int, period: float) -> Followed:
        """A path ``(n, t, d)`` through the latent space beside the truth."""
        n, steps, _ = path.shape
        flat = path.flatten(0, 1)
        probability = self.space.oracle(flat).softmax(1)[:, kind].reshape(n, -1)
        return Followed(
            np.linspace(0, time, steps),
            self.space.decode(flat).reshape(n, steps, -1).cpu().numpy(),
            self.images.cpu().numpy(),
            self.rebuilt.cpu().numpy(),
            probability.cpu().numpy(),
            period,
        )


@torch.no_grad()
def turned(space: LatentSpace, images: Tensor) -> Turned:
    """Turn images ``(n, p)`` and reconstruct them."""
    n, p = images.shape
    angles = torch.arange(0, 360, GRID, device="cpu") * math.pi / 180
    every = torch.stack([rotate(images, float(a)) for a in angles], 1)
    codes = space.encode(every.flatten(0, 1))
    rebuilt = space.decode(codes).reshape(n, -1, p)
    return Turned(space, every, codes.reshape(n, len(angles), -1), rebuilt)


@torch.no_grad()
def follow(space: LatentSpace, field: Field, images: Tensor, kind: int, period: float) -> Followed:
    """Flow images of one class for as long as they need for two turns.

    Args:
        space: the latent space.
        field: generator.
        images: ``(n, p)`` upright, of one class.
        kind: number of the class for the oracle.
        period: degrees after which an image is itself again.
    """
    truth = turned(space, images)
    some = truth.codes.flatten(0, 1)[::7]  # of all orientations
    time = truth.duration(space.velocity(some, field(some))[1].norm(dim=1).mean())
    path = trajectory(field, truth.codes[:, 0], time, STEPS)
    return truth.beside(path, time, kind, period)


@torch.no_grad()
def follow_action(
    space: LatentSpace, action: LinearAction, images: Tensor, kind: int, period: float
) -> Followed:
    """Move reconstructions of images by a linear action, and see where the encoder puts them.

    Args: as of :func:`follow`, with an action on images in place of a generator.
    """
    truth = turned(space, images)
    some = action.components(truth.rebuilt.flatten(0, 1)[::7])
    time = truth.duration((some @ action.matrix.T).norm(dim=1).mean())
    times = torch.linspace(0, time, STEPS + 1, device=some.device)
    moved = action.orbit(truth.rebuilt[:, 0], times).nan_to_num(0).clamp(0, 1)
    path = space.encode(moved.flatten(0, 1)).reshape(len(images), len(times), -1)
    return truth.beside(path, time, kind, period)
