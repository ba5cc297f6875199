"""Events as images of HCAL towers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events
from calovision.networks.tower_net import BINS

SMALL = 0.3  #: GeV; energies of this size and above are told apart by their logarithms
CHUNK_EVENTS = 128  # events filled at a time: tables of more are large


@dataclass(frozen=True)
class TowerImages:
    """Towers with hits; see :func:`planes` for what an image of them holds.

    Attributes:
        offsets: ``(n + 1,)`` first tower of every event.
        place: ``(towers,)`` uint16 channel, row and column of a tower in one number.
        energy: ``(towers,)`` float32 GeV.
        count: ``(towers,)`` float32 hits in it.
        channels: number of channels.
    """

    offsets: NDArray[np.int64]
    place: NDArray[np.uint16]
    energy: NDArray[np.float32]
    count: NDArray[np.float32]
    channels: int

    @classmethod
    def of(cls, events: Events) -> TowerImages:
        """The towers of every event."""
        starts = range(0, max(len(events), 1), CHUNK_EVENTS)
        parts = [_towers(events[i : i + CHUNK_EVENTS]) for i in starts]
        number, place, energy, count = (np.concatenate(p) for p in zip(*parts, strict=True))
        offsets = np.concatenate([[0], np.cumsum(number)])
        return cls(offsets, place, energy, count, len(events.geometry.channels))

    def batch(self, chosen: NDArray[np.int64]) -> Tensor:
        """Images ``(n, 2 C, BINS, BINS)`` of the ``chosen`` events."""
        number = self.offsets[chosen + 1] - self.offsets[chosen]
        first = np.cumsum(number) - number
        towers = np.arange(number.sum()) + np.repeat(self.offsets[chosen] - first, number)
        size = self.channels * BINS**2
        place = np.repeat(np.arange(len(chosen)), number) * size + self.place[towers]
        tables = []
        for values in (self.energy, self.count):
            table = np.zeros(len(chosen) * size, np.float32)
            table[place] = values[towers]
            tables.append(torch.from_numpy(table).view(-1, self.channels, BINS, BINS))
        return planes(*tables)


def planes(energy: Tensor, count: Tensor) -> Tensor:
    """``(n, 2 C, BINS, BINS)`` logarithms, at the size of one, of energies (GeV) and of hits."""
    return torch.cat([torch.log1p(energy.clamp(min=0) / SMALL) / 2, torch.log1p(count) / 1.5], 1)


def _towers(
    events: Events,
) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.float32], NDArray[np.float32]]:
    """Towers of every event, then place, energy and count of all of them."""
    n, geometry = len(events), events.geometry
    size = len(geometry.channels) * BINS**2
    cell = events.cell.astype(np.int64)
    row, col = cell // geometry.cols, cell % geometry.cols
    place = (events.channel.astype(np.int64) * BINS + row * BINS // geometry.rows) * BINS
    place += events.owner * size + col * BINS // geometry.cols
    count = np.bincount(place, minlength=n * size)
    energy = np.bincount(place, events.energy, minlength=n * size)
    lit = np.flatnonzero(count)
    number = np.bincount(lit // size, minlength=n)
    return (
        number,
        (lit % size).astype(np.uint16),
        energy[lit].astype(np.float32),
        count[lit].astype(np.float32),
    )
