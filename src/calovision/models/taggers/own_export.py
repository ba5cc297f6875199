"""Networks of the user's own as ONNX: from hits, images or a graph to probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.features.padded_hits import Hits
from calovision.models.taggers.export import OUTPUTS, Calibrated, scores
from calovision.training.onnx_graph import Arrays, Graph

if TYPE_CHECKING:
    from calovision.models.taggers.own import ModuleTagger


class OwnImages(nn.Module):
    """A tagger's network on dense images in image units.

    Args:
        task: the trained tagger.
    """

    scale: Tensor

    def __init__(self, task: ModuleTagger) -> None:
        super().__init__()
        self.network = task.network
        scale = torch.tensor([c.gev_per_unit for c in task.geometry.channels])
        self.register_buffer("scale", scale[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """``(n,)`` logits."""
        out: Tensor = self.network(images * self.scale)
        return out


class OwnHits(nn.Module):
    """A tagger's network on padded hits.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: ModuleTagger) -> None:
        super().__init__()
        self.network, self.hits = task.network, task.form.max_hits

    def forward(self, hits: Hits) -> Tensor:
        """``(n,)`` logits."""
        eta, phi, energy, channel = (nn.functional.pad(x, (0, self.hits)) for x in hits)
        known = nn.functional.pad(hits.channel >= 0, (0, self.hits))
        order = torch.where(known, energy.abs(), -1.0).topk(self.hits, dim=1).indices
        columns = torch.stack([channel.float(), eta, phi, energy], 2)
        table = torch.where(known[..., None], columns, 0.0)
        out: Tensor = self.network(table.gather(1, order[..., None].expand(-1, -1, 4)))
        return out


class OwnGraph(nn.Module):
    """A tagger's network on the graph of one event.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: ModuleTagger) -> None:
        super().__init__()
        self.network, self.calibrated = task.network, Calibrated(task)

    def forward(self, x: Tensor, pos: Tensor, edge_index: Tensor) -> tuple[Tensor, ...]:
        """Probability and logit ``(1,)``."""
        from torch_geometric.data import Data

        # Without numbers of events, pools of torch_geometric take all nodes as those of one.
        logit: Tensor = self.network(Data(x=x, pos=pos, edge_index=edge_index))
        return self.calibrated(logit), logit


def one_graph(task: ModuleTagger) -> Graph:
    """A tagger of graphs, which is given one event at a time."""

    def prepared(events: Events) -> Arrays:
        (graph,) = task.inputs(task.prepare(events), np.arange(len(events)))
        return {k: graph[k].numpy() for k in ("x", "pos", "edge_index")}

    names, scored = ("probability", "logit"), scores(task)
    k, channels = task.form.neighbours, len(task.geometry.channels)
    return Graph(
        "",
        OwnGraph(task),
        {
            "x": f"float32 (nodes, {channels}): contents of the nonzero pixels, image units; one"
            " node of zeros for an event without hits",
            "pos": "float32 (nodes, 2): eta and phi from the window's centre (rad)",
            "edge_index": f"int64 (2, edges): from each of the {k} nearest nodes to a node",
        },
        {name: OUTPUTS[name] for name in names},
        {"x": ("nodes",), "pos": ("nodes",), "edge_index": ("", "edges")},
        prepared,
        lambda events: {name: scored(events)[name] for name in names},
        "One event at a time. out_of_distribution is left out.",
        alone=True,
    )
