"""The unit of a file's pixels, told by its content, and the noise that was left in it.

The public Parquet jets are in GeV and hold the noise of every crystal, negative values among them;
the public HDF5 of the same jets are in units of 100 GeV and hold what lies above the noise. An HCAL
pixel holds 1/25 of its tower in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calovision.events.formats.schema import ImageFile
from calovision.events.geometry import Geometry
from calovision.events.plausibility import energy_factors

THRESHOLD_GEV = 1e-3  #: GeV a pixel, below which the public loaders of the files in GeV set to 0
LOOK_EVENTS = 128  #: events that are looked at
LIKELY = 50.0  #: most that energies may be off by, either way, where pixels are taken as GeV


def settle(file: ImageFile) -> None:
    """Settle unit and threshold of an opened file in its layout, and say what was found.

    A unit that is not given is GeV where the energies are then as the public sets let expect, and
    not so in image units; else they are image units. Files in image units are taken as they are.
    """
    given = file.layout
    unit, threshold, reasons = given.unit, given.threshold, []
    look = _Look.of(file) if unit is None or (unit == "gev" and threshold is None) else None
    if unit is None and look is not None:
        unit = "gev" if (likelier := look.in_gev()) else "image"
        if likelier:
            reasons.append("pixels are taken as GeV, by their sums (unit gev or image says which)")
    if unit == "gev" and threshold is None and look is not None:
        threshold = THRESHOLD_GEV
        reasons.append(
            f"those below {THRESHOLD_GEV:g} GeV become 0, {100 * look.negative:.2g} % of all that"
            " are not 0 being negative (a threshold says which)"
        )
    if reasons:
        file.remarks = (*file.remarks, "; ".join(reasons))
    file.layout = replace(given, unit=unit, threshold=threshold)


def as_stored(images: NDArray[np.floating], file: ImageFile) -> NDArray[np.floating]:
    """Images of a file as the set holds them: without noise, in image units."""
    layout, grid, last = file.layout, file.grid, file.channels_last
    if layout.threshold is not None:
        images = zero_suppressed(
            images, grid, layout.threshold, in_gev=layout.in_gev, channels_last=last
        )
    if layout.in_gev:
        with np.errstate(over="ignore"):  # what is too large is refused later
            images = (images / _per_channel(_scale(grid), last)).astype(file.stored_dtype)
    return images


def zero_suppressed(
    images: NDArray[np.floating],
    geometry: Geometry,
    threshold: float,
    *,
    in_gev: bool,
    channels_last: bool,
) -> NDArray[np.floating]:
    """A copy in which energies below a threshold are 0; times stay as they are.

    Args:
        images: ``(n, rows, cols, channels)`` or ``(n, channels, rows, cols)``.
        geometry: of the images.
        threshold: GeV a pixel; 0 leaves out what is negative.
        in_gev: whether pixels are in GeV; else in image units.
        channels_last: which of the two orders.
    """
    least = np.maximum(threshold / (1 if in_gev else _scale(geometry)), np.finfo(images.dtype).tiny)
    least = np.where([c.signed for c in geometry.channels], -np.inf, least).astype(images.dtype)
    # What is not finite must be found later, and not be lost here.
    low = (images < _per_channel(least, channels_last)) & (images > -np.inf)
    return np.where(low, images.dtype.type(0), images)


def _scale(geometry: Geometry) -> NDArray[np.float64]:
    return np.array([c.gev_per_unit for c in geometry.channels])


def _per_channel(values: NDArray[np.floating], last: bool) -> NDArray[np.floating]:
    """One number a channel, to go with images."""
    return values if last else values[:, None, None]


@dataclass(frozen=True)
class _Look:
    """What the first events of a file hold.

    Attributes:
        energies: ``(n, channels)`` sums of the positive pixels of energies, in the file's unit.
        negative: share of negative ones among the pixels of energies that are not 0.
        file: the file.
    """

    energies: NDArray[np.float64]
    negative: float
    file: ImageFile

    @classmethod
    def of(cls, file: ImageFile) -> _Look:
        """Look at the first events of a file."""
        n, axes = min(len(file), LOOK_EVENTS), (1, 2) if file.channels_last else (2, 3)
        of_energy = np.array([not c.signed for c in file.grid.channels])
        energies, negative, filled = np.zeros((n, len(of_energy))), 0, 0
        for first, _, images in file.dense_blocks(0, n):
            chosen = images[..., of_energy] if file.channels_last else images[:, of_energy]
            sums = np.maximum(chosen, 0).sum(axes, np.float64)
            energies[first : first + len(images), of_energy] += sums
            negative += int(np.count_nonzero(chosen < 0))
            filled += int(np.count_nonzero(chosen))
        return cls(energies, negative / max(filled, 1), file)

    def in_gev(self) -> bool:
        """Whether the pixels are GeV rather than image units."""
        grid = self.file.grid
        columns = {k: v[: len(self.energies)] for k, v in self.file.columns.items()}
        scaled = self.energies * _scale(grid)
        gev, image = (energy_factors(e.sum(1), columns, grid) for e in (self.energies, scaled))
        if gev is None or image is None:
            return False
        far, near = (abs(math.log(float(np.median(factors)))) for factors in (image, gev))
        return near < min(far, math.log(LIKELY))
