"""Networks of one's own from hits or images to probabilities, or to codes and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calovision.deploy.autoencoders import cell_energies, cells_of, cells_told
from calovision.deploy.graph import Arrays, Graph, numpy_of
from calovision.deploy.hits import Hits
from calovision.deploy.taggers import OUTPUTS, Calibrated
from calovision.events.events import Events
from calovision.models.autoencoders.own import ModuleAutoencoder
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


def one_graph(task: ModuleTagger, scores: Callable[[Events], Arrays]) -> Graph:
    """A tagger of graphs, which is given one event at a time.

    Args:
        task: the trained tagger.
        scores: outputs of the tagger by the package's own way.
    """

    def prepared(events: Events) -> Arrays:
        (graph,) = task.inputs(task.prepare(events), np.arange(len(events)))
        return {k: graph[k].numpy() for k in ("x", "pos", "edge_index")}

    names = ("probability", "logit")
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
        lambda events: {name: scores(events)[name] for name in names},
        "One event at a time. out_of_distribution is left out.",
        alone=True,
    )


class OwnEncoder(nn.Module):
    """Dense images in image units to codes, and their logarithmic variances where there are any."""

    def __init__(self, task: ModuleAutoencoder) -> None:
        super().__init__()
        self.network, self.scale = task.network, task.scale

    def forward(self, images: Tensor) -> Any:
        """``(n, C, rows, cols)`` to ``(n, ...)``."""
        return self.network.encode(images * self.scale)


class OwnDecoder(nn.Module):
    """Codes to the energy of every readout cell, channel by channel."""

    def __init__(self, task: ModuleAutoencoder) -> None:
        super().__init__()
        self.task, self.network = task, task.network

    def forward(self, code: Tensor) -> tuple[Tensor, ...]:
        """``(n, ...)`` to ``(n, rows / block, cols / block)`` of every channel, GeV."""
        images = self.network.decode(code) / self.task.scale
        return cell_energies(images, self.task.threshold, self.task.geometry)


def autoencoder_graphs(task: ModuleAutoencoder, images: dict[str, str]) -> list[Graph]:
    """Encoder and decoder of an autoencoder of one's own.

    Args:
        task: trained.
        images: what the input of models of dense images is.
    """

    def dense(events: Events) -> Arrays:
        return {"images": events.to_dense("image").astype(np.float32)}

    def parts(events: Events) -> tuple[Tensor, ...]:
        with torch.no_grad():
            found = task.network.encode(torch.from_numpy(events.to_dense()).float())
        return (found,) if isinstance(found, Tensor) else tuple(found[:2])

    def encoded(events: Events) -> Arrays:
        return numpy_of(names, parts(events))

    def code(events: Events) -> Arrays:
        return {"code": encoded(events)["code"]}

    def decoded(events: Events) -> Arrays:
        return cells_of(task.reconstruct(events, np.arange(len(events)), torch.Generator())[0])

    blank = Events(
        task.geometry,
        np.zeros(2, np.int64),
        np.zeros(0, np.uint16),
        np.zeros(0, np.uint8),
        np.zeros(0, np.float32),
    )
    shapes = [", ".join(map(str, t.shape[1:])) for t in parts(blank)]
    said = ("codes, or their means", "their logarithmic variances")
    names = {
        name: f"float32 (events, {shape}): {what}"
        for name, shape, what in zip(("code", "log_variance"), shapes, said, strict=False)
    }
    free = ("events",)
    return [
        Graph("encoder", OwnEncoder(task), images, names, {"images": free}, dense, encoded),
        Graph(
            "decoder",
            OwnDecoder(task),
            {"code": names["code"]},
            cells_told(task.geometry),
            {"code": free},
            code,
            decoded,
        ),
    ]
