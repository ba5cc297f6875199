"""Does a jet look like those a tagger was trained on? A distance, and a limit on it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events

KNOWN_SHARE = 0.999  #: share of the training events that count as known


def domain_features(events: Events) -> NDArray[np.float32]:
    """``(n, 3 C)``: per channel the logarithms of 1 + hits, 1 + summed and 1 + largest energy, GeV.

    They move with the scale of an event and the state of the detector, hardly with the label.
    """
    owner, channel = events.owner, events.channel
    channels = len(events.geometry.channels)
    largest = np.zeros((len(events), channels))
    np.maximum.at(largest, (owner, channel), events.energy)
    sums = np.maximum(events.sums(), 0)
    table = np.concatenate([events.counts(), sums, largest], axis=1)
    logs: NDArray[np.float32] = np.log1p(table).astype(np.float32)
    return logs


class Domain(nn.Module):
    """Mahalanobis distance to the training events, and the limit that nearly all of them keep.

    A Gaussian of the inputs' own summaries in place of a network's features (arXiv:1807.03888),
    so that the flag does not depend on the model.

    Args:
        features: numbers an event.
    """

    mean: Tensor
    whitening: Tensor
    limit: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("whitening", torch.eye(features))
        self.register_buffer("limit", torch.tensor(torch.inf))

    def fit(self, features: NDArray[np.float32]) -> None:
        """Take the mean, the covariance and the limit of the training events ``(n, features)``."""
        table = features.astype(np.float64)
        covariance = np.cov(table.T) + 1e-6 * np.eye(table.shape[1])
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        self.mean.copy_(torch.from_numpy(table.mean(0)))
        self.whitening.copy_(torch.from_numpy(whitening))
        self.limit.copy_(torch.quantile(self(torch.from_numpy(features)), KNOWN_SHARE))

    def forward(self, features: Tensor) -> Tensor:
        """``(n,)`` distance in standard deviations."""
        distance: Tensor = ((features - self.mean) @ self.whitening).norm(dim=1)
        return distance

    def foreign(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """``(n,)`` true for events outside the limit."""
        far: NDArray[np.bool_] = (self(torch.from_numpy(features)) > self.limit).numpy()
        return far
