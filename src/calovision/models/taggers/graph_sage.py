"""GraphSAGE on graphs of pixels: the published tagger, and the same network with positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.events.graphs import GraphView, Space
from calovision.models.preset import Preset
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.export import OUTPUTS, Calibrated, gathered, scores
from calovision.models.taggers.settings import TaggerTraining
from calovision.networks.graph_sage import GraphSAGE
from calovision.training.onnx_graph import Arrays, Graph

SCALING_EVENTS = 1000  #: most training events that the scale of the inputs is taken from


class GraphSAGEConfig(TaggerTraining):
    """The published tagger on graphs of pixels.

    Attributes:
        k: neighbours of a pixel.
        positions: neighbours in space and positions as inputs, instead of contents alone.
        dropout: in the head.
    """

    k: int = Field(10, ge=1, le=1000)
    positions: bool = False
    dropout: float = Field(0.3, ge=0, lt=1)


class GraphTask(TaggerTask):
    """GraphSAGE on nonzero pixels with their contents, joined with the ``k`` nearest.

    Equal pixels are merged, which changes no output (see :mod:`calovision.events.graphs`). The
    only addition to the published recipe: inputs are divided by their standard deviation in the
    training events, since in image units they are some 0.01. Distances between contents are in
    image units, as published.

    Args:
        geometry: of the images.
        config: neighbours; whether they are taken in (eta, phi) and the network is given eta and
            phi too, where the published graph is of contents alone.
    """

    scale: Tensor
    network: GraphSAGE

    def __init__(self, geometry: Geometry, config: GraphSAGEConfig) -> None:
        inputs = len(geometry.channels) + (2 if config.positions else 0)
        super().__init__(geometry, GraphSAGE(inputs=inputs, dropout=config.dropout))
        self.k, self.positions = config.k, config.positions
        self.register_buffer("scale", torch.ones(inputs))

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

    def graphs(self) -> list[Graph]:
        """From pixels with their neighbours to a probability."""
        where = "in (eta, phi)" if self.positions else "between contents"
        extra = ", then eta and phi from the window's centre (rad)" if self.positions else ""

        def prepared(events: Events) -> Arrays:
            graph = self.prepare(events).batch(np.arange(len(events)))
            owner = graph.batch.cpu().numpy()
            nodes = np.bincount(owner, minlength=len(events))
            first, width = np.cumsum(nodes) - nodes, max(int(nodes.max(initial=0)), 1)
            columns = [graph.features, graph.position] if self.positions else [graph.features]
            content = torch.cat(columns, 1).cpu().numpy()
            features = np.zeros((len(events), width, content.shape[1]), np.float32)
            mask = np.arange(width) < nodes[:, None]
            features[mask] = content
            source, target = graph.edge_index.cpu().numpy()
            order = np.argsort(target, kind="stable")
            source, target = source[order], target[order]
            degree = np.bincount(target, minlength=len(owner))
            rank = np.arange(len(target)) - (np.cumsum(degree) - degree)[target]
            event = owner[target]
            near = np.full((len(events), width, self.k), -1, np.int64)
            near[event, target - first[event], rank] = source - first[event]
            return {"features": features, "neighbours": near, "mask": mask}

        def expected(events: Events) -> Arrays:
            return {k: v for k, v in scores(self)(events).items() if k != "out_of_distribution"}

        free = ("events", "pixels")
        graph = Graph(
            "",
            GraphTagger(self),
            {
                "features": "float32 (events, pixels, F): contents of a nonzero pixel in all"
                f" channels, image units{extra}",
                "neighbours": f"int64 (events, pixels, {self.k}): the nearest other nonzero pixels,"
                f" {where}, by their number in the event; -1 for none",
                "mask": "bool (events, pixels): false for padding",
            },
            {k: v for k, v in OUTPUTS.items() if k != "out_of_distribution"},
            {"features": free, "neighbours": free, "mask": free},
            prepared,
            expected,
            "The search for neighbours is left to the caller; out_of_distribution is left out.",
        )
        return [graph]


class GraphTagger(nn.Module):
    """The published GraphSAGE on pixels whose neighbours are given.

    Args:
        task: the trained tagger.
    """

    scale: Tensor

    def __init__(self, task: GraphTask) -> None:
        super().__init__()
        self.network, self.calibrated = task.network, Calibrated(task)
        self.register_buffer("scale", task.scale)

    def forward(self, features: Tensor, neighbours: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Probability and logit ``(n,)``."""
        x, known = features / self.scale, (neighbours >= 0).float()[..., None]
        near = neighbours.clamp(min=0)
        for layer in self.network.layers:
            total = (gathered(x, near) * known).sum(2)
            mean = total / known.sum(2).clamp(min=1)
            x = (layer.lin_l(mean) + layer.lin_r(x)).relu()  # type: ignore[operator]
        keep = mask[..., None].float()
        x = (x * keep).sum(1) / keep.sum(1).clamp(min=1)
        for dense in self.network.dense:
            x = F.relu(dense(x))
        out = self.network.out(x)
        logit = out[:, 1] - out[:, 0]
        return self.calibrated(logit), logit


PRESETS = {
    ("jet-tagger", "baseline"): Preset(
        GraphTask,
        GraphSAGEConfig,
        "The published starting point: GraphSAGE (arXiv:1706.02216) on lit pixels, each joined to "
        "the k = 10, 4 or 2 with the most similar channel values; it knows no positions. Adam "
        "1e-3, 40 epochs, batches of 32 jets.",
        {
            "epochs": 40,
            "batch": 32,
            "learning_rate": 0.001,
            "validate_every": 250,
        },
    ),
    ("jet-tagger", "graphsage-xy"): Preset(
        GraphTask,
        GraphSAGEConfig,
        "The network and training of the baseline, given eta and phi and neighbours in them: what "
        "the missing geometry costs.",
        {
            "positions": True,
            "epochs": 40,
            "batch": 32,
            "learning_rate": 0.001,
            "validate_every": 250,
        },
    ),
}
