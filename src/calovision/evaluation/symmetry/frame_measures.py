"""Measure generators beside the rotation: how far they go, what they change, how they commute."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from calovision.evaluation.symmetry.measures import largest_cosine
from calovision.events.rotation import rotate
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.flows import Field, trajectory
from calovision.models.symmetry.frame import co_moving_frame
from calovision.models.symmetry.group_vae import GroupVAE
from calovision.models.symmetry.lie import algebra
from calovision.models.symmetry.runs import Flows
from calovision.models.symmetry.space import Stream, freeze
from calovision.training.minimise import Losses, minimise

REACH = 0.4  #: length of the path that is followed in both directions, in units of the image's norm
STEPS = 8
IMAGES = 30  #: held-out digits of a class
JUDGE_STEPS = 400  #: of the training of the independent classifier
ANGLES = 72  #: orientations over which a displacement is minimised


def train_judge(
    stream: Stream, classes: int, random: torch.Generator, steps: int | None = None
) -> nn.Module:
    """A small convolutional network on images, which knows nothing of the latent space."""
    first, _ = stream(1, random)
    side = math.isqrt(first.shape[1])
    judge = nn.Sequential(
        nn.Unflatten(1, (1, side, side)),
        nn.Conv2d(1, 8, 5, 2, 2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(classes),
    )
    judge(first)

    def loss(_: float) -> Losses:
        images, label = stream(64, random)
        return F.cross_entropy(judge(images), label), {}

    minimise(loss, torch.optim.Adam(judge.parameters(), 3e-3), steps or JUDGE_STEPS)
    return freeze(judge)


@torch.no_grad()
def shape(images: Tensor) -> dict[str, Tensor]:
    """Features of images ``(n, p)`` that no rotation changes: ink, size, elongation, ``(n,)`` each.

    Ink is the sum of pixels (thickness at a given length); size the root mean square distance of
    ink from its centre, and elongation the root of the ratio of its principal moments.
    """
    side = math.isqrt(images.shape[1])
    axis = torch.linspace(-1, 1, side)
    y, x = (v.flatten() for v in torch.meshgrid(axis, axis, indexing="ij"))
    ink = images.sum(1).clamp(min=1e-6)
    share = images / ink[:, None]
    x = x[None] - (share @ x)[:, None]
    y = y[None] - (share @ y)[:, None]
    xx, yy, xy = ((share * a).sum(1) for a in (x * x, y * y, x * y))
    root = ((xx - yy).square() / 4 + xy.square()).sqrt()
    mean = (xx + yy) / 2
    return {
        "ink": ink,
        "size": (xx + yy).sqrt(),
        "elongation": ((mean + root) / (mean - root).clamp(min=1e-6)).sqrt(),
    }


@torch.no_grad()
def modulo_rotation(start: Tensor, moved: Tensor) -> Tensor:
    """Smallest distance ``(n,)`` of moved images from any rotation of the first, over its norm."""
    angles = 2 * math.pi / ANGLES * torch.arange(ANGLES)
    turned = torch.stack([rotate(start, float(a)) for a in angles], 1)
    nearest = (turned - moved[:, None]).norm(dim=2).amin(1)
    relative: Tensor = nearest / start.norm(dim=1)
    return relative


def measure_frame(
    flows: Flows, data: ImageData, random: torch.Generator
) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Find three generators beside the rotation, and measure them.

    Returns:
        metrics ``displacement_{k}``, ``frame_drift``, ``frame_accuracy``, ``frame_cos``, each
        with the latent dimension; and names, changes of shape and brackets, for ``found.json``.
    """
    assert isinstance(flows.vae, GroupVAE)
    space, rotation = flows.space, flows.fields[0]
    stream = data.stream()
    images, label = stream(1500, random)
    orbits = flows.vae.phases
    frame = co_moving_frame(space, rotation, orbits, images, label)
    judge = train_judge(stream, len(data.classes), random)
    test = [data.test[0][data.test[1] == k][:IMAGES] for k in range(len(data.classes))]
    upright = torch.cat(test)
    truth = torch.arange(len(test)).repeat_interleave(torch.tensor([len(t) for t in test]))
    turn = 2 * math.pi * torch.rand(len(upright), generator=random)
    z = space.encode(rotate(upright, turn))
    start, row = space.decode(z), torch.arange(len(z))
    before, shape_before = space.oracle(z).softmax(1)[row, truth], shape(start)
    metrics: dict[str, Metric] = {}
    names: list[str] = ["rotation"]
    changes: list[dict[str, float]] = []
    drifts, rights = [], []
    fields: list[Field] = [rotation, *map(frame.field, range(len(frame.modes[0])))]
    for number, field in enumerate(fields[1:], 1):
        ends = [trajectory(field, z, sign * REACH, STEPS)[:, -1] for sign in (1, -1)]
        moved = [space.decode(end) for end in ends]
        away = torch.cat([modulo_rotation(start, images) for images in moved])
        key = f"displacement_{number}"
        metrics[key] = mean_metric(away.cpu().numpy(), definition(key))
        drifts += [(space.oracle(end).softmax(1)[row, truth] - before).abs() for end in ends]
        rights += [(judge(images).argmax(1) == truth).float() for images in moved]
        forward, backward = map(shape, moved)
        change = {
            of: float(((forward[of] - backward[of]) / size).mean())
            for of, size in shape_before.items()
        }
        changes.append(change)
        names.append(max(change, key=lambda of: abs(change[of])))
    for key, values in (("frame_drift", drifts), ("frame_accuracy", rights)):
        metrics[key] = mean_metric(torch.cat(values).cpu().numpy(), definition(key))
    metrics["frame_cos"] = largest_cosine(space, fields, data.test[0][:60])
    found = algebra(space, fields, z)
    unique = [f"{n} {names[:i].count(n) + 1}" if n in names[:i] else n for i, n in enumerate(names)]
    about = {
        "names": unique,
        "size": found.size.tolist(),
        "open": np.where(np.isnan(found.open), 0, found.open).tolist(),
        "structure": found.structure.tolist(),
        "changes": changes,
    }
    return {f"{name}_d{flows.vae.latent}": m for name, m in metrics.items()}, about
