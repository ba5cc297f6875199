"""Symmetries of the plane that nature and the detector break, and by how much.

Every image is really moved, and two networks judge: one is trained to tell moved images from
others, which it cannot if the motion is a symmetry of the data; the other is the tagger, whose
score does not change if the motion is a symmetry of the labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from calovision.evaluation.symmetry.frame_measures import train_judge
from calovision.events.rotation import Rotated, rotate
from calovision.metrics.bootstrap import mean_metric
from calovision.metrics.classification import auc_metric
from calovision.metrics.definitions import definition
from calovision.metrics.value import Metric
from calovision.models.symmetry.data import ImageData
from calovision.models.symmetry.flows import trajectory
from calovision.models.symmetry.runs import Flows
from calovision.utils import streams

STEPS = 800  #: of the training of each network
PARTS = 8  #: of a turn at which the flow's images are shown to the tagger


def _mirrored(axis: int) -> Callable[[Tensor], Tensor]:
    def mirror(images: Tensor) -> Tensor:
        side = math.isqrt(images.shape[1])
        return images.reshape(-1, side, side).flip(axis).flatten(1)

    return mirror


def _turned(degrees: float) -> Callable[[Tensor], Tensor]:
    return lambda images: rotate(images, math.radians(degrees))


#: all but the eighth of a turn are symmetries of the grid and move pixels exactly
MOTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "eta_mirrored": _mirrored(1),
    "phi_mirrored": _mirrored(2),
    "half_turn": _turned(180),
    "quarter_turn": _turned(90),
    "eighth_turn": _turned(45),
}


@dataclass(frozen=True)
class Mixed:
    """Endless stream of images as they are, class 0, and moved ones, class 1."""

    stream: Rotated
    motion: Callable[[Tensor], Tensor]

    def __call__(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` images, and which of them are moved."""
        images, _ = self.stream(n, random)
        moved = torch.rand(n, generator=random) < 0.5
        images = torch.where(moved[:, None], self.motion(images), images)
        return images, moved.long()


def breaking(flows: Flows, data: ImageData) -> dict[str, Metric]:
    """How far motions of the plane are from symmetries, on held-out events.

    Returns:
        ``seen_MOTION``: AUC of moved against other events, 0.5 if the motion is a symmetry;
        ``shift_MOTION``: mean change of the tagger's score, beside ``tagger_auc``; and, where a
        flow was found, ``shift_flow`` along it, of decoded images.
    """
    random = streams.torch_rng(streams.Stream.BREAKING, 0)
    torch.manual_seed(streams.torch_seed(streams.Stream.BREAKING_WEIGHTS, 0))
    stream = data.stream()
    images, label = data.test
    tagger = train_judge(stream, len(data.classes), random, STEPS)
    score = _score(tagger, images)
    found = {"tagger_auc": auc_metric(score.cpu().numpy(), label.cpu().numpy(), seed=0)}
    for name, motion in MOTIONS.items():
        judge = train_judge(Mixed(stream, motion), 2, random, STEPS)
        moved = motion(images)
        seen = torch.cat([_score(judge, images), _score(judge, moved)])
        truth = torch.arange(2).repeat_interleave(len(images))
        found[f"seen_{name}"] = auc_metric(seen.cpu().numpy(), truth.cpu().numpy(), seed=0)
        shift = (_score(tagger, moved) - score).abs()
        found[f"shift_{name}"] = mean_metric(shift.cpu().numpy(), definition(f"shift_{name}"))
    for field in flows.fields[:1]:
        path = trajectory(field, flows.space.encode(images[:500]), 2 * math.pi, 8 * PARTS)
        scores = [_score(tagger, flows.space.decode(z)) for z in path[:, ::8].unbind(1)]
        away = torch.stack([(s - scores[0]).abs() for s in scores[1:]])
        found["shift_flow"] = mean_metric(away.mean(0).cpu().numpy(), definition("shift_flow"))
    return found


@torch.no_grad()
def _score(judge: nn.Module, images: Tensor) -> Tensor:
    """Probability ``(n,)`` of class 1."""
    probability: Tensor = judge(images).softmax(1)[:, 1]
    return probability
