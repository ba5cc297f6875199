"""The numbers of a jet: kinematics, and how many particles there are."""

from __future__ import annotations

import torch
from torch import Tensor

from calovision.models.generators.particles.tokens import COLUMNS

#: numbers of a jet: its columns, then how many particles it has and how many surround it
NUMBERS = len(COLUMNS) + 2
GEN_PT, GEN_M0, ETA, PT, M0, MEMBERS, OTHERS = range(NUMBERS)


def normal(numbers: Tensor) -> Tensor:
    """Numbers of jets ``(n, NUMBERS)`` (GeV) as the law sees them, of order one."""
    gen_pt, gen_m0, eta, pt, m0, members, others = numbers.unbind(-1)
    shown = [
        3 * (gen_pt / 100).log(),
        6 * (gen_m0 / gen_pt).clamp(min=1e-3).log() + 12,
        2 * eta.abs() - 1.5,
        6 * (pt / gen_pt).log(),
        4 * (m0.clamp(min=0.1) / gen_m0.clamp(min=0.1)).log(),
        2 * (members + 1).log() - 6,
        2 * (others + 1).log() - 7,
    ]
    return torch.stack(shown, -1)


def physical(shown: Tensor) -> Tensor:
    """The inverse of :func:`normal`; pseudorapidities are positive."""
    gen_pt = 100 * (shown[..., GEN_PT] / 3).exp()
    gen_m0 = gen_pt * ((shown[..., GEN_M0] - 12) / 6).exp()
    counts = (((shown[..., i] + c) / 2).exp() - 1 for i, c in ((MEMBERS, 6), (OTHERS, 7)))
    columns = [
        gen_pt,
        gen_m0,
        (shown[..., ETA] + 1.5) / 2,
        gen_pt * (shown[..., PT] / 6).exp(),
        gen_m0.clamp(min=0.1) * (shown[..., M0] / 4).exp(),
        *counts,
    ]
    return torch.stack(columns, -1)
