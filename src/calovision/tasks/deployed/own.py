"""Networks of one's own from hits or images to probabilities, or to codes and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.tasks.deployed.autoencoders import cell_energies, cells_of, cells_told
from calovision.tasks.deployed.graph import Arrays, Graph, numpy_of
from calovision.tasks.deployed.hits import Hits
from calovision.tasks.own_autoencoder import ModuleAutoencoder
from calovision.tasks.own_tagger import ModuleTagger


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


def logits_of(task: ModuleTagger) -> OwnImages | OwnHits:
    """The network of a tagger as a graph has it.

    Raises:
        InputError: it takes graphs.
    """
    if task.form.form == "graph":
        raise InputError(
            "a network of graphs cannot be exported: ONNX has no batch of graphs",
            "export one that takes hits or dense images",
        )
    return OwnImages(task) if task.form.form == "dense" else OwnHits(task)


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
