"""Conditional distributions of the hits and energies of the two halves of a node.

The laws are mixtures with closed-form densities and samplers; parameters come from a small network
that sees the node's surroundings. Variables are drawn one after another, channel by channel: how
many hits lie in the first half, then which part of the energy.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calovision.networks.logistic_mixture import (
    COUNT_PARTS,
    COUNT_WIDTHS,
    ENERGY_PARTS,
    ENERGY_WIDTHS,
    MIN_FRACTION,
)

OUTCOME = 4  #: numbers by which a channel's outcome enters the networks of later ones


class Splitter(nn.Module):
    """Parameters of the laws of one stage.

    Args:
        inputs: numbers of a node's context.
        conditions: numbers about the whole event.
        channels: channels that are cut.
        width: hidden width.
        head: hidden width of the network of each variable.
    """

    def __init__(
        self, *, inputs: int, conditions: int, channels: int, width: int = 128, head: int = 64
    ) -> None:
        super().__init__()
        self.near = nn.Linear(inputs, width)
        self.event = nn.Linear(conditions, width)
        self.inner = nn.Linear(width, width)
        self.count = nn.ModuleList(
            _head(width + OUTCOME * c, head, 3 * COUNT_PARTS) for c in range(channels)
        )
        self.energy = nn.ModuleList(
            _head(width + OUTCOME * c + 2, head, 3 * ENERGY_PARTS) for c in range(channels)
        )

    def forward(self, context: Tensor, conditions: Tensor, owner: Tensor) -> Tensor:
        """``(m, width)`` features of nodes.

        Args:
            context: ``(m, inputs)``.
            conditions: ``(n, conditions)`` of the events.
            owner: ``(m,)`` int64 event of every node.
        """
        spare = not torch.is_grad_enabled()  # what is not needed again may be overwritten
        entered = self.near(context)
        entered += self.event(conditions)[owner]
        hidden = F.silu(entered, inplace=spare)
        out: Tensor = F.silu(self.inner(hidden), inplace=spare)
        out += hidden
        return out

    def count_law(self, channel: int, hidden: Tensor, outcomes: Tensor) -> Tensor:
        """``(m, 9)`` parameters for the hits of a channel, given ``outcomes`` of earlier ones."""
        law: Tensor = self.count[channel](torch.cat([hidden, outcomes], 1))
        return law

    def energy_law(self, channel: int, hidden: Tensor, outcomes: Tensor) -> Tensor:
        """``(m, 12)`` parameters for the energy; ``outcomes`` include this channel's hits."""
        law: Tensor = self.energy[channel](torch.cat([hidden, outcomes], 1))
        return law


def outcomes(whole: Tensor, first: Tensor, unit: Tensor) -> Tensor:
    """``(m, 4 C)`` what later variables of a node know of its cut, channel by channel.

    Logarithms of the hits in the first and the second half, then of their energies.
    """
    energy = unit[: whole.shape[1]]
    second = whole - first
    parts = [
        torch.log1p(first[..., 0]),
        torch.log1p(second[..., 0].clamp(min=0)),
        torch.log1p(first[..., 1] / energy),
        torch.log1p(second[..., 1].clamp(min=0) / energy),
    ]
    return torch.stack(parts, -1).flatten(1)


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        # Components start side by side: equal ones would never part.
        parts = outputs // 3
        last.bias.copy_(
            torch.cat([torch.zeros(parts), torch.linspace(-1, 1, parts), torch.zeros(parts)])
        )
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), last)


def _count_mixture(law: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logarithmic weights, places and widths of the logistics on ``[low - 1/2, high + 1/2]``."""
    weight, place, width = law.chunk(3, 1)
    span = (high - low + 1)[:, None]
    centre = low[:, None] - 0.5 + span * (0.5 + 0.5 * place)
    return weight.log_softmax(1), centre, span * torch.exp(width.clamp(*COUNT_WIDTHS) - 1)


def count_sample(law: Tensor, uniform: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Draw counts of :func:`~calovision.networks.logistic_mixture.count_log_prob`.

    ``uniform`` ``(m, 2)`` are random in [0, 1).
    """
    weight, centre, width = _count_mixture(law.double(), low, high)
    part = _component(weight, uniform[:, 0])
    centre, width = (x.gather(1, part)[:, 0] for x in (centre, width))
    lower, upper = ((e - centre) / width for e in (low - 0.5, high + 0.5))
    # On the side of the logistic where its tail can be told from nothing.
    turned = (lower + upper) > 0
    a, b = torch.where(turned, -upper, lower), torch.where(turned, -lower, upper)
    # The logistic, written out: some runtimes' own loses its small values in rounding.
    below, above = (1 / (1 + torch.exp(-x)) for x in (a, b))
    between = below + uniform[:, 1] * (above - below)
    # Bounds that single precision has too: some runtimes keep them in it.
    drawn = torch.logit(between.clamp(1e-37, 1 - 2**-24))
    place = centre + width * torch.where(turned, -drawn, drawn)
    return torch.minimum(torch.maximum(place.round(), low.double()), high.double()).float()


def energy_sample(law: Tensor, uniform: Tensor) -> Tensor:
    """Draw fractions of :func:`~calovision.networks.logistic_mixture.energy_log_prob`.

    ``uniform`` ``(m, 2)`` are random in [0, 1).
    """
    weight, centre, width = law.chunk(3, 1)
    part = _component(weight.log_softmax(1), uniform[:, 0])
    scale = torch.exp(width.clamp(*ENERGY_WIDTHS)).gather(1, part)[:, 0]
    place = 2 * centre.gather(1, part)[:, 0]
    logit = place + scale * uniform[:, 1].clamp(1e-7, 1 - 1e-7).logit()
    return logit.sigmoid().clamp(MIN_FRACTION, 1 - MIN_FRACTION)


def _component(weight: Tensor, uniform: Tensor) -> Tensor:
    """``(m, 1)`` a mixture component for each row of logarithmic weights."""
    above = weight.exp().cumsum(1)[:, :-1] <= uniform[:, None].to(weight.dtype)
    return above.sum(1, keepdim=True)
