"""Dense images: inputs of models, readout cells, and hits above a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry

SMALLEST = 1e-12  #: image units; a hit has more


def readout_cells(images: Tensor, geometry: Geometry) -> list[Tensor]:
    """Content per readout cell of each channel, image units per pixel.

    Args:
        images: ``(n, C, side, side)``, image units, of any resolution; brought to that of the
            geometry bilinearly.
        geometry: of the events wanted.

    Returns:
        ``(n, rows / block, cols / block)`` of every channel, means over its blocks.
    """
    size = (geometry.rows, geometry.cols)
    full = F.interpolate(images, size, mode="bilinear", align_corners=False)
    return [
        F.avg_pool2d(full[:, i], channel.block) if channel.block > 1 else full[:, i]
        for i, channel in enumerate(geometry.channels)
    ]


def hits_above(cells: Sequence[Tensor], threshold: Tensor, geometry: Geometry) -> Events:
    """Events whose hits are the cells with at least the threshold of their channel.

    Args:
        cells: of every channel, as :func:`readout_cells` gives them.
        threshold: ``(C,)``, image units; taken as :data:`SMALLEST` where it is less.
        geometry: of the events wanted.
    """
    owners, places, codes, values = [], [], [], []
    for i, channel in enumerate(geometry.channels):
        on = cells[i] >= threshold[i].clamp(min=SMALLEST)
        owner, row, col = on.nonzero(as_tuple=True)
        middle = channel.block // 2
        row, col = row * channel.block + middle, col * channel.block + middle
        owners.append(owner.cpu().numpy())
        places.append((row * geometry.cols + col).cpu().numpy())
        codes.append(np.full(len(owner), i, np.uint8))
        values.append(cells[i][on].cpu().numpy())
    flat: list[NDArray[Any]] = [np.concatenate(x) for x in (owners, places, codes, values)]
    owner_all, place, code, value = flat
    order = np.lexsort((place, code, owner_all))
    counts = np.bincount(owner_all, minlength=len(cells[0]))
    return Events(
        geometry,
        offsets_of(counts),
        place[order].astype(np.uint16),
        code[order],
        value[order].astype(np.float32),
    )


def threshold_for(cells: Sequence[Tensor], wanted: Sequence[float]) -> Tensor:
    """The threshold of every channel at which an image has ``wanted`` hits on average.

    Args:
        cells: of every channel, as :func:`readout_cells` gives them.
        wanted: mean hits of an image in each channel.

    Returns:
        ``(C,)``, image units, at least :data:`SMALLEST`: with too few cells above it, all of them
        are hits.
    """
    chosen = []
    for content, mean in zip(cells, wanted, strict=True):
        hits = round(mean * len(content))
        ordered = content.flatten().sort(descending=True).values
        chosen.append(ordered[hits - 1] if hits else content.new_tensor(torch.inf))
    return torch.stack(chosen).clamp(min=SMALLEST)


def image_inputs(geometry: Geometry) -> dict[str, str]:
    """The input of models of dense images."""
    units = ", ".join(f"{c.name} {c.gev_per_unit:g}" for c in geometry.channels)
    return {
        "images": f"float32 (events, {len(geometry.channels)}, {geometry.rows},"
        f" {geometry.cols}): content per pixel in image units (GeV of one unit: {units}); the"
        " content of a larger readout cell is shared equally by its pixels"
    }


def image_arrays(events: Events) -> dict[str, NDArray[np.float32]]:
    """The input of models of dense images, of some events."""
    return {"images": events.to_dense("image").astype(np.float32)}


class Resized(nn.Module):
    """Images brought to the geometry's size bilinearly, by two products with exact weights.

    ONNX Runtime's own operator rounds the places between which it weighs to some 1e-5 pixels.

    Args:
        side: pixels of the images.
        geometry: wanted.
    """

    rows: Tensor
    cols: Tensor

    def __init__(self, side: int, geometry: Geometry) -> None:
        super().__init__()
        for name, size in (("rows", geometry.rows), ("cols", geometry.cols)):
            weight = F.interpolate(
                torch.eye(side)[None, None], (size, side), mode="bilinear", align_corners=False
            )
            self.register_buffer(name, weight[0, 0])

    def forward(self, images: Tensor) -> Tensor:
        """``(n, C, side, side)`` to ``(n, C, rows, cols)``."""
        return self.rows @ images @ self.cols.T


def cell_energies(images: Tensor, threshold: Tensor, geometry: Geometry) -> tuple[Tensor, ...]:
    """Energy (GeV) of every readout cell, 0 below the threshold of its channel (image units)."""
    cells = readout_cells(images, geometry)
    return tuple(
        torch.where(x >= threshold[i].clamp(min=SMALLEST), x, 0.0)
        * (channel.block**2 * channel.gev_per_unit)
        for i, (x, channel) in enumerate(zip(cells, geometry.channels, strict=True))
    )


def cells_told(geometry: Geometry) -> dict[str, str]:
    """Outputs of :func:`cell_energies`."""
    return {
        c.name: f"float32 (events, {geometry.rows // c.block}, {geometry.cols // c.block}):"
        " energy of every readout cell, GeV; rows run along eta, columns along phi"
        for c in geometry.channels
    }


def cells_of(events: Events) -> dict[str, NDArray[Any]]:
    """Energy of every readout cell of some events, GeV, channel by channel."""
    dense, found = events.to_dense("gev"), {}
    for i, channel in enumerate(events.geometry.channels):
        middle, step = channel.block // 2, channel.block
        found[channel.name] = dense[:, i, middle::step, middle::step] * step**2
    return found
