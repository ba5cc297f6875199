"""Events from a user's arrays of dense images, checked against the grid."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from calovision.errors import InputError
from calovision.events.events import Events, Unit, is_gev
from calovision.events.formats.layout import checked_threshold
from calovision.events.formats.sparsify import BadPixelError, shape_of, sparsify
from calovision.events.formats.units import zero_suppressed
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.events.own_columns import array_of, checked
from calovision.events.plausibility import doubts_of_energy

Order = Literal["first", "last"]
_WHERE = "the images"  # how messages call them


def from_images(
    images: ArrayLike,
    geometry: Geometry = JET_IMAGES,
    *,
    unit: Unit = "gev",
    channels: Order | None = None,
    threshold: float | None = None,
    label: ArrayLike | None = None,
    pt: ArrayLike | None = None,
    m0: ArrayLike | None = None,
    **columns: ArrayLike,
) -> Events:
    """Make events of dense images in memory.

    Args:
        images: ``(n, channels, rows, cols)`` float32 or float64, rows along eta, columns along
            phi. The energy of a readout cell that is larger than a pixel is shared equally by its
            pixels.
        geometry: the grid, channels and units of the images.
        unit: ``"gev"`` for GeV per pixel, ``"image"`` for the units of the public sets.
        channels: ``"first"``, the default, or ``"last"`` for ``(n, rows, cols, channels)``.
        threshold: GeV a pixel, below which energies become 0, such as noise that is negative; by
            default nothing does.
        label: ``(n,)`` gluon or photon 0, quark or electron 1; or these names.
        pt: ``(n,)`` transverse momentum, GeV.
        m0: ``(n,)`` mass, GeV.
        **columns: further finite numbers ``(n, ...)`` of every event, by their names.

    Returns:
        The events; values of the type of ``images``.

    Raises:
        InputError: another shape or type than the grid asks for, a value that is not finite, a
            negative one where energies are, a column of another length, another label.

    Warns:
        UserWarning: pixels of one readout cell differ; they are kept one by one. Energies are far
            from what ``pt`` suggests.

    Example:
        >>> images = np.zeros((2, 3, 125, 125), np.float32)
        >>> images[0, 1, 62, 62] = 40.0  # ECAL, GeV
        >>> len(from_images(images, label=[0, 1], pt=[50.0, 60.0]))
        2
    """
    in_gev = is_gev(unit)
    if not isinstance(geometry, Geometry):
        raise InputError(f"the geometry is {geometry!r}", "give a Geometry, such as JET_IMAGES")
    if not geometry.is_sound():
        raise InputError(
            f"{geometry.name!r} is not a grid",
            "rows and columns must be whole multiples of every channel's block, which is odd, with "
            "65,536 pixels at most and positive units",
        )
    dense = array_of(images)
    last = _channels_last(dense.shape, geometry, channels)
    if dense.dtype.kind != "f" or dense.dtype.itemsize not in (4, 8):
        raise InputError(
            f"{_WHERE} are {dense.dtype}", "expected are float32 or float64; see numpy's astype"
        )
    if not len(dense):
        raise InputError(f"{_WHERE} hold no events", "give one at least")
    given = {"label": label, "pt": pt, "m0": m0, **columns}
    known = {k: v for k, v in given.items() if v is not None}
    held = checked(_WHERE, known, len(dense), geometry)
    dense = dense.astype(dense.dtype.newbyteorder("="), copy=False)
    if (least := checked_threshold(threshold)) is not None:
        dense = zero_suppressed(dense, geometry, least, in_gev=in_gev, channels_last=last)
    try:
        events = sparsify(dense, geometry, channels_last=last)
    except BadPixelError as error:
        raise error.as_input_error(_WHERE, 0, geometry) from error
    if in_gev:
        scale = np.array([c.gev_per_unit for c in geometry.channels], events.value.dtype)
        events.value /= scale[events.channel]
    if not (finite := np.isfinite(events.energy)).all():
        bad = int(np.argmin(finite))  # as large a number as that is no float32
        place = int(events.owner[bad]), int(events.channel[bad]), float(events.energy[bad])
        raise BadPixelError(*place).as_input_error(_WHERE, 0, geometry)
    events.columns = held
    _warn_of_lone_pixels(events)
    of_energy = np.array([not c.is_time for c in geometry.channels])
    for doubt in doubts_of_energy(events.sums()[:, of_energy].sum(1), held, geometry):
        warnings.warn(doubt, stacklevel=2)
    return events


def _channels_last(shape: tuple[int, ...], geometry: Geometry, order: Order | None) -> bool:
    """Whether the channels come last, once the shape is known to be the grid's."""
    if order not in (None, "first", "last"):
        raise InputError(f"channels={order!r}", "must be 'first' or 'last'")
    first, last = (shape_of(geometry, channels_last=x) for x in (False, True))
    wanted = last if order == "last" else first
    if shape[1:] == wanted and len(shape) == 4:
        if order is None and first == last:
            raise InputError(
                f"{_WHERE} have shape {shape}, which does not tell which axis is the channel",
                "say channels='first' or channels='last'",
            )
        return order == "last"
    raise InputError(
        f"{_WHERE} have shape {shape}, expected is (n, {', '.join(map(str, wanted))}) for "
        f"{geometry.name!r} with channels {order or 'first'}",
        _hint(shape, geometry, first if order == "last" else last, order),
    )


def _hint(
    shape: tuple[int, ...], geometry: Geometry, other: tuple[int, ...], order: Order | None
) -> str:
    """What to do about images of another shape."""
    rows, cols, depth = geometry.rows, geometry.cols, len(geometry.channels)
    if shape[1:] == other:
        return f"pass channels={'first' if order == 'last' else 'last'!r}"
    if shape in ((depth, rows, cols), (rows, cols, depth)):
        return "give one image as images[None], with an axis for the events"
    if depth == 1 and shape[1:] == (rows, cols):
        return "give them as images[:, None], with an axis for the channel"
    if shape[1:] in ((depth, cols, rows), (cols, rows, depth)):
        return "rows, along eta, come before columns, along phi: swap these axes"
    return "give images of that shape, or the Geometry that they have"


def _warn_of_lone_pixels(events: Events) -> None:
    """Say where pixels of one readout cell differ: often the axes were mixed up before."""
    channels = events.geometry.channels
    for number, channel in enumerate(channels):
        lone = events.code == number + len(channels)
        if lone.any():
            some = len(np.unique(events.owner[lone]))
            side = f"{channel.block} x {channel.block}"
            warnings.warn(
                f"{some} of {len(events)} images have readout cells of {side} pixels in channel "
                f"{channel.name!r} whose pixels differ: these are kept as single pixels; check the "
                "order of the axes, share a cell's energy equally among its pixels, or give a "
                "Geometry with a smaller block",
                stacklevel=3,
            )
