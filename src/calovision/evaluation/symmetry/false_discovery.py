"""Sets without a symmetry, in which none must be claimed, and sets with a broken one.

Three kinds have none: warped surfaces, where every motion leaves the data; spots in a disc whose
class depends on the angle and the radius, where the oracle sees every motion; and Gaussian clouds
of unequal spread, which a rotation moves within their plane but does not leave as they are. In a
cloud of the last kind, the ratio of the spreads says how strongly the rotation is broken; at 1 it
is a symmetry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calovision.models.symmetry.search import search
from calovision.models.symmetry.settings import IsometrySettings
from calovision.models.symmetry.space import LatentSpace
from calovision.utils import streams

SIDE = 14  #: pixels along a side of an image of a spot
PIXELS = 30  #: of the images of warped surfaces and clouds
SETTINGS = IsometrySettings(
    task="symmetry", model="isometry", points=800, components=20, refine_steps=0
)
RATIOS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)  #: of spreads, for the power
REPEATED = 10  #: sets at each of them


@dataclass(frozen=True)
class Set:
    """A latent space whose codes are the data.

    Attributes:
        space: images and evidence of codes of two numbers.
        draw: codes ``(n, 2)``.
    """

    space: LatentSpace
    draw: Callable[[int, torch.Generator], Tensor]

    def __call__(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Codes and, for what asks for them, classes that are all the same."""
        return self.draw(n, random), torch.zeros(n, dtype=torch.long)


def _set(
    decode: Callable[[Tensor], Tensor],
    evidence: Callable[[Tensor], Tensor],
    draw: Callable[[int, torch.Generator], Tensor],
) -> Set:
    def oracle(z: Tensor) -> Tensor:
        seen = evidence(z).reshape(len(z), -1)
        return torch.cat([seen, -seen.sum(1, keepdim=True)], 1)

    return Set(LatentSpace(lambda z: z, decode, oracle, torch.zeros_like, 2), draw)


def warped(random: torch.Generator) -> Set:
    """A surface that is bent at random in :data:`PIXELS` dimensions."""
    wave, offset = torch.randn(2, PIXELS, generator=random), torch.randn(PIXELS, generator=random)
    mix = torch.randn(PIXELS, PIXELS, generator=random)
    return _set(
        lambda z: torch.sin(1.5 * z @ wave + offset) @ mix,
        lambda z: 4 * z[:, 1],
        lambda n, r: 2 * torch.rand(n, 2, generator=r) - 1,
    )


def watched(random: torch.Generator) -> Set:
    """Spots in a disc whose class depends on the angle, one to four times in a turn, and radius.

    Were it the angle alone, motions away from the centre would be a symmetry.
    """
    times = 1 + int(torch.randint(4, (1,), generator=random))
    axis = torch.linspace(-1, 1, SIDE)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")

    def spots(z: Tensor) -> Tensor:
        x, y = (v[:, None, None] for v in z.unbind(1))
        return torch.exp(-((columns - x).square() + (rows - y).square()) / 0.1).flatten(1)

    def disc(n: int, r: torch.Generator) -> Tensor:
        u = torch.rand(n, 2, generator=r)
        angle, radius = 2 * math.pi * u[:, 0], 0.55 * (0.1 + 0.9 * u[:, 1]).sqrt()
        return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)

    def seen(z: Tensor) -> Tensor:
        angle = torch.sin(times * torch.atan2(z[:, 1], z[:, 0]))
        return 4 * torch.stack([angle, 4 * (z.norm(dim=1) - 0.4)], 1)

    return _set(spots, seen, disc)


def cloud(random: torch.Generator, ratio: float) -> Set:
    """A Gaussian cloud in a plane, of which the second spread is ``ratio`` times the first."""
    plane = torch.linalg.qr(torch.randn(PIXELS, 2, generator=random))[0]
    spread = torch.tensor([1.0, ratio])
    return _set(
        lambda z: z @ plane.T,
        lambda z: 2 * (z.norm(dim=1) - 1),
        lambda n, r: spread * torch.randn(n, 2, generator=r),
    )


def unequal(random: torch.Generator) -> Set:
    """A cloud whose spreads differ by a factor of 1.4 to 4."""
    return cloud(random, 1 / (1.4 + 2.6 * float(torch.rand(1, generator=random))))


KINDS = {"warped": warped, "watched": watched, "unequal": unequal}


def claimed(made: Set, random: torch.Generator) -> dict[str, Any]:
    """What the search says of a set: whether it claims a symmetry, and of the verdict's numbers."""
    found = search(made.space, made, SETTINGS, random=random)
    of = found.evidence
    return {
        "claimed": found.found,
        "verdict": of.verdict,
        "imbalance": of.imbalance,
        "imbalance_error": of.errors["imbalance"],
        "leak": of.leak,
        "leak_error": of.errors["leak"],
    }


def false_discoveries(sets: int = 100, seed: int = 1) -> dict[str, Any]:
    """Search in sets without a symmetry, and in clouds whose rotation is broken more and more.

    Args:
        sets: without a symmetry, of all kinds in turn.
        seed: of everything that is drawn.

    Returns:
        ``claims`` of ``sets``, the claims of each kind, and the ``power``: at each ratio of the
        spreads the share of clouds in which a symmetry is claimed, with its binomial error.
    """
    rows = []
    for number in range(sets):
        kind = list(KINDS)[number % len(KINDS)]
        random = streams.torch_rng(streams.Stream.FALSE_DISCOVERY, seed, number)
        rows.append({"kind": kind, **claimed(KINDS[kind](random), random)})
    power = []
    for place, ratio in enumerate(RATIOS):
        said = []
        for number in range(REPEATED if sets >= 10 * REPEATED else 2):
            random = streams.torch_rng(streams.Stream.FALSE_DISCOVERY, seed, sets + place, number)
            said.append(claimed(cloud(random, ratio), random))
        share = float(np.mean([row["claimed"] for row in said]))
        power.append(
            {
                "ratio": ratio,
                "claimed": share,
                "error": math.sqrt(share * (1 - share) / len(said)),
                "imbalance": float(np.mean([row["imbalance"] for row in said])),
                "imbalance_error": float(np.mean([row["imbalance_error"] for row in said])),
            }
        )
    return {
        "sets": sets,
        "claims": sum(row["claimed"] for row in rows),
        "by_kind": {
            kind: {
                "sets": sum(row["kind"] == kind for row in rows),
                "claims": sum(row["claimed"] for row in rows if row["kind"] == kind),
            }
            for kind in KINDS
        },
        "power": power,
        "rows": rows,
    }
