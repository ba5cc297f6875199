"""ResNet-15 on dense images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import images_graph
from calovision.models.taggers.settings import TaggerTraining
from calovision.networks.mixed_precision import MixedPrecision
from calovision.networks.resnet15 import ResNet15
from calovision.training.onnx_graph import Graph


class ResNetConfig(TaggerTraining):
    """ResNet-15 on dense images.

    Attributes:
        dropout: in the head.
        bfloat16: compute in half precision where the processor is faster at it.
    """

    dropout: float = Field(0.5, ge=0, lt=1)
    bfloat16: bool = True


class ImageTask(TaggerTask):
    """ResNet-15 on raw images in image units, as published.

    Args:
        geometry: of the images.
        config: dropout, and precision.
    """

    network: MixedPrecision

    def __init__(self, geometry: Geometry, config: ResNetConfig) -> None:
        network = ResNet15(channels=len(geometry.channels), dropout=config.dropout)
        # Convolutions are faster with the channels side by side in memory.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(geometry, MixedPrecision(network, config.bfloat16))

    def prepare(self, events: Events) -> Events:
        """Images are made batch by batch: all at once they would take 190 kB a jet."""
        return events

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor]:
        """Images ``(n, C, rows, cols)``."""
        dense = torch.from_numpy(prepared[chosen].to_dense("image")).float()
        return (dense.contiguous(memory_format=torch.channels_last),)

    def graphs(self) -> list[Graph]:
        """From images to a probability."""
        return [images_graph(self, self.network.network)]


PRESETS = {
    ("jet-tagger", "resnet15"): Preset(
        ImageTask,
        ResNetConfig,
        "ResNet-15 as published for electrons and photons: Adam 1e-3, weight decay 1e-4, "
        "batch 64, 100 epochs; its falling learning rate at plateaus is a cosine here, which "
        "ends with any budget.",
        {
            "epochs": 100,
            "batch": 64,
            "learning_rate": 0.001,
            "weight_decay": 0.0001,
            "schedule": "cosine",
        },
    ),
    ("egamma", "baseline"): Preset(
        ImageTask,
        ResNetConfig,
        "ResNet-15 as published: Adam 1e-3 with weight decay 1e-4 in the gradient, a tenth of "
        "the rate after three epochs without improvement, batch 64, 100 epochs, 70 % / 20 % / "
        "10 % of the events for training, validation and test with seed 42.",
        {
            "seed": 42,
            "validation": 0.2,
            "epochs": 100,
            "batch": 64,
            "learning_rate": 0.001,
            "weight_decay": 0.0001,
            "optimiser": "adam",
            "schedule": "plateau",
            "validate_every": 0,
        },
    ),
}
