"""Our electron/photon classifier: crops as shares of their energy, times where there is energy.

Neither the beams nor, electrons having either charge, the solenoid tell left from right: crops may
be mirrored along eta and along phi.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.networks.crop_net import TIMED, CropNet
from calovision.tasks.tagger import TaggerTask

ROWS = 12  #: along eta, around the hottest crystal; a shower reaches no farther
NUMBERS = 3  #: logarithms of the summed energy and of 1 + hits, share of the energy beyond the rows
SOFTEST = 1e-3  #: GeV; sums below it count as this
TIME_UNIT = 0.25  #: image units; times well below it enter linearly


class CropTask(TaggerTask):
    """:class:`~calovision.networks.crop_net.CropNet` on crops of energy and time.

    Args:
        geometry: of the crops: energy (GeV), then time.
        hidden, dropout: see the network.
    """

    def __init__(self, geometry: Geometry, *, hidden: int = 256, dropout: float = 0.1) -> None:
        network = CropNet(cols=geometry.cols, numbers=NUMBERS, hidden=hidden, dropout=dropout)
        super().__init__(geometry, network)

    @classmethod
    def made(cls, config: Any, geometry: Geometry) -> Self:
        """An untrained task from settings ``hidden`` and ``dropout``."""
        return cls(geometry, hidden=config.hidden, dropout=config.dropout)

    def prepare(self, events: Events) -> Events:
        """Crops are made batch by batch: all at once they would take 8 kB an event."""
        return events

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Shares, times and numbers; see :func:`looked_at`."""
        return looked_at(torch.from_numpy(prepared[chosen].to_dense("gev")).float())

    def augment(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        """Each crop mirrored along eta, along phi, both or neither."""
        *images, numbers = inputs
        for axis in (1, 2):
            turned = torch.rand(len(numbers), generator=generator) < 0.5
            images = [
                torch.where(turned[:, None, None], mirrored(image, axis), image) for image in images
            ]
        return *images, numbers


def looked_at(crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Network inputs of crops ``(n, 2, rows, cols)`` of energy (GeV) and time (image units).

    Shares ``(n, ROWS, cols)``, times of the crystals around the hottest one ``(n, 5, 5)``, and
    numbers ``(n, NUMBERS)``.
    """
    i, j = crops.shape[2] // 2, crops.shape[3] // 2
    seen = slice(i - ROWS // 2, i - ROWS // 2 + ROWS)
    energy = crops[:, 0].clamp(min=0)
    near = slice(i - TIMED, i + TIMED + 1), slice(j - TIMED, j + TIMED + 1)
    time = (crops[:, 1, *near] / TIME_UNIT).asinh() * (energy[:, *near] > 0)
    total = energy.sum((1, 2)).clamp(min=SOFTEST)
    share = energy[:, seen] / total[:, None, None]
    hits = (energy > 0).sum((1, 2)).float()
    numbers = torch.stack([total.log(), hits.log1p(), 1 - share.sum((1, 2))], 1)
    return share, time, numbers


def mirrored(images: Tensor, axis: int) -> Tensor:
    """Images mirrored at the middle pixel, ``size // 2``, which stays where it is.

    On an even number of pixels the first one has no partner and stays too.
    """
    turned = images.flip(axis)
    return turned if images.shape[axis] % 2 else turned.roll(1, axis)
