"""The same jets under other detector conditions: a wrong energy scale, dead calorimeter cells.

Only the hits change; per-event columns such as ``pt`` and ``m0`` keep their nominal values, so
that the same jets can be compared before and after.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.utils import streams


def scaled(events: Events, factor: float) -> Events:
    """Events whose calorimeters have a wrong energy scale.

    Args:
        events: ``n`` events.
        factor: what every ECAL and HCAL hit is multiplied with, such as 1.03. Tracks are left
            alone.

    Returns:
        A new set; the values keep their type.

    Raises:
        InputError: the factor is not positive and finite, or there is no calorimeter.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise InputError(f"energy scale {factor} is not positive", "give a factor such as 1.03")
    step = np.where(_in_calorimeter(events), factor, 1).astype(events.value.dtype)
    return replace(events, value=events.value * step, columns=dict(events.columns))


def without_cells(events: Events, fraction: float, seed: int) -> Events:
    """Events in which every calorimeter cell is dead with a given probability.

    Dead cells are drawn anew for every event, because the window of an event may lie anywhere on
    the detector. A cell is an ECAL crystal or an HCAL tower; lone pixels of one tower die
    together. Windows are not moved, even if the central tower is dead.

    Args:
        events: ``n`` events.
        fraction: probability of a cell to be dead, in [0, 1].
        seed: seed of the draw.

    Returns:
        A new set without the hits of dead cells.

    Raises:
        InputError: a fraction outside [0, 1], or there is no calorimeter.
    """
    if not 0 <= fraction <= 1:
        raise InputError(f"fraction of dead cells {fraction} is not in [0, 1]", "give e.g. 0.05")
    calorimeter = _in_calorimeter(events)
    _, of_hit = np.unique(_readout_cell(events)[calorimeter], return_inverse=True)
    cells = int(of_hit.max()) + 1 if len(of_hit) else 0
    alive = np.ones(len(events.cell), bool)
    alive[calorimeter] = (streams.rng(streams.Stream.DEAD_CELLS, seed).random(cells) >= fraction)[
        of_hit
    ]
    return events.keep(alive)


def _in_calorimeter(events: Events) -> NDArray[np.bool_]:
    """``(hits,)`` whether a hit belongs to a calorimeter."""
    names, chosen = events.geometry.channel_names, np.array(events.geometry.calorimeters)
    if not chosen.any():
        raise InputError(
            f"images of channels {', '.join(names)} have no calorimeter", "give jet images"
        )
    mask: NDArray[np.bool_] = chosen[events.channel]
    return mask


def _readout_cell(events: Events) -> NDArray[np.int64]:
    """``(hits,)`` number of the readout cell a hit lies in, unique over events and channels."""
    geometry = events.geometry
    block = np.array([c.block for c in geometry.channels])[events.channel]
    row, col = np.divmod(events.cell.astype(np.int64), geometry.cols)
    layer = events.owner * len(geometry.channels) + events.channel
    cell: NDArray[np.int64] = (layer * geometry.rows + row // block) * geometry.cols + col // block
    return cell
