"""The out-of-distribution flag of taggers: limits that nearly all training events keep."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.features.hit_sums import EventHits
from calovision.features.jet_shapes import scale_features
from calovision.features.padded_hits import Hits

KNOWN_SHARE = 0.999  #: share of the training events within all limits, or a little more
#: share by which limits of the domain are widened: on them, rounding must not decide
_SLACK = 1e-5


def domain_features(events: Events) -> NDArray[np.float32]:
    """``(n, 3 C + 1)``, see :func:`~calovision.features.jet_shapes.scale_features`."""
    logs: NDArray[np.float32] = scale_features(EventHits(events)).float().cpu().numpy()
    return logs


class Domain(nn.Module):
    """Lowest and highest value of each feature that counts as known.

    Limits of each feature, and no distance in all of them: a few training events with an empty
    channel stretch a covariance so far that jets of five times the energy fit in.

    Args:
        features: numbers an event.
    """

    low: Tensor
    high: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("low", torch.full((features,), -torch.inf))
        self.register_buffer("high", torch.full((features,), torch.inf))

    def fit(self, features: NDArray[np.float32]) -> None:
        """Take the limits from the training events ``(n, features)``."""
        tail = (1 - KNOWN_SHARE) / (2 * features.shape[1])
        for limit, share in ((self.low, tail), (self.high, 1 - tail)):
            limit.copy_(torch.from_numpy(np.quantile(features, share, axis=0)))

    def out_of_distribution(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """``(n,)`` true for events outside a limit."""
        table = torch.from_numpy(features)
        low, high = self.low.cpu(), self.high.cpu()
        out: NDArray[np.bool_] = ((table < low) | (table > high)).any(1).cpu().numpy()
        return out


class Outside(nn.Module):
    """Which events are unlike those of the training.

    Args:
        domain: limits that the training events keep.
        channels: number of channels.
    """

    low: Tensor
    high: Tensor

    def __init__(self, domain: Domain, channels: int) -> None:
        super().__init__()
        self.channels = channels
        for name, limit, sign in (("low", domain.low, -1), ("high", domain.high, 1)):
            self.register_buffer(name, limit + sign * _SLACK * (1 + limit.abs()))

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` bool."""
        table = scale_features(hits.sums(self.channels))
        return ((table < self.low) | (table > self.high)).any(1)
