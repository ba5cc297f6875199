"""Follow a flow on digits held out from training, beside their true rotations."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from calovision.events.rotation import rotate
from calovision.metrics.symmetry import GRID, Followed
from calovision.tasks.symmetry.flows import Field, trajectory
from calovision.tasks.symmetry.space import LatentSpace

STEPS = 240  #: points of time along a flow
LOOPS = 2.0  #: path that is followed, in lengths of a full true turn
LONGEST = 200.0  #: units of time
IMAGES = 60  #: held-out digits of a class that are followed

#: degrees after which a digit looks the same again
PERIODS = {0: 180.0, 1: 180.0, 8: 180.0}


@torch.no_grad()
def follow(
    space: LatentSpace,
    field: Field,
    images: Tensor,
    kind: int,
    digit: int,
) -> Followed:
    """Flow images of one class for as long as they need for two turns.

    Args:
        space: the latent space.
        field: generator.
        images: ``(n, p)`` upright, of one class.
        kind: number of the class for the oracle.
        digit: which digit it is.
    """
    n, p = images.shape
    angles = torch.arange(0, 360, GRID) * math.pi / 180
    turned = torch.stack([rotate(images, float(a)) for a in angles], 1)
    codes = space.encode(turned.flatten(0, 1))
    rebuilt = space.decode(codes).reshape(n, -1, p)
    length = (rebuilt - rebuilt.roll(1, 1)).norm(dim=2).sum(1).mean()
    some = codes[::7]  # of all orientations
    speed = space.velocity(some, field(some))[1].norm(dim=1).mean()
    time = float((LOOPS * length / speed.clamp(min=1e-3)).clamp(max=LONGEST))
    path = trajectory(field, codes.reshape(n, len(angles), -1)[:, 0], time, STEPS)
    flat = path.flatten(0, 1)
    probability = space.oracle(flat).softmax(1)[:, kind].reshape(n, -1)
    return Followed(
        np.linspace(0, time, STEPS + 1),
        space.decode(flat).reshape(n, STEPS + 1, p).numpy(),
        turned.numpy(),
        rebuilt.numpy(),
        probability.numpy(),
        PERIODS.get(digit, 360.0),
    )
