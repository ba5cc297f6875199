"""ResNet-15 on dense images: what pixels alone can do."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.taggers.base import TaggerTask
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.resnet15 import ResNet15


class ImageTask(TaggerTask):
    """ResNet-15 on raw images in image units, as published.

    Args:
        geometry: of the images.
        dropout: before the mean over pixels.
        bfloat16: see :class:`~calovision.networks.mixed_precision.MixedPrecision`.
    """

    def __init__(self, geometry: Geometry, *, dropout: float = 0.5, bfloat16: bool = False) -> None:
        network = ResNet15(channels=len(geometry.channels), dropout=dropout)
        # Convolutions are faster with the channels side by side in memory.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(geometry, MixedPrecision(network, bfloat16))

    @classmethod
    def from_config(cls, config: Any, geometry: Geometry) -> Self:
        """An untrained task from settings ``dropout`` and ``bfloat16``."""
        return cls(geometry, dropout=config.dropout, bfloat16=config.bfloat16)

    def prepare(self, events: Events) -> Events:
        """Images are made batch by batch: all at once they would take 190 kB a jet."""
        return events

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor]:
        """Images ``(n, C, rows, cols)``."""
        dense = torch.from_numpy(prepared[chosen].to_dense("image")).float()
        return (dense.contiguous(memory_format=torch.channels_last),)
