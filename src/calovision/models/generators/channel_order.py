"""Which images our generator can make, and the order of their channels in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry


def energies_only(geometry: Geometry) -> None:
    """Check that a generator can make all channels of a geometry.

    Raises:
        InputError: one has negative values, such as times: generators share out energies.
    """
    signed = [c.name for c in geometry.channels if c.signed]
    if signed:
        raise InputError(
            f"generators make energies, but channel {signed[0]!r} may be negative",
            "leave that channel out of the images",
        )


@dataclass(frozen=True)
class ChannelOrder:
    """Channels sorted by their readout cells, the smallest first.

    Levels of fine nodes hold some of the channels only; sorted so, these are always the first.

    Attributes:
        outer: the geometry of the images.
        inner: the same with sorted channels; channels with equal cells keep their order.
        order: for every channel of ``inner``, its number in ``outer``.
    """

    outer: Geometry
    inner: Geometry
    order: tuple[int, ...]

    @classmethod
    def of(cls, geometry: Geometry) -> ChannelOrder:
        """The layout of a geometry.

        Raises:
            InputError: a window that is not square, readout cells that do not lie in one another,
                or a channel with negative values.
        """
        energies_only(geometry)
        if geometry.rows != geometry.cols:
            raise InputError(
                f"this generator makes square images, not {geometry.rows} x {geometry.cols} pixels",
                "cut or pad the images, or train --model baseline",
            )
        blocks = sorted({c.block for c in geometry.channels})
        for small, large in pairwise(blocks):
            if large % small:
                raise InputError(
                    f"readout cells of {small} pixels do not fill those of {large}",
                    "make one size a multiple of the other, or train --model baseline",
                )
        channels = geometry.channels
        order = tuple(sorted(range(len(channels)), key=lambda c: channels[c].block))
        return cls(geometry, replace(geometry, channels=tuple(channels[c] for c in order)), order)

    def sorted(self, events: Events) -> Events:
        """Events of the outer geometry in the inner one."""
        return self._moved(events, np.argsort(self.order), self.inner)

    def restored(self, events: Events) -> Events:
        """Events of the inner geometry in the outer one."""
        return self._moved(events, np.array(self.order), self.outer)

    def _moved(self, events: Events, to: NDArray[np.int64], geometry: Geometry) -> Events:
        """Events whose channel ``c`` becomes ``to[c]``."""
        if self.order == tuple(range(len(self.order))):
            return events
        code = np.concatenate([to, to + len(to)]).astype(np.uint8)[events.code]
        order = np.lexsort((events.cell, code, events.owner))
        arrays = events.cell[order], code[order], events.value[order]
        return Events(geometry, events.offsets, *arrays, events.columns)
