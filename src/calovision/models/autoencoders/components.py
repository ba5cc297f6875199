"""Principal components of images: the least that an autoencoder must beat. It is fitted at once."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from torch import Tensor

from calovision.events.events import Events
from calovision.models.autoencoders.image_autoencoder import ImageAutoencoderTask
from calovision.training.onnx_graph import Graph
from calovision.training.task import Batch


class Components(ImageAutoencoderTask):
    """Codes are the projections of an image's readout cells on the directions that vary most.

    Args:
        train: events that the directions are fitted to, and thresholds.
        latent: how many.
        seed: of the fit.
    """

    def __init__(self, train: Events, latent: int, seed: int = 1) -> None:
        super().__init__(train.geometry)
        channels = self.geometry.channels
        self.sides = [
            (self.geometry.rows // c.block, self.geometry.cols // c.block) for c in channels
        ]
        self.fitted = TruncatedSVD(latent, random_state=seed).fit(self._table(train))
        self.calibrate(train)

    @classmethod
    def from_events(cls, config: Any, geometry: Any, train: Events) -> Self:
        """Fitted to training events; ``config`` is the number of components."""
        del geometry
        return cls(train, config)

    @classmethod
    def from_state(cls, config: Any, geometry: Any, state: Any) -> Self:
        """Not kept on disk."""
        raise NotImplementedError

    @property
    def latent_numbers(self) -> int:
        """Numbers in the latent space of one image."""
        return int(self.fitted.n_components)

    def _table(self, events: Events) -> csr_matrix:
        """``(n, cells)`` content per pixel of readout cells, image units."""
        starts = np.cumsum([0, *(rows * cols for rows, cols in self.sides)])
        block = np.array([c.block for c in self.geometry.channels])[events.channel]
        cols = np.array([cols for _, cols in self.sides])[events.channel]
        row, col = np.divmod(events.cell.astype(np.int64), self.geometry.cols)
        place = starts[events.channel] + row // block * cols + col // block
        shape = len(events), int(starts[-1])
        return csr_matrix((events.value.astype(np.float64), (events.owner, place)), shape)

    def codes(self, dataset: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Projections, which leave nothing open."""
        found = self.fitted.transform(self._table(dataset[chosen])).astype(np.float32)
        mean = torch.from_numpy(found)
        return mean, torch.zeros_like(mean)

    def cells(self, codes: Tensor) -> list[Tensor]:
        """Decoded content per readout cell of each channel (image units)."""
        flat = torch.from_numpy(self.fitted.inverse_transform(codes.cpu().numpy()))
        parts = torch.split(flat.float(), [rows * cols for rows, cols in self.sides], 1)
        return [part.view(-1, *sides) for part, sides in zip(parts, self.sides, strict=True)]

    def batch(self, dataset: Events, chosen: NDArray[np.int64]) -> Batch:
        """Nothing is trained step by step."""
        raise NotImplementedError

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Nothing is trained step by step."""
        raise NotImplementedError

    def graphs(self) -> list[Graph]:
        """None."""
        return []
