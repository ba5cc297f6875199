"""Cylinders of layers, each divided into rings and sectors: where their cells lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.channels import Channel

Floats = NDArray[np.float32]


def in_plane(
    layers: Sequence[Channel], cols: int, cell: NDArray[Any], layer: NDArray[Any] | None
) -> tuple[Floats, Floats]:
    """Places x and y (mm) of the centres of cells, as the CaloChallenge defines them.

    The radius of a centre is the middle of its ring, the azimuth that of its sector, the first of
    which begins at -pi; x and y are called eta and phi there.

    Args:
        layers: of the cylinder.
        cols: of the grid.
        cell: pixels of any shape.
        layer: the layer of each, which may lack where all layers are alike.

    Raises:
        InputError: layers are needed and not given.
    """
    cell = np.asarray(cell, np.int64)
    if layer is None:
        if not alike(layers):
            raise InputError("cells lie differently in the layers", "say in which layer each lies")
        layer = np.zeros_like(cell)
    rings = np.array([[*c.rings, *[c.rings[-1]] * (cols + 1 - len(c.rings))] for c in layers])
    middle = (rings[:, 1:] + rings[:, :-1]) / 2
    radius = middle[layer, cell % cols]
    step = 2 * np.pi / np.array([c.sectors for c in layers])
    azimuth = (cell // cols + 0.5) * step[layer] - np.pi
    x, y = radius * np.cos(azimuth), radius * np.sin(azimuth)
    return x.astype(np.float32), y.astype(np.float32)


def alike(layers: Sequence[Channel]) -> bool:
    """Whether all layers are divided in the same way."""
    return len({(c.rings, c.sectors) for c in layers}) == 1


def voxel_cells(layers: Sequence[Channel], cols: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Layer and cell of every voxel in the CaloChallenge's order: rings, then sectors, then layers.

    Returns:
        ``(voxels,)`` uint8 layers and uint16 cells.
    """
    layer = np.repeat(np.arange(len(layers)), [c.voxels for c in layers])
    cells = [
        np.add.outer(np.arange(c.sectors) * cols, np.arange(len(c.rings) - 1)).ravel()
        for c in layers
    ]
    return layer.astype(np.uint8), np.concatenate(cells).astype(np.uint16)
