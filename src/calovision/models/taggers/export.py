"""Taggers as ONNX: from hits or images to calibrated probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features import padded_hits
from calovision.features.dense_images import image_arrays, image_inputs
from calovision.features.padded_hits import Hits, with_padding
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.out_of_distribution import Outside, domain_features
from calovision.training.onnx_graph import Arrays, Graph

OUTPUTS = {
    "probability": "float32 (events): calibrated probability of class 1 (quark; electron)",
    "logit": "float32 (events): what the network gives, uncalibrated",
    "out_of_distribution": "bool (events): unlike the training; the probability has no ground",
}


class Calibrated(nn.Module):
    """Logits to calibrated probabilities.

    Args:
        task: the trained tagger.
    """

    def __init__(self, task: TaggerTask) -> None:
        super().__init__()
        self.slope, self.offset = float(task.slope), float(task.offset)

    def forward(self, logit: Tensor) -> Tensor:
        """``(n,)`` to the same."""
        return torch.sigmoid(self.slope * logit + self.offset)


class SetTagger(nn.Module):
    """A tagger of padded hits.

    Args:
        task: the trained tagger.
        logits: padded hits to logits ``(n,)``.
    """

    def __init__(self, task: TaggerTask, logits: Callable[[Hits], Tensor]) -> None:
        super().__init__()
        self.out_of_distribution = Outside(task.domain, len(task.geometry.channels))
        self.calibrated, self.logits = Calibrated(task), logits

    def forward(
        self, eta: Tensor, phi: Tensor, energy: Tensor, channel: Tensor
    ) -> tuple[Tensor, ...]:
        """Probability, logit and whether an event is out of distribution, ``(n,)`` each."""
        hits = with_padding(Hits(eta, phi, energy, channel))
        logit = self.logits(hits)
        return self.calibrated(logit), logit, self.out_of_distribution(hits)


def gathered(x: Tensor, near: Tensor) -> Tensor:
    """Rows ``(n, h, k, width)`` of ``x`` ``(n, h, width)`` by their numbers ``(n, h, k)``."""
    index = near.flatten(1)[..., None].expand(-1, -1, x.shape[2])
    return x.gather(1, index).view(*near.shape, x.shape[2])


class ImageTagger(nn.Module):
    """A tagger of dense images.

    Args:
        task: the trained tagger.
        network: images ``(n, C, rows, cols)`` in image units to logits.
    """

    def __init__(self, task: TaggerTask, network: nn.Module) -> None:
        super().__init__()
        self.network, self.calibrated = network, Calibrated(task)
        self.out_of_distribution = Outside(task.domain, len(task.geometry.channels))
        self.cells = Cells(task.geometry)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Probability, logit and whether an event is out of distribution, ``(n,)`` each."""
        logit = self.network(images)
        return self.calibrated(logit), logit, self.out_of_distribution(self.cells(images))


class Cells(nn.Module):
    """Every readout cell of dense images (image units) as a hit; as padding where it is empty."""

    eta: Tensor
    phi: Tensor
    scale: Tensor
    channel: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        grid = np.arange(geometry.cells).reshape(geometry.rows, geometry.cols)
        self.blocks = [c.block for c in geometry.channels]
        cell = [grid[b // 2 :: b, b // 2 :: b].ravel() for b in self.blocks]
        number = np.repeat(np.arange(len(cell)), [len(c) for c in cell])
        scale = np.array([c.block**2 * c.gev_per_unit for c in geometry.channels], np.float32)
        for name, table in (
            ("eta", geometry.eta(np.concatenate(cell))),
            ("phi", geometry.phi(np.concatenate(cell))),
            ("scale", scale[number]),
            ("channel", number),
        ):
            self.register_buffer(name, torch.from_numpy(table))

    def forward(self, images: Tensor) -> Hits:
        """Hits ``(n, cells of all channels)`` of ``(n, C, rows, cols)``."""
        cells = [
            images[:, i, b // 2 :: b, b // 2 :: b].flatten(1) for i, b in enumerate(self.blocks)
        ]
        value = torch.cat(cells, 1)
        eta, phi = self.eta.expand_as(value), self.phi.expand_as(value)
        return Hits(eta, phi, value * self.scale, torch.where(value != 0, self.channel, -1))


def hits_graph(task: TaggerTask, logits: Callable[[Hits], Tensor]) -> Graph:
    """A tagger of hits as a graph; ``logits`` takes them padded."""
    return Graph(
        "",
        SetTagger(task, logits),
        padded_hits.INPUTS,
        OUTPUTS,
        padded_hits.FREE,
        padded_hits.prepared,
        scores(task),
        "Any order.",
    )


def images_graph(task: TaggerTask, network: nn.Module) -> Graph:
    """A tagger of dense images in image units as a graph."""
    return Graph(
        "",
        ImageTagger(task, network),
        image_inputs(task.geometry),
        OUTPUTS,
        {"images": ("events",)},
        image_arrays,
        scores(task),
    )


def scores(task: TaggerTask) -> Callable[[Events], Arrays]:
    """Outputs of a tagger by the package's own way."""

    def expected(events: Events) -> Arrays:
        logit = task.logits(task.dataset(events))
        unlike = task.domain.out_of_distribution(domain_features(events))
        found = (task.probabilities(logit), logit, unlike)
        return dict(zip(OUTPUTS, found, strict=True))

    return expected
