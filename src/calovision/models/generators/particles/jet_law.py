"""The law of a jet's numbers: kinematics, and how many particles there are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.models.generators.particles.tokens import COLUMNS
from calovision.networks.mixtures import LINE, line_log_prob, line_sample
from calovision.networks.perceptron import perceptron

#: numbers of a jet: its columns, then how many particles it has and how many surround it
NUMBERS = len(COLUMNS) + 2
GEN_PT, GEN_M0, ETA, PT, M0, MEMBERS, OTHERS = range(NUMBERS)


class JetLaw(nn.Module):
    """Law of the numbers of a jet, each given its class and those before it.

    Args:
        width: of the hidden layers.
        components: of each mixture.

    Attributes:
        low: ``(NUMBERS,)`` lowest in training, after :func:`normal`.
        high: ``(NUMBERS,)`` highest.
    """

    low: Tensor
    high: Tensor

    def __init__(self, width: int, components: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            perceptron([1 + i, width, width, LINE * components]) for i in range(NUMBERS)
        )
        self.register_buffer("low", torch.zeros(NUMBERS))
        self.register_buffer("high", torch.ones(NUMBERS))

    def log_prob(self, label: Tensor, numbers: Tensor) -> Tensor:
        """``(n,)`` of normal numbers ``(n, NUMBERS)`` of jets of classes ``(n,)``."""
        found = []
        for i, network in enumerate(self.networks):
            law = network(torch.cat([label[:, None] * 2 - 1, numbers[:, :i]], 1))
            low, high = (x[i].expand_as(label) for x in (self.low, self.high))
            found.append(line_log_prob(law, numbers[:, i], low, high))
        return torch.stack(found, 1).sum(1)

    def sample(self, label: Tensor, uniform: Tensor) -> Tensor:
        """Normal numbers ``(n, NUMBERS)`` from ``(n, NUMBERS, 2)`` uniform ones."""
        numbers = label[:, None][:, :0]
        for i, network in enumerate(self.networks):
            law = network(torch.cat([label[:, None] * 2 - 1, numbers], 1))
            low, high = (x[i].expand_as(label) for x in (self.low, self.high))
            drawn = line_sample(law, low, high, uniform[:, i])
            numbers = torch.cat([numbers, drawn[:, None]], 1)
        return numbers


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
