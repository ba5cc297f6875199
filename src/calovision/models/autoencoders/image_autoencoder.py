"""The base of autoencoders of dense images: a threshold per channel says which cells are hits."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.dense_images import hits_above
from calovision.models.autoencoders.base import AutoencoderTask

CALIBRATION_JETS = 1000  #: most validation events that the thresholds are chosen on


class ImageAutoencoderTask(AutoencoderTask):
    """An autoencoder whose decoder gives every cell some content.

    :meth:`calibrate` sets the threshold of each channel where the F1 of the occupancy on validation
    events is best, which is the most favourable choice.

    Args:
        geometry: of the images.
    """

    threshold: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry)
        self.register_buffer("threshold", torch.zeros(len(geometry.channels)))

    @abstractmethod
    def cells(self, codes: Tensor) -> list[Tensor]:
        """Decoded content per readout cell of each channel (image units), on the CPU."""

    def dataset(self, events: Events) -> Events:
        """Plain events, of which dense images are made batch by batch."""
        return events

    @torch.no_grad()
    def calibrate(self, dataset: Events) -> None:
        """Choose the hit threshold of every channel on validation jets."""
        jets, chunk = min(CALIBRATION_JETS, len(dataset)), 250
        levels = torch.logspace(-6, 0, 121, device="cpu")
        hits = levels.new_zeros(len(self.threshold), len(levels), 2)
        truth = levels.new_zeros(len(self.threshold))
        for start in range(0, jets, chunk):
            chosen = np.arange(start, min(start + chunk, jets))
            cells = self.cells(self.codes(dataset, chosen)[0])
            dense = torch.from_numpy(dataset[chosen].to_dense("image"))
            for i, channel in enumerate(self.geometry.channels):
                middle = channel.block // 2
                true = dense[:, i, middle :: channel.block, middle :: channel.block] > 0
                truth[i] += true.sum()
                for right, of in ((0, cells[i]), (1, cells[i][true])):
                    ordered = of.flatten().sort().values
                    above = len(ordered) - torch.searchsorted(ordered, levels)
                    hits[i, :, right] += above
        f1 = 2 * hits[..., 1] / (hits[..., 0] + truth[:, None])
        self.threshold.copy_(levels[f1.argmax(1)])
        super().calibrate(dataset)

    @torch.no_grad()
    def decode(self, codes: Tensor, generator: torch.Generator) -> Events:
        """The cells above the thresholds."""
        return hits_above(self.cells(codes), self.threshold.cpu(), self.geometry)
