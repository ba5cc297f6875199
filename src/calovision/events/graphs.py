"""Events as graphs of their nonzero pixels, each joined with its nearest ones.

Every nonzero pixel of the dense image is a node, those of a shared HCAL tower too, as in the
published baseline. Pixels with exactly equal contents are one *point* when distances are taken
between contents: they are at distance zero from each other, have the same surroundings, and a
network that averages over neighbours can never tell them apart. So a view holds points, how many
pixels each has, and the near points; both the graph of pixels and the equivalent, half as large
graph of points (:class:`PointGraphs`) are made of it.

Equal distances are settled by the order of points, then of pixel numbers: points are ordered by
their summed content and channel after channel (``space="value"``) or by pixel number
(``space="position"``). A pixel is never its own neighbour, but its equals are.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from calovision.events.batching import Movable, column_tensors
from calovision.events.events import Events, offsets_of
from calovision.events.geometry import Geometry
from calovision.events.neighbours import mean_weights, nearest, pixel_edges
from calovision.parallel.threads import in_order

Space = Literal["position", "value"]
Arrays = dict[str, NDArray[Any]]
CHUNK_EVENTS = 256  #: searched at a time by one thread


@dataclass(frozen=True)
class Graphs(Movable):
    """Nonzero pixels of a batch as one graph without edges between events.

    Attributes:
        features: ``(nodes, channels)`` float32, the pixel's content in image units.
        position: ``(nodes, 2)`` float32, eta and phi (rad) relative to the window centre.
        batch: ``(nodes,)`` int64, event of every node.
        edge_index: ``(2, edges)`` int64, from neighbour to node.
        columns: per-event columns ``(n, ...)``.
    """

    features: Tensor
    position: Tensor
    batch: Tensor
    edge_index: Tensor
    columns: dict[str, Tensor]


@dataclass(frozen=True)
class PointGraphs(Movable):
    """The same batch with pixels that nothing can tell apart merged into points.

    Attributes:
        features: ``(points, channels)`` float32, content in image units.
        position: ``(points, 2)`` float32, eta and phi (rad) of the point's first pixel; with
            ``space="position"`` every point is one pixel.
        size: ``(points,)`` float32, pixels at each point.
        batch: ``(points,)`` int64, event of every point.
        mean: ``(points, points)`` sparse CSR float32; its product with node features is their
            mean over the neighbouring pixels. A pixel without neighbours has an empty row.
        mean_t: the transpose of ``mean``, sparse CSR.
        columns: per-event columns ``(n, ...)``.
    """

    features: Tensor
    position: Tensor
    size: Tensor
    batch: Tensor
    mean: Tensor
    mean_t: Tensor
    columns: dict[str, Tensor]


@dataclass(frozen=True)
class GraphView:
    """Graphs of many events, prepared once; the arrays may lie on disk.

    Attributes:
        geometry: of the images.
        points: ``(n + 1,)`` int64, first point of every event.
        pixels: ``(n + 1,)`` int64, first pixel of every event.
        content: ``(points, channels)`` float32, image units.
        size: ``(points,)`` int16, pixels at each point.
        near: ``(points, k)`` int16, near points by number within the event, -1 for none.
        cell: ``(pixels,)`` uint16, pixel numbers, point after point.
        columns: per-event columns.
    """

    geometry: Geometry
    points: NDArray[np.int64]
    pixels: NDArray[np.int64]
    content: NDArray[np.float32]
    size: NDArray[np.int16]
    near: NDArray[np.int16]
    cell: NDArray[np.uint16]
    columns: Arrays

    @classmethod
    def of(cls, events: Events, k: int, space: Space = "position", workers: int = 1) -> GraphView:
        """Join every nonzero pixel with its ``k`` nearest ones of the same event.

        Args:
            events: ``n`` events.
            k: neighbours of a pixel; fewer in events of fewer than ``k + 1`` pixels.
            space: where distances are taken: ``"position"`` in (eta, phi), ``"value"`` between
                the channel contents, as in the published baseline.
            workers: threads; the search runs outside Python's lock.
        """
        starts = range(0, max(len(events), 1), CHUNK_EVENTS)
        chunks = (events[i : i + CHUNK_EVENTS] for i in starts)
        parts = list(in_order(lambda chunk: _search(chunk, k, space), chunks, workers, workers))
        arrays = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        for name in ("points", "pixels"):
            arrays[name] = offsets_of(arrays[name])
        return cls(events.geometry, **arrays, columns=events.columns)

    def __len__(self) -> int:
        return len(self.points) - 1

    def batch(self, chosen: NDArray[np.int64]) -> Graphs:
        """The graph of pixels of the ``chosen`` events."""
        first, point = _ranges(self.points, chosen)
        starts, pixel = _ranges(self.pixels, chosen)
        near, size, cell = self.near[point], self.size[point], self.cell[pixel]
        edges = np.empty((2, len(cell) * near.shape[1]), np.int64)
        count = pixel_edges(first, size, near, edges[0], edges[1])
        return Graphs(
            features=torch.from_numpy(np.repeat(self.content[point], size, axis=0)),
            position=self._position(cell),
            batch=torch.from_numpy(np.repeat(np.arange(len(chosen)), np.diff(starts))),
            edge_index=torch.from_numpy(edges[:, :count]),
            columns=column_tensors({k: v[chosen] for k, v in self.columns.items()}),
        )

    def merged(self, chosen: NDArray[np.int64]) -> PointGraphs:
        """The graph of points of the ``chosen`` events."""
        first, point = _ranges(self.points, chosen)
        _, pixel = _ranges(self.pixels, chosen)
        near, size = self.near[point], self.size[point]
        most = len(point) * (near.shape[1] + 1)
        row, column = np.empty(len(point) + 1, np.int32), np.empty(most, np.int32)
        weight = np.empty(most, np.float32)
        entries = mean_weights(first, size, near, row, column, weight)
        column, weight = column[:entries], weight[:entries]
        turned = csr_array((weight, column, row), shape=(len(point), len(point))).tocsc()
        leading = np.cumsum(size, dtype=np.int64) - size
        return PointGraphs(
            features=torch.from_numpy(self.content[point]),
            position=self._position(self.cell[pixel][leading]),
            size=torch.from_numpy(size.astype(np.float32)),
            batch=torch.from_numpy(np.repeat(np.arange(len(chosen)), np.diff(first))),
            mean=_sparse(row, column, weight),
            mean_t=_sparse(turned.indptr, turned.indices, turned.data),
            columns=column_tensors({k: v[chosen] for k, v in self.columns.items()}),
        )

    def pyg(self, index: int) -> Any:
        """One event as ``torch_geometric.data.Data``: ``x``, ``pos``, ``edge_index``, columns.

        ``x`` is in image units, ``pos`` (eta, phi) in rad from the window centre; each column
        is a tensor of one event, ``label`` as ``y``.
        """
        from torch_geometric.data import Data

        graph = self.batch(np.array([index]))
        columns = {("y" if k == "label" else k): v for k, v in graph.columns.items()}
        return Data(x=graph.features, pos=graph.position, edge_index=graph.edge_index, **columns)

    def _position(self, cell: NDArray[np.uint16]) -> Tensor:
        return torch.from_numpy(np.stack([self.geometry.eta(cell), self.geometry.phi(cell)], 1))


def _search(events: Events, k: int, space: Space) -> Arrays:
    """Arrays of a :class:`GraphView`, ``points`` and ``pixels`` as counts."""
    geometry = events.geometry
    owner, cell, content = _nonzero_pixels(events)
    if space == "value":
        total = content.sum(axis=1, dtype=np.float64)
        order = np.lexsort((*content.T[::-1], total, owner))
        owner, cell, content, total = owner[order], cell[order], content[order], total[order]
        differs = (content[1:] != content[:-1]).any(axis=1) | (owner[1:] != owner[:-1])
        leading = np.flatnonzero(np.concatenate([[True], differs])[: len(cell)])
        where = content[leading].astype(np.float64)
        pitch = np.ones(where.shape[1])
        # |sum of d differences| <= sqrt(d) times their Euclidean length.
        lead = total[leading] / np.sqrt(where.shape[1])
    else:
        leading = np.arange(len(cell))
        # Whole numbers of pixels, so that equal distances are exactly equal.
        where = np.stack(np.divmod(cell, geometry.cols), axis=1).astype(np.float64)
        pitch = np.array(geometry.pitch)
        lead = where[:, 0] * geometry.pitch[0]
    size = np.diff(leading, append=len(cell)).astype(np.int16)
    first = np.searchsorted(owner[leading], np.arange(len(events) + 1))
    near = np.empty((len(leading), k), np.int16)
    nearest(first, where, lead, pitch, size, k, near)
    return {
        "points": np.diff(first),
        "pixels": np.bincount(owner, minlength=len(events)),
        "content": content[leading],
        "size": size,
        "near": near,
        "cell": cell.astype(np.uint16),
    }


def _nonzero_pixels(
    events: Events,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Event, pixel number and contents ``(pixels, channels)`` of nonzero pixels, in order."""
    geometry = events.geometry
    place = events.owner * geometry.cells + events.cell
    area = events.area
    keys, hits = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in np.unique(area):
        mine = np.flatnonzero(area == block)
        half = int(np.sqrt(block)) // 2
        steps = np.arange(-half, half + 1)
        keys.append((place[mine, None] + (steps[:, None] * geometry.cols + steps).ravel()).ravel())
        hits.append(np.repeat(mine, block))
    hit = np.concatenate(hits)
    pixel, number = np.unique(np.concatenate(keys), return_inverse=True)
    content = np.zeros((len(pixel), len(geometry.channels)), np.float32)
    content[number, events.channel[hit]] = events.value[hit]
    owner, cell = np.divmod(pixel, geometry.cells)
    return owner, cell, content


def _ranges(
    starts: NDArray[np.int64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """New starts of the ``chosen`` ranges side by side, and where their elements lie now."""
    lengths = starts[chosen + 1] - starts[chosen]
    first = offsets_of(lengths)
    return first, np.arange(first[-1]) + np.repeat(starts[chosen] - first[:-1], lengths)


def _sparse(
    row: NDArray[np.int32], column: NDArray[np.int32], weight: NDArray[np.float32]
) -> Tensor:
    size = len(row) - 1
    with warnings.catch_warnings():
        # Torch calls its CSR tensors beta; their product with dense ones is all that is used.
        warnings.filterwarnings("ignore", "Sparse")
        return torch.sparse_csr_tensor(
            torch.from_numpy(row),
            torch.from_numpy(column),
            torch.from_numpy(weight),
            size=(size, size),
            check_invariants=False,
        )
