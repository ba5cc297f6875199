"""Fully connected networks, and the vector fields made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn


def perceptron(
    widths: Sequence[int], activation: Callable[[], nn.Module] = nn.SiLU
) -> nn.Sequential:
    """Linear layers of the given widths, input first, with activations between them."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layers += [activation()] if i else []
        layers.append(nn.Linear(a, b))
    return nn.Sequential(*layers)


class VectorField(nn.Module):
    """A velocity in every point of a space: the generator of a flow.

    Args:
        dimension: of the space.
        width: of the hidden layers.
        layers: hidden layers.
        activation: between the layers.
    """

    def __init__(
        self,
        dimension: int,
        *,
        width: int = 128,
        layers: int = 2,
        activation: Callable[[], nn.Module] = nn.SiLU,
    ) -> None:
        super().__init__()
        self.net = perceptron([dimension, *[width] * layers, dimension], activation)

    def forward(self, z: Tensor) -> Tensor:
        """Velocities ``(n, dimension)`` at the points ``z`` ``(n, dimension)``."""
        out: Tensor = self.net(z)
        return out
