"""Our electron/photon classifier: crops in logarithms, time where there is energy, sums beside.

Energies span three decades, so that raw values show a network the hottest crystal alone; times
mean something only where there is energy. Neither the beams nor, electrons having either charge,
the solenoid tell left from right: crops may be mirrored along eta and along phi.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.networks.crop_net import CropNet
from calovision.tasks.mixed import MixedPrecision
from calovision.tasks.tagger import TaggerTask

IMAGES = 4  #: log energy, energy share, hit, time
NUMBERS = 3  #: logarithms of the summed energy and the number of hits, share outside the rows
SOFTEST = 1e-3  #: GeV; energies below it count as this
FITTED = 5000  #: training events whose means are taken
TIME_UNIT = 0.25  #: image units; times well below it enter linearly


class CropTask(TaggerTask):
    """:class:`~calovision.networks.crop_net.CropNet` on crops of energy and time.

    Args:
        geometry: of the crops: energy (GeV), then time.
        rows: crystals along eta that are looked at, around the hottest one.
        width, depth, dropout: see the network.
        bfloat16: see :class:`~calovision.tasks.mixed.MixedPrecision`.
    """

    centre: Tensor

    def __init__(
        self,
        geometry: Geometry,
        *,
        width: int = 16,
        depth: int = 1,
        dropout: float = 0.0,
        rows: int = 12,
        bfloat16: bool = False,
    ) -> None:
        network = CropNet(
            channels=IMAGES, numbers=NUMBERS, width=width, depth=depth, dropout=dropout
        )
        # Convolutions are faster with the channels side by side in memory.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(geometry, MixedPrecision(network, bfloat16))
        self.rows = min(rows, geometry.rows)
        self.register_buffer("centre", torch.zeros(2))

    @classmethod
    def made(cls, config: Any, geometry: Geometry) -> Self:
        """An untrained task from its settings."""
        return cls(
            geometry,
            width=config.width,
            depth=config.depth,
            dropout=config.dropout,
            rows=config.rows,
            bfloat16=config.bfloat16,
        )

    def fit(self, train: Events) -> None:
        """Mean logarithms of energy sums and numbers of hits, of the first events."""
        energy = torch.from_numpy(train[:FITTED].to_dense("gev")[:, 0]).float()
        self.centre.copy_(_numbers(energy, slice(None)).mean(0)[:2])

    def prepare(self, events: Events) -> Events:
        """Images are made batch by batch: all at once they would take 8 kB an event."""
        return events

    def inputs(self, prepared: Events, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images ``(n, 4, rows, cols)`` and numbers ``(n, 3)``."""
        events = prepared[chosen]
        first = (self.geometry.rows - self.rows) // 2
        seen = slice(first, first + self.rows)
        dense = torch.from_numpy(events.to_dense("gev")).float()
        numbers = _numbers(dense[:, 0], seen)
        numbers[:, :2] -= self.centre
        energy, time = dense[:, 0, seen], dense[:, 1, seen]
        hit = (energy > 0).float()
        share = energy.clamp(min=0) / dense[:, 0].clamp(min=0).sum((1, 2), True).clamp(min=SOFTEST)
        log = (energy.clamp(min=SOFTEST) / SOFTEST).log()
        images = torch.stack([0.3 * log, share.sqrt(), hit, (time / TIME_UNIT).asinh() * hit], 1)
        return images.contiguous(memory_format=torch.channels_last), numbers

    def augment(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        """Each crop mirrored along eta, along phi, both or neither."""
        images, numbers = inputs
        for axis in (2, 3):
            turned = torch.rand(len(images), generator=generator) < 0.5
            images = torch.where(turned[:, None, None, None], mirrored(images, axis), images)
        return images, numbers


def mirrored(images: Tensor, axis: int) -> Tensor:
    """Images mirrored at the middle pixel, ``size // 2``, which stays where it is.

    On an even number of pixels the first one has no partner and stays too.
    """
    turned = images.flip(axis)
    return turned if images.shape[axis] % 2 else turned.roll(1, axis)


def _numbers(energy: Tensor, seen: slice) -> Tensor:
    """Logarithms of the energy's sum (GeV) and of 1 + the number of hits; share outside rows."""
    positive = energy.clamp(min=0)
    total = positive.sum((1, 2)).clamp(min=SOFTEST)
    outside = 1 - positive[:, seen].sum((1, 2)) / total
    return torch.stack([total.log(), (energy != 0).sum((1, 2)).float().log1p(), outside], 1)
