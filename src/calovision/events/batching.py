"""Batches for networks: padded sets of hits, which move between devices as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calovision.events.events import Events


class Movable:
    """A dataclass of tensors (and dicts of tensors) that moves between devices as one."""

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        moved = {}
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if isinstance(value, dict):
                moved[f.name] = {k: v.to(device) for k, v in value.items()}
            else:
                moved[f.name] = value.to(device)
        return type(self)(**moved)


@dataclass(frozen=True)
class Padded(Movable):
    """Hits of a batch as padded sets; padding is zero everywhere.

    Attributes:
        eta: ``(n, h)`` float32, pseudorapidity relative to the window centre.
        phi: ``(n, h)`` float32, azimuth relative to the window centre, rad.
        energy: ``(n, h)`` float32, GeV (transverse momentum for tracks).
        channel: ``(n, h)`` int64.
        cell: ``(n, h)`` int64, pixel number.
        mask: ``(n, h)`` bool, true for hits.
        columns: per-event columns ``(n, ...)``.
    """

    eta: Tensor
    phi: Tensor
    energy: Tensor
    channel: Tensor
    cell: Tensor
    mask: Tensor
    columns: dict[str, Tensor]

    def table(self) -> Tensor:
        """``(n, h, 4)`` float32 of channel, eta, phi (rad) and energy (GeV)."""
        return torch.stack([self.channel.float(), self.eta, self.phi, self.energy], dim=2)


def hardest_first(group: NDArray[np.int64], strength: NDArray[np.float32]) -> NDArray[np.int64]:
    """Order of hits that puts the groups in order, and within each the strongest hit first.

    Args:
        group: ``(hits,)`` such as the event of each hit, in [0, 2^31).
        strength: ``(hits,)``, not negative.

    Returns:
        ``(hits,)`` hit numbers; equally strong ones of a group stay in their order.
    """
    # One integer sort: the bits of floats that are not negative rank as the floats do.
    weakness = np.int64(2**32 - 1) - strength.view(np.uint32).astype(np.int64)
    return np.argsort((group << 32) | weakness, kind="stable")


def padded(
    events: Events, max_hits: int | None = None, order: Literal["energy", "cell"] = "energy"
) -> Padded:
    """Pad the hits of every event to the same number.

    Args:
        events: ``n`` events.
        max_hits: keep at most so many hits of an event, the first in ``order``; by default
            as many as the largest event has.
        order: ``"energy"`` by falling absolute energy (equal ones as stored), or ``"cell"``
            as stored.
    """
    owner, energy = events.owner, events.energy
    by = hardest_first(owner, np.abs(energy)) if order == "energy" else np.arange(len(owner))
    rank = np.arange(len(owner)) - events.offsets[owner]
    width = int(events.n_hits.max(initial=0)) if max_hits is None else max_hits
    fits = rank < width
    hits, row, rank = by[fits], owner[fits], rank[fits]

    def fill(values: NDArray[Any]) -> Tensor:
        table = np.zeros((len(events), width), values.dtype)
        table[row, rank] = values[hits]
        return torch.from_numpy(table)

    return Padded(
        eta=fill(events.geometry.eta(events.cell, events.channel)),
        phi=fill(events.geometry.phi(events.cell, events.channel)),
        energy=fill(energy),
        channel=fill(events.channel.astype(np.int64)),
        cell=fill(events.cell.astype(np.int64)),
        mask=fill(np.ones(len(owner), np.bool_)),
        columns=column_tensors(events.columns),
    )


def column_tensors(columns: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Per-event columns as tensors."""
    return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in columns.items()}
