"""Quantities of jet images that are published, and their statistics with errors."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events

CHANNELS = ("track", "ecal", "hcal")
QUANTITIES = (
    *(f"pixels_{name}" for name in (*CHANNELS, "any")),
    *(f"mean_pixel_{name}" for name in CHANNELS),
    "m0",
    "pt",
)
Statistic = Literal["mean", "sd", "p5", "p50", "p95"]
QUANTILES = {name: int(name[1:]) / 100 for name in get_args(Statistic) if name[1:].isdigit()}


def quantities(jets: Events) -> dict[str, NDArray[np.float64]]:
    """Per jet ``(n,)`` what tables of published numbers are about.

    ``pixels_track`` and so on count pixels above 0, of which a tower has 25, ``pixels_any`` those
    above 0 in any channel; ``mean_pixel_track`` and so on are means over all pixels in image units,
    times 1e5; ``m0`` and ``pt`` are in GeV.
    """
    geometry = jets.geometry
    pixels = jets.counts() * np.array([c.block**2 for c in geometry.channels])
    mean = jets.sums() / np.array([c.gev_per_unit for c in geometry.channels]) / geometry.cells
    found = {f"pixels_{name}": pixels[:, i] for i, name in enumerate(CHANNELS)}
    found["pixels_any"] = _anywhere(jets)
    found |= {f"mean_pixel_{name}": 1e5 * mean[:, i] for i, name in enumerate(CHANNELS)}
    found |= {name: jets.columns[name] for name in ("m0", "pt")}
    return {name: values.astype(np.float64) for name, values in found.items()}


def _anywhere(jets: Events) -> NDArray[np.int64]:
    """Pixels per jet above 0 in any channel."""
    block = jets.geometry.channels[2].block
    rows, cols = (np.array([jets.geometry.rows, jets.geometry.cols]) // block).tolist()
    row, col = np.divmod(jets.cell.astype(np.int64), jets.geometry.cols)
    tower = (jets.owner * rows + row // block) * cols + col // block
    lit = np.zeros(len(jets) * rows * cols, bool)
    of_tower = jets.channel == 2
    lit[tower[of_tower]] = True
    beside = ~of_tower & ~lit[tower]
    pixel = np.unique(jets.owner[beside] * jets.geometry.cells + jets.cell[beside])
    alone = np.bincount(pixel // jets.geometry.cells, minlength=len(jets))
    towers: NDArray[np.int64] = lit.reshape(len(jets), -1).sum(1)
    return towers * block**2 + alone


def measured(
    values: NDArray[np.float64], weights: NDArray[np.float64], statistic: Statistic
) -> tuple[float, float]:
    """A statistic of weighted values, and its standard error.

    Args:
        values: ``(n,)``.
        weights: ``(n,)``, none negative.
        statistic: which; see :data:`Statistic`.
    """
    share = weights / weights.sum()
    number = 1 / (share**2).sum()  # of equal values with the same error
    if statistic in QUANTILES:
        p = QUANTILES[statistic]
        order = np.argsort(values)
        below = np.cumsum(share[order]) - share[order] / 2
        step = math.sqrt(p * (1 - p) / number)
        low, middle, high = np.interp([p - step, p, p + step], below, values[order])
        return float(middle), float(high - low) / 2
    mean = float(share @ values)
    variance = float(share @ (values - mean) ** 2)
    if statistic == "mean":
        return mean, math.sqrt(variance / number)
    fourth = float(share @ (values - mean) ** 4)
    sd = math.sqrt(variance)
    return sd, math.sqrt(max(fourth - variance**2, 0.0) / number) / (2 * sd)
