"""Logistic regression on the energies of the channels: a stranger's tagger, as a whole."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.padded_hits import Hits
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import hits_graph
from calovision.training.onnx_graph import Graph
from calovision.training.settings import Training


class LogEnergiesConfig(Training):
    """Logistic regression.

    Attributes:
        softest: GeV that are added to every sum.
    """

    softest: float = Field(1.0, gt=0)


class Logits(nn.Module):
    """``(n, C)`` summed energies, GeV, to logits ``(n,)``."""

    def __init__(self, channels: int, softest: float) -> None:
        super().__init__()
        self.linear, self.softest = nn.Linear(channels, 1), softest

    def forward(self, energy: Tensor) -> Tensor:
        """``(n,)`` logits."""
        out: Tensor = self.linear((energy + self.softest).log())
        return out[:, 0]


class LogEnergiesTask(TaggerTask):
    """Cross entropy of a logistic regression."""

    def __init__(self, geometry: Geometry, config: LogEnergiesConfig) -> None:
        super().__init__(geometry, Logits(len(geometry.channels), config.softest))

    def prepare(self, events: Events) -> NDArray[np.float32]:
        """``(n, C)`` summed energies, GeV."""
        return events.sums().astype(np.float32)

    def inputs(
        self, prepared: NDArray[np.float32], chosen: NDArray[np.int64]
    ) -> tuple[Tensor, ...]:
        """The same of the ``chosen`` events."""
        return (torch.from_numpy(prepared[chosen]),)

    def graphs(self) -> list[Graph]:
        """From padded hits to a probability."""
        return [hits_graph(self, self._of_hits)]

    def _of_hits(self, hits: Hits) -> Tensor:
        sums = hits.sums(len(self.geometry.channels))
        logits: Tensor = self.network(sums.per_channel(sums.energy))
        return logits


PRESETS = {
    ("jet-tagger", "log-energies"): Preset(
        LogEnergiesTask,
        LogEnergiesConfig,
        "Logistic regression on the logarithms of summed energies.",
        {"epochs": 3, "batch": 16, "learning_rate": 0.1},
    ),
}
