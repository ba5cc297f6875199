"""A convolutional tagger of any images, made to judge: it looks for what gives events away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.batching import hardest_first
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.taggers.base import TaggerTask
from calovision.networks.cell_net import CellNet
from calovision.training.onnx_graph import Graph

TIME = 10.0  #: ns; times well below it enter linearly
MOST = 1024  #: places of an event that are looked at, the hardest; dense outputs have 15,000


class CellsTask(TaggerTask):
    """Logarithms of energies, and where there is any, of all channels.

    Args:
        geometry: of the images.
    """

    scale: Tensor

    def __init__(self, geometry: Geometry, config: object = None) -> None:
        del config
        super().__init__(geometry, CellNet(2 * len(geometry.channels)))
        self.register_buffer("scale", torch.ones(len(geometry.channels)))

    def fit(self, train: Events) -> None:
        """Energies of each channel are measured in its median, times in :data:`TIME`."""
        for c, channel in enumerate(train.geometry.channels):
            mine = train.energy[train.channel == c]
            self.scale[c] = TIME if channel.is_time else float(np.median(mine)) if len(mine) else 1
        self.scale.clamp_(min=1e-6)

    def prepare(self, events: Events) -> Events:
        """Images are made batch by batch: all at once they would take 190 kB a jet."""
        return events

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Planes ``(n, 2 C, rows, cols)``, and event, row and column of the places with hits."""
        events, g = prepared[chosen].load(), self.geometry
        scale = self.on_host("scale").numpy()[events.channel]
        times = np.array([c.is_time for c in g.channels])[events.channel]
        measured = events.measured / scale
        # As large as the logarithm, with the sign of a time.
        strength = np.where(times, np.arcsinh(measured), np.log1p(np.maximum(measured, 0)))
        planes = _dense(events, strength.astype(np.float32))
        owner, place, hardness = events.owner, events.cell.astype(np.int64), events.energy
        order = hardest_first(owner, hardness)
        order = order[np.arange(len(order)) - events.offsets[owner] < MOST]
        there = np.unique(owner[order] * g.cells + place[order])
        event, cell = np.divmod(there, g.cells)
        found = (torch.from_numpy(x) for x in (event, cell // g.cols, cell % g.cols))
        return torch.cat([planes, (planes != 0).float()], 1), *found

    def graphs(self) -> list[Graph]:
        """None: it is made to judge here, not to be used elsewhere."""
        return []


def _dense(events: Events, value: NDArray[np.float32]) -> Tensor:
    """``(n, C, rows, cols)`` of values ``(hits,)``, which all pixels of a readout cell have."""
    whole = replace(events, value=value, columns={})
    return torch.from_numpy(np.asarray(whole.to_dense("image"), np.float32))
