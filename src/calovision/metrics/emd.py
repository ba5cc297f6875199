"""Energy-mover distance between two jets, on the hits themselves (arXiv:1902.02346).

The least work, in GeV, that turns the energy pattern of one jet into that of another::

    EMD = min_f  sum_ij f_ij theta_ij / R  +  |sum_i E_i - sum_j E'_j|
    f_ij >= 0,  sum_j f_ij <= E_i,  sum_i f_ij <= E'_j,  sum_ij f_ij = min(sum E, sum E')

with ``theta`` the distance in (eta, phi) and R = 1 rad. It is computed channel by channel (an
HCAL tower is one point at its centre) and the distance of a jet is the **sum over channels**:
energy cannot move from the ECAL to the HCAL. A blank image scores the whole energy of the jet.

Energy that both jets have in the same cell stays where it is, which the triangle inequality
makes exact, so only the differences enter the transport problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.metrics.bootstrap import Floats, mean_metric
from calovision.metrics.groups import DISPLACEMENT
from calovision.metrics.pairs import check_pair
from calovision.metrics.value import Definition, Metric

if TYPE_CHECKING:
    from calovision.events.events import Events
    from calovision.events.geometry import Geometry

RADIUS = 1.0  #: rad; moving 1 GeV by this distance costs as much as creating it
MAX_POINTS = 500  #: above this many cells on a side, cells are merged into 5 x 5 blocks
MERGE = 5  #: pixels along each side of a merged block
NEGLIGIBLE = 1e-7  #: share of the energy below which a difference is rounding
DEFINITIONS = {
    "emd[_CHANNEL]": Definition(
        "energy-mover distance",
        "The least work that turns the original's energy pattern into the reconstruction's.",
        DISPLACEMENT,
        unit="GeV",
        higher_is_better=False,
    )
}


def transport(source: Floats, sink: Floats, distance: Floats) -> float:
    """EMD of two sets of point energies.

    Args:
        source: ``(n,)`` energies, GeV.
        sink: ``(m,)`` energies, GeV.
        distance: ``(n, m)`` ground distance over R, a pure number.

    Returns:
        Work in GeV, including the energy difference.
    """
    import ot

    total, other = source.sum(), sink.sum()
    if not len(source) or not len(sink):
        return float(total + other)
    # a fictitious partner at ground distance R takes the energy difference
    if total < other:
        source = np.append(source, other - total)
        distance = np.vstack([distance, np.ones((1, distance.shape[1]))])
    elif other < total:
        sink = np.append(sink, total - other)
        distance = np.hstack([distance, np.ones((distance.shape[0], 1))])
    scale = source.sum()
    sink = sink / sink.sum()
    work = ot.emd2(source / scale, sink, np.ascontiguousarray(distance), numItermax=10_000_000)
    return float(work * scale)


def _merged(cell: NDArray[np.int64], geometry: Geometry) -> NDArray[np.int64]:
    """Central pixel of the 5 x 5 block that holds each cell."""
    row, col = cell // geometry.cols, cell % geometry.cols
    row = np.minimum(row // MERGE * MERGE + MERGE // 2, geometry.rows - 1)
    col = np.minimum(col // MERGE * MERGE + MERGE // 2, geometry.cols - 1)
    return row * geometry.cols + col


def _image_distance(
    difference: Floats, cell: NDArray[np.int64], geometry: Geometry, radius: float
) -> float:
    """EMD of one channel from the energy differences (true minus other, GeV) of its cells."""
    excess, lack = difference > 0, difference < 0
    if max(excess.sum(), lack.sum()) > MAX_POINTS:
        blocks, index = np.unique(_merged(cell, geometry), return_inverse=True)
        if len(blocks) < len(cell):
            merged = np.bincount(index, difference).astype(np.float64)
            return _image_distance(merged, blocks, geometry, radius)
    eta, phi = geometry.eta(cell), geometry.phi(cell)
    theta = np.hypot(
        eta[excess, None].astype(float) - eta[None, lack],
        phi[excess, None].astype(float) - phi[None, lack],
    )
    return transport(difference[excess], -difference[lack], theta / radius)


def emd_per_event(true: Events, rec: Events, radius: float = RADIUS) -> Floats:
    """Energy-mover distance of every event and channel.

    Images with more than ``MAX_POINTS`` differing cells (dense outputs) are first merged into
    5 x 5 blocks, which shifts no energy by more than 0.05 rad.

    Args:
        true: ``n`` reference events.
        rec: ``n`` events in the same order.
        radius: R in rad, above 0.

    Returns:
        ``(n, channels)`` in GeV.

    Raises:
        InputError: the sets do not match, or the radius is not positive.
    """
    n = check_pair(true, rec)
    if radius <= 0:
        raise InputError(f"EMD radius {radius} is not positive", "use 1.0")
    geometry = true.geometry
    distances = np.zeros((n, len(geometry.channels)))
    sides = [(s.offsets, s.cell.astype(np.int64), s.channel, s.energy) for s in (true, rec)]
    for event in range(n):
        chosen = [_hits_of(event, side) for side in sides]
        for c in range(distances.shape[1]):
            cells = np.concatenate([cell[channel == c] for cell, channel, _ in chosen])
            parts = [energy[channel == c].astype(float) for _, channel, energy in chosen]
            found, index = np.unique(cells, return_inverse=True)
            change = np.bincount(index, np.concatenate([parts[0], -parts[1]]), len(found))
            keep = np.abs(change) > NEGLIGIBLE * (parts[0].sum() + parts[1].sum())
            distances[event, c] = _image_distance(change[keep], found[keep], geometry, radius)
    return distances


def _hits_of(event: int, side: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """Cell, channel and energy of the hits of one event."""
    offsets, *flat = side
    return tuple(a[offsets[event] : offsets[event + 1]] for a in flat)


def emd_metrics(
    distances: Floats, channels: tuple[str, ...], weights: Floats | None = None
) -> dict[str, Metric]:
    """Mean energy-mover distance of a set.

    Args:
        distances: ``(n, channels)`` GeV, of :func:`emd_per_event`.
        channels: names of the channels.
        weights: ``(n,)`` event weights.

    Returns:
        ``emd`` (sum over channels) and ``emd_{channel}`` in GeV, with the standard error of the
        mean.
    """
    columns = {"emd": distances.sum(axis=1)}
    columns |= {f"emd_{c}": distances[:, i] for i, c in enumerate(channels)}
    definition = DEFINITIONS["emd[_CHANNEL]"]
    return {k: mean_metric(v, definition, weights) for k, v in columns.items()}
