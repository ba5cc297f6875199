"""The numbers of a jet: its columns, where its image was taken, how many objects it has, their sum.

They are turned into numbers of order one by their means and covariance, so that each is near
nothing but what those before it cannot tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.models.generators.hits.tokens import KINDS, Objects
from calovision.models.generators.sequences import ETA
from calovision.networks.chain_law import ChainLaw
from calovision.utils import streams

if TYPE_CHECKING:
    from calovision.events.events import Events

#: after the columns: towers from eta 0, numbers of objects, and sums of energies over thresholds
MORE = 1 + 2 * KINDS
COUNTS, SUMS = slice(-2 * KINDS, -KINDS), slice(-KINDS, None)
WINDOW = -MORE
_LOWEST = 0.1  #: GeV; columns below it count as that much
_MARGIN = 0.2  #: by which bounds lie beyond the training jets


class JetNumbers(nn.Module):
    """Law of the numbers of a jet.

    Args:
        columns: names of those of ``COLUMNS`` that are learned.
        width: of the hidden layers.
        components: of the mixtures.
    """

    centre: Tensor
    mix: Tensor
    width: Tensor
    most: Tensor

    def __init__(self, columns: tuple[str, ...], width: int, components: int) -> None:
        super().__init__()
        self.columns = columns
        self.size = len(columns) + MORE
        self.law = ChainLaw(self.size, width, components)
        self.register_buffer("centre", torch.zeros(self.size))
        self.register_buffer("mix", torch.eye(self.size))
        self.register_buffer("width", torch.ones(self.size))
        self.register_buffer("most", torch.zeros(KINDS))

    def fit(self, numbers: Tensor) -> None:
        """Fit scales and bounds to training jets ``(n, size)``."""
        generator = streams.torch_rng(streams.Stream.SPREAD, 0)
        spread = torch.rand(len(numbers), 1 + KINDS, generator=generator)
        found = self._raw(numbers, spread).double()
        self.centre.copy_(found.mean(0))
        self.most.copy_(numbers[:, COUNTS].amax(0))
        covariance = torch.cov(found.T, correction=0)
        self.width.copy_(covariance.diagonal().sqrt().clamp(min=1e-3))
        self.mix.copy_(torch.linalg.cholesky(covariance + 1e-6 * torch.eye(self.size)))
        shown = self.normal(numbers, spread)
        self.law.low.copy_(shown.amin(0) - _MARGIN)
        self.law.high.copy_(shown.amax(0) + _MARGIN)

    def _raw(self, numbers: Tensor, spread: Tensor) -> Tensor:
        last = len(self.columns)
        parts = [
            numbers[:, i] if name == ETA else numbers[:, i].clamp(min=_LOWEST).log()
            for i, name in enumerate(self.columns)
        ]
        counts = (numbers[:, COUNTS] + spread[:, 1:] + 0.5).log()
        rest = [numbers[:, last, None] + spread[:, :1], counts, (numbers[:, SUMS] + 1).log()]
        return torch.cat([*(p[:, None] for p in parts), *rest], 1)

    def normal(self, numbers: Tensor, spread: Tensor) -> Tensor:
        """Numbers ``(n, size)`` as the law sees them.

        Args:
            numbers: GeV; whole ones are 0 or more.
            spread: ``(n, 1 + KINDS)`` in 0..1, added to whole numbers to give them a density.
        """
        away = (self._raw(numbers, spread) - self.centre).T
        found: Tensor = torch.linalg.solve_triangular(self.mix, away, upper=False)
        return found.T

    def physical(self, normal: Tensor) -> Tensor:
        """The inverse of :meth:`normal`, without the spread."""
        raw = normal @ self.mix.T + self.centre
        last = len(self.columns)
        parts = [
            raw[:, i] if name == ETA else raw[:, i].exp() for i, name in enumerate(self.columns)
        ]
        counts = (raw[:, COUNTS].exp() - 0.5).floor().clamp(min=0).minimum(self.most)
        sums = torch.where(counts > 0, (raw[:, SUMS].exp() - 1).clamp(min=0), 0.0)
        window = raw[:, last, None].floor().clamp(min=0)
        return torch.cat([*(p[:, None] for p in parts), window, counts, sums], 1)

    def shown(self, label: Tensor, numbers: Tensor) -> Tensor:
        """``(n, size + 1)`` classes and numbers, of order one, for other networks."""
        half = numbers.new_full((numbers.shape[0], 1 + KINDS), 0.5)
        found = (self._raw(numbers, half) - self.centre) / self.width
        return torch.cat([label[:, None] * 2 - 1, found], 1)

    def log_prob(self, label: Tensor, numbers: Tensor, spread: Tensor) -> Tensor:
        """``(n,)`` of jets of classes ``(n,)``."""
        shown = self.normal(numbers, spread)
        # no density beyond the bounds, where a law would be without norm
        return self.law.log_prob(label, torch.maximum(shown, self.law.low).minimum(self.law.high))

    def sample(self, label: Tensor, uniform: Tensor) -> Tensor:
        """Numbers ``(n, size)`` from ``(n, size, 2)`` uniform ones."""
        return self.physical(self.law.sample(label, uniform))


def numbers_of(events: Events, found: Objects, columns: tuple[str, ...]) -> NDArray[np.float32]:
    """``(n, size)`` numbers of jets; eta as in images that are turned over."""
    parts = [events.columns[name] * (found.side if name == ETA else 1) for name in columns]
    more = [found.window[:, None], found.counts, found.sums()]
    return np.concatenate([*(p[:, None] for p in parts), *more], 1).astype(np.float32)
