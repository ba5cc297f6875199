"""Step 1: a generator whose flow moves all images rigidly, as a symmetry of pixels does.

A flow ``x -> x(t)`` of images that comes from an orthogonal map keeps every inner product, so the
velocities obey ``x_i . v_j + v_i . x_j = 0`` for all pairs of images about their mean, and the Gram
matrix is the same after a while. Angles and pairs of images before and after play no part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from calovision.networks.perceptron import VectorField
from calovision.tasks.symmetry.autoencoder import Report, silent
from calovision.tasks.symmetry.flows import Field, flow
from calovision.tasks.symmetry.space import LatentSpace, Stream, freeze


@dataclass(frozen=True)
class Weights:
    """Weights of the terms of the loss.

    Attributes:
        gram_rate: rate of change of the Gram matrix.
        gram: its change over a finite time.
        oracle: rate of change of the oracle's evidence.
        speed: squared logarithm of the image speed over its target.
    """

    gram_rate: float = 100.0
    gram: float = 100.0
    oracle: float = 1.0
    speed: float = 1.0


def gram_rate(x: Tensor, v: Tensor) -> Tensor:
    """Mean squared rate of change of the Gram matrix, scaled by lengths and speeds.

    Args:
        x: ``(n, p)`` images.
        v: ``(n, p)`` their velocities.

    Returns:
        0 for a rigid motion; the diagonal, the change of lengths, counts once more.
    """
    x, v = x - x.mean(0), v - v.mean(0)
    change = x @ v.T
    change = change + change.T
    scale = (x.norm(dim=1)[:, None] * v.norm(dim=1)[None]).detach()
    scaled = change / (scale + scale.T + 1e-6)
    found: Tensor = scaled.square().mean() + scaled.diagonal().square().mean()
    return found


def gram_change(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared change of the Gram matrix from images ``x`` to ``y``, over squared lengths."""
    x, y = x - x.mean(0), y - y.mean(0)
    length = x.norm(dim=1)
    scale = (length[:, None] * length[None]).detach() + 1e-6
    found: Tensor = ((y @ y.T - x @ x.T) / scale).square().mean()
    return found


def find_isometry(
    space: LatentSpace,
    stream: Stream,
    *,
    steps: int,
    random: torch.Generator,
    batch: int = 160,
    learning_rate: float = 2e-3,
    weights: Weights | None = None,
    report: Report = silent,
) -> VectorField:
    """Train a generator of rigid motion that keeps what the oracle sees.

    Its unit of time is that in which images move as far as they typically are from their mean.

    Args:
        space: the latent space.
        stream: its data.
        steps: of the optimiser.
        random: of data and times.
        batch: points a step.
        learning_rate: of Adam, falling along a cosine.
        weights: of the loss.
        report: told how far it is.
    """
    weights = weights or Weights()
    field = VectorField(space.dimension)
    optimiser = torch.optim.Adam(field.parameters(), learning_rate)
    pool, _ = space.draw(stream, 60 * batch, random, spread=0.7)
    with torch.no_grad():
        images = space.decode(pool[:1000])
        pace = float((images - images.mean(0)).square().sum(1).mean().sqrt())
    for number in range(steps):
        share = number / steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (0.52 + 0.5 * math.cos(math.pi * share))
        z = pool[torch.randint(len(pool), (batch,), generator=random)]
        dz = field(z)
        x, v = space.velocity(z, dz)
        rigid = gram_rate(x, v)
        slow = (v.norm(dim=1) / pace).clamp(min=1e-3).log().square().mean()
        seen = space.evidence_rate(z, dz)
        loss = weights.gram_rate * rigid + weights.oracle * seen + weights.speed * slow
        if share > 0.25 and weights.gram:
            time = 1.2 * (1 + 2 * share) * float(torch.rand(1, generator=random))
            moved = space.decode(_midpoint(field, z, time, 2 + number % 5))
            loss = loss + weights.gram * gram_change(x, moved)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if number % 50 == 0:
            report(share, {"gram_rate": rigid.item(), "oracle": seen.item(), "speed": slow.item()})
    freeze(field)
    return field


def _midpoint(field: Field, z: Tensor, time: float, steps: int) -> Tensor:
    """A cheap integration for training."""
    dt = time / steps
    for _ in range(steps):
        z = z + dt * field(z + dt / 2 * field(z))
    return z


@dataclass(frozen=True)
class Evidence:
    """How good a symmetry a flow is, on data; all without unit.

    Attributes:
        distortion: change of the Gram matrix over what unrelated images would show; 0 is rigid,
            1 is no relation.
        drift: change of the oracle's evidence, likewise.
        distance: distance that images move, over that of unrelated images.
    """

    distortion: float
    drift: float
    distance: float

    #: a flow that moves images at least so far with distortion and drift below the limits counts
    LEAST_DISTANCE = 0.3
    MOST_DISTORTION = 0.25
    MOST_DRIFT = 0.25

    @property
    def found(self) -> bool:
        """Whether this is a symmetry."""
        return (
            self.distance >= self.LEAST_DISTANCE
            and self.distortion <= self.MOST_DISTORTION
            and self.drift <= self.MOST_DRIFT
        )

    @property
    def verdict(self) -> str:
        """In words."""
        if self.found:
            return "a symmetry"
        if self.distance < self.LEAST_DISTANCE:
            return "no symmetry found: the flow hardly moves anything"
        if self.distortion > self.MOST_DISTORTION:
            return "no symmetry found: no flow moves the images rigidly"
        return "no symmetry found: the oracle sees a change along the flow"


@torch.no_grad()
def evidence(
    space: LatentSpace,
    field: Field,
    stream: Stream,
    random: torch.Generator,
    *,
    time: float = 1.0,
    points: int = 400,
) -> Evidence:
    """Judge a flow after ``time``, root mean squares over ``points`` data."""
    z, _ = space.draw(stream, points, random, spread=0.0)
    end = flow(field, z, time, longest=0.1, reach=50)
    other = z[torch.randperm(points, generator=random)]
    x, y, w = (space.decode(p) for p in (z, end, other))
    seen = [space.evidence(p) for p in (z, end, other)]
    return Evidence(
        math.sqrt(float(gram_change(x, y) / gram_change(x, w))),
        float((seen[1] - seen[0]).norm() / (seen[2] - seen[0]).norm().clamp(min=1e-9)),
        float((y - x).norm() / (w - x).norm()),
    )
