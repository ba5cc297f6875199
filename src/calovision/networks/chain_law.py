"""A law of several numbers of an event, each given those before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calovision.networks.mixtures import LINE, line_log_prob, line_sample
from calovision.networks.perceptron import perceptron


class ChainLaw(nn.Module):
    """Law of numbers of order one, each given a class and the numbers before it.

    Args:
        numbers: how many.
        width: of the hidden layers.
        components: of each mixture.

    Attributes:
        low: ``(numbers,)`` lowest there can be.
        high: ``(numbers,)`` highest.
    """

    low: Tensor
    high: Tensor

    def __init__(self, numbers: int, width: int, components: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            perceptron([1 + i, width, width, LINE * components]) for i in range(numbers)
        )
        self.register_buffer("low", torch.zeros(numbers))
        self.register_buffer("high", torch.ones(numbers))

    def log_prob(self, label: Tensor, numbers: Tensor) -> Tensor:
        """``(n,)`` of ``(n, numbers)`` of events of classes ``(n,)``."""
        found = []
        for i, network in enumerate(self.networks):
            law = network(torch.cat([label[:, None] * 2 - 1, numbers[:, :i]], 1))
            low, high = (x[i].expand_as(label) for x in (self.low, self.high))
            found.append(line_log_prob(law, numbers[:, i], low, high))
        return torch.stack(found, 1).sum(1)

    def sample(self, label: Tensor, uniform: Tensor) -> Tensor:
        """``(n, numbers)`` from ``(n, numbers, 2)`` uniform ones."""
        numbers = label[:, None][:, :0]
        for i, network in enumerate(self.networks):
            law = network(torch.cat([label[:, None] * 2 - 1, numbers], 1))
            low, high = (x[i].expand_as(label) for x in (self.low, self.high))
            drawn = line_sample(law, low, high, uniform[:, i])
            numbers = torch.cat([numbers, drawn[:, None]], 1)
        return numbers
