"""The published tagger on graphs of pixels, and the same network with the missing geometry."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.graphs import GraphView, Space
from calovision.models.taggers.base import TaggerTask
from calovision.networks.graph_sage import GraphSAGE

SCALING_EVENTS = 1000  #: most training events that the scale of the inputs is taken from


class GraphTask(TaggerTask):
    """GraphSAGE on nonzero pixels with their contents, joined with the ``k`` nearest.

    Equal pixels are merged, which changes no output (see :mod:`calovision.events.graphs`). The
    only addition to the published recipe: inputs are divided by their standard deviation in the
    training events, since in image units they are some 0.01. Distances between contents are in
    image units, as published.

    Args:
        geometry: of the images.
        k: neighbours of a pixel.
        positions: take neighbours in (eta, phi) and give the network eta and phi too; published
            is the graph of contents alone.
        dropout: in the head.
    """

    scale: Tensor
    network: GraphSAGE

    def __init__(
        self, geometry: Geometry, *, k: int = 10, positions: bool = False, dropout: float = 0.3
    ) -> None:
        inputs = len(geometry.channels) + (2 if positions else 0)
        super().__init__(geometry, GraphSAGE(inputs=inputs, dropout=dropout))
        self.k, self.positions = k, positions
        self.register_buffer("scale", torch.ones(inputs))

    @classmethod
    def from_config(cls, config: Any, geometry: Geometry) -> Self:
        """An untrained task from settings ``k``, ``positions`` and ``dropout``."""
        return cls(geometry, k=config.k, positions=config.positions, dropout=config.dropout)

    def fit(self, train: Events) -> None:
        """Standard deviations of the inputs over pixels."""
        some = train[:SCALING_EVENTS]
        features, _, _, _, size = self.inputs(self.prepare(some), np.arange(len(some)))
        weight = (size / size.sum()).double()[:, None]
        mean = (weight * features).sum(0)
        spread = (weight * (features - mean) ** 2).sum(0).sqrt()
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))

    def prepare(self, events: Events) -> GraphView:
        """Graphs of all events."""
        space: Space = "position" if self.positions else "value"
        return GraphView.of(events, self.k, space, workers=torch.get_num_threads())

    def inputs(self, prepared: GraphView, chosen: NDArray[np.int64]) -> tuple[Any, ...]:
        """Scaled features, sparse means, event of each node, events, pixels of each node."""
        graph = prepared.merged(chosen)
        features = graph.features
        if self.positions:
            features = torch.cat([features, graph.position], dim=1)
        means = (graph.mean, graph.mean_t)
        return features / self.on_host("scale"), means, graph.batch, len(chosen), graph.size
