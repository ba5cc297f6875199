"""Events as small square images about their centre, for latent spaces of a few dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events

SMEARED = 1.0  #: cells, width of the Gaussian that energies are smeared with
BRIGHTEST = 0.4  #: root of the largest share that a pixel can have then


def coarse_images(events: Events) -> NDArray[np.float32]:
    """Energies summed over channels on the coarsest readout grid, in a disc about the centre.

    Jets become 25 x 25 HCAL towers. Crops become 31 x 31 crystals: their brightest one is not in
    the middle of 32, so the first row and column are left out. Energies are smeared by a cell,
    and a pixel is the root of its share of the sum, over :data:`BRIGHTEST`: every image has the
    same norm, as rigid motions need.

    Returns:
        ``(n, side * side)`` in [0, 1], rows along eta and columns along phi.
    """
    images = _smeared(events)
    side = images.shape[1]
    axis = np.arange(side) - side // 2
    images[:, np.hypot(axis[:, None], axis) > axis[-1] + 0.5] = 0
    flat = images.reshape(len(events), -1)
    share = flat / np.maximum(flat.sum(1, keepdims=True), 1e-9)
    root: NDArray[np.float32] = np.minimum(np.sqrt(share) / BRIGHTEST, 1)
    return root


def coarse_energies(events: Events) -> NDArray[np.float32]:
    """Energies, GeV, summed over channels and smeared as for :func:`coarse_images`, all of them.

    Returns:
        ``(n, side * side)``.
    """
    return _smeared(events).reshape(len(events), -1)


def _smeared(events: Events) -> NDArray[np.float32]:
    """``(n, side, side)`` energies on the coarsest readout grid."""
    from scipy.ndimage import gaussian_filter

    geometry = events.geometry
    block = max(channel.block for channel in geometry.channels)
    side, skipped = geometry.rows // block, 1 - geometry.rows // block % 2
    row, col = (place // block for place in np.divmod(events.cell.astype(np.int64), geometry.cols))
    signed = np.array([channel.signed for channel in geometry.channels])[events.channel]
    energy = np.where(signed, 0, events.energy)
    place = (events.owner * side + row) * side + col
    sums = np.bincount(place, energy, minlength=len(events) * side**2)
    images = sums.reshape(len(events), side, side)[:, skipped:, skipped:]
    found: NDArray[np.float32] = gaussian_filter(
        images.astype(np.float32), (0, SMEARED, SMEARED), mode="constant"
    )
    return found
