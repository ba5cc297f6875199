"""Figures of showers in cylinders: along the axis, and as seen from the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.geometry import Geometry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 3.2  # inch, of a panel
_DECADES = 1e4  # from the brightest to the faintest colour
_ROUND = 180  # angular steps in which a ring is drawn


def shower_panels(
    geometry: Geometry, titles: Sequence[str], images: Sequence[NDArray[np.float64]]
) -> Figure:
    """Showers side by side: energies by layer and radius, and by place, of all layers together.

    Colours are energies in GeV of a ring of a layer, and of a sector of a ring, logarithmic.

    Args:
        geometry: of a cylinder.
        titles: of the columns.
        images: each ``(layers, sectors, rings)``, GeV.
    """
    from matplotlib.colors import LogNorm

    from calovision.utils.picture import Picture

    size = (_SIDE * len(images) + 0.9, 2 * _SIDE)
    figure = Picture(figsize=size, layout="constrained")
    layers = geometry.channels
    outer = max(c.rings[-1] for c in layers)
    by_ring = [
        [image[k, :, : len(c.rings) - 1].sum(0) for k, c in enumerate(layers)] for image in images
    ]
    faces = [_face(geometry, image) for image in images]
    norms = [
        _norm(LogNorm, [part for image in by_ring for part in image]),
        _norm(LogNorm, faces),
    ]
    for col, (title, rings, face) in enumerate(zip(titles, by_ring, faces, strict=True)):
        ax = figure.add_subplot(2, len(images), col + 1)
        for k, (layer, energies) in enumerate(zip(layers, rings, strict=True)):
            drawn = ax.pcolormesh(
                [k - 0.5, k + 0.5],
                layer.rings,
                np.ma.masked_less_equal(energies[:, None], 0),
                norm=norms[0],
                cmap="viridis",
            )
        ax.set(xlim=(-0.5, len(layers) - 0.5), ylim=(0, outer), ylabel="r [mm]")
        if len(layers) <= 8:
            ax.set_xticks(range(len(layers)), [c.name.removeprefix("layer_") for c in layers])
        ax.set_xlabel("layer")
        ax.set_title(title, fontsize="small")
        figure.colorbar(drawn, ax=ax, label="E [GeV] of a ring", fraction=0.05, pad=0.02)
        front = figure.add_subplot(2, len(images), len(images) + col + 1, projection="polar")
        front.grid(False)
        edges, angles = _edges(geometry)
        drawn = front.pcolormesh(
            angles, edges, np.ma.masked_less_equal(face, 0), norm=norms[1], cmap="viridis"
        )
        front.set(xticks=[], yticks=[])
        figure.colorbar(drawn, ax=front, label="E [GeV], all layers", fraction=0.05, pad=0.02)
    return figure


def _norm(kind: Any, parts: Sequence[NDArray[np.float64]]) -> Any:
    """Logarithmic colours of several arrays together."""
    high = max((float(part.max(initial=0.0)) for part in parts), default=0.0) or 1.0
    return kind(high / _DECADES, high, clip=True)


def _edges(geometry: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radii of the rings of all layers, mm, and angles between which the front is drawn."""
    edges = np.unique(np.concatenate([c.rings for c in geometry.channels]))
    return edges.astype(np.float64), np.linspace(-np.pi, np.pi, _ROUND + 1)


def _face(geometry: Geometry, image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy of all layers in the cells of :func:`_edges`, shared by area."""
    edges, angles = _edges(geometry)
    middles = (angles[1:] + angles[:-1]) / 2
    found = np.zeros((len(edges) - 1, _ROUND))
    area = np.diff(edges**2)
    for k, layer in enumerate(geometry.channels):
        rings = np.asarray(layer.rings, np.float64)
        inside = np.clip(np.searchsorted(rings, edges[:-1], side="right") - 1, 0, len(rings) - 2)
        covered = (edges[:-1] >= rings[0]) & (edges[1:] <= rings[-1])
        share = np.where(covered, area / np.diff(rings**2)[inside], 0.0)
        sector = ((middles + np.pi) / (2 * np.pi) * layer.sectors).astype(np.int64)
        energy = image[k][np.minimum(sector, layer.sectors - 1)][:, inside].T
        found += share[:, None] * energy * layer.sectors / _ROUND
    return found
