"""Shapes of channels worked out from dense images, without the package's own sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events

CRYSTAL = (0.0174, 2 * math.pi / 360)  #: size of a pixel in eta and phi
NAMES = ("within 0.4", "eta", "phi", "distance", "within 0.1", "concentration")


def shapes(events: Events, about: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """``(n, C, 6)`` of jet images, a channel without energy having 0.

    Share of the energy within 0.4 of the middle of the window; mean eta and phi of that, times the
    share; and about the jet's axis: summed distance times energy within 0.4, energy within 0.1, and
    the root of the summed squares of the cells' energies within 0.4, all over the channel's energy.

    Args:
        events: jets, tracks being channel 0.
        about: ``(n, 2)`` axes of the jets, by default their own.
    """
    where = axes(events) if about is None else about
    return np.array(
        [[_shape(*cell, *axis) for cell in _cells(one)] for one, axis in _each(events, where)]
    )


def axes(events: Events) -> NDArray[np.float64]:
    """``(n, 2)`` mean eta and phi of what calorimeters see within 0.4 of the middle."""
    found = []
    for one, _ in _each(events, events.offsets):
        e, eta, phi = (np.concatenate(v) for v in zip(*_cells(one)[1:], strict=True))
        e = e * (np.hypot(eta, phi) < 0.4)
        found.append([(e * x).sum() / max(e.sum(), 1e-9) for x in (eta, phi)])
    return np.array(found)


def _each(events: Events, other: NDArray[Any]) -> Iterator[tuple[Events, Any]]:
    return ((events[i : i + 1], other[i]) for i in range(len(events)))


def _cells(event: Events) -> list[tuple[NDArray[np.float64], ...]]:
    """Energy, eta and phi of the lit readout cells of one event, by channel."""
    geometry, cells = event.geometry, []
    middles = [
        (np.arange(n) - (n - 1) / 2) * size
        for n, size in zip((geometry.rows, geometry.cols), CRYSTAL, strict=True)
    ]
    for pixels, channel in zip(
        event.to_dense("gev")[0].astype(float), geometry.channels, strict=True
    ):
        b = channel.block
        blocks = pixels.reshape(geometry.rows // b, b, geometry.cols // b, b).sum((1, 3))
        eta, phi = np.meshgrid(*(x.reshape(-1, b).mean(1) for x in middles), indexing="ij")
        lit = blocks > 0
        cells.append((blocks[lit], eta[lit], phi[lit]))
    return cells


def _shape(
    e: NDArray[np.float64], eta: NDArray[np.float64], phi: NDArray[np.float64], x: float, y: float
) -> list[float]:
    if not len(e):
        return [0.0] * len(NAMES)
    middle, away = np.hypot(eta, phi) < 0.4, np.hypot(eta - x, phi - y)
    near = away < 0.4
    return [
        e[middle].sum() / e.sum(),
        (e * eta)[middle].sum() / e.sum(),
        (e * phi)[middle].sum() / e.sum(),
        (e * away)[near].sum() / e.sum(),
        e[away < 0.1].sum() / e.sum(),
        float(np.sqrt((e[near] ** 2).sum())) / e.sum(),
    ]
