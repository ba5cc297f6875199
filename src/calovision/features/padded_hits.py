"""Hits of a batch as four padded tables, the inputs of exported models that take hits.

:mod:`calovision.features.hits` and :mod:`calovision.features.towers` make the same from event sets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.batching import padded
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.features.hit_sums import PaddedSums
from calovision.features.jet_shapes import MIN_ENERGY
from calovision.features.towers import planes
from calovision.networks.tower_net import BINS

#: the inputs of every model that takes hits
INPUTS = {
    "eta": "float32 (events, hits): pseudorapidity of the hit's readout cell minus that of the"
    " window's centre",
    "phi": "float32 (events, hits): azimuth minus that of the window's centre, rad",
    "energy": "float32 (events, hits): energy of the whole readout cell, GeV; transverse momentum"
    " for tracks",
    "channel": "int64 (events, hits): number of the channel as listed; -1 for padding",
}
FREE: dict[str, tuple[str, ...]] = dict.fromkeys(INPUTS, ("events", "hits"))


class Hits(NamedTuple):
    """Padded hits; see :data:`INPUTS`."""

    eta: Tensor
    phi: Tensor
    energy: Tensor
    channel: Tensor

    def sums(self, channels: int) -> PaddedSums:
        """Sums over them by event and channel."""
        return PaddedSums(*self, channels)


def prepared(events: Events) -> dict[str, NDArray[Any]]:
    """Inputs of some events, hits in the order of the set."""
    table = padded(events, max(int(events.n_hits.max(initial=0)), 1), order="cell")
    channel = torch.where(table.mask, table.channel, -1)
    tables = (table.eta, table.phi, table.energy, channel)
    return {k: np.asarray(v.cpu().numpy()) for k, v in zip(INPUTS, tables, strict=True)}


def with_padding(hits: Hits) -> Hits:
    """One more column, of padding: runtimes make anything of tables without columns."""
    eta, phi, energy = (torch.nn.functional.pad(x, (0, 1)) for x in hits[:3])
    return Hits(eta, phi, energy, torch.nn.functional.pad(hits.channel, (0, 1), value=-1))


def hardest(hits: Hits, number: int) -> tuple[Hits, Tensor]:
    """The ``number`` hardest hits, hardest first, and ``(n,)`` the energy of all, GeV.

    Energies below :data:`MIN_ENERGY` are raised to it, those of padding are 0; equal ones stay in
    their order.
    """
    room = number - 1  # so that there are always enough to choose from, with at least one column
    channel = torch.nn.functional.pad(hits.channel, (0, room), value=-1)
    known = channel >= 0
    eta, phi, energy = (torch.nn.functional.pad(x, (0, room)) for x in hits[:3])
    energy = torch.where(known, energy.clamp(min=MIN_ENERGY), 0.0)
    top = energy.topk(number, dim=1)
    chosen = Hits(
        eta.gather(1, top.indices),
        phi.gather(1, top.indices),
        top.values,
        channel.gather(1, top.indices),
    )
    return chosen, energy.sum(1)


class Towers(nn.Module):
    """Images of towers, as :class:`~calovision.features.towers.TowerImages` makes them.

    Args:
        geometry: of the images.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.channels = len(geometry.channels)
        self.rows, self.cols = geometry.rows, geometry.cols
        self.pitch = geometry.pitch

    def forward(self, hits: Hits) -> Tensor:
        """``(n, 2 C, BINS, BINS)``."""
        rows, columns = (
            _bins(hits.eta, self.pitch[0], self.rows),
            _bins(hits.phi, self.pitch[1], self.cols),
        )
        known = hits.sums(self.channels).one_hot.mT  # (n, C, h)
        tables = []
        for weight in (known * hits.energy[:, None], known):
            tables.append((weight[..., None] * rows[:, None]).mT @ columns[:, None])
        return planes(*tables)


def _bins(place: Tensor, pitch: float, pixels: int) -> Tensor:
    """``(n, h, BINS)`` float32: one in the bin that a hit at ``place`` lies in."""
    pixel = (place / pitch + (pixels - 1) / 2).round()
    # The middle of the pixel, so that rounding decides nothing.
    found = ((pixel + 0.5) * BINS / pixels).floor()
    return (found[..., None] == torch.arange(BINS, device=place.device)).float()
