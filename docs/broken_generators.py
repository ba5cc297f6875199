"""Generators that are broken on purpose: simulated jets with one fault each, to test the judges.

Every fault breaks one rule, moves one threshold or removes one correlation, and leaves the rest as
simulated. A judge worth asking tells such jets from others of the simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

from calovision.events.events import Events, offsets_of

Rng = np.random.Generator
TRACK, ECAL, HCAL = range(3)
LOW_GEV = 0.06  #: a threshold that ECAL hits of the simulation go below
AWAY = 6  #: cells around an added hit that were empty


def assembled(
    like: Events, owner: Any, code: Any, cell: Any, value: Any, columns: dict[str, Any]
) -> Events:
    """Events of some hits, put in order; of two hits of a cell the first one stays."""
    key = (owner.astype(np.int64) * 256 + code) * 65536 + cell
    _, first = np.unique(key, return_index=True)
    owner, code, cell, value = (x[first] for x in (owner, code, cell, value))
    offsets = offsets_of(np.bincount(owner, minlength=len(like)))
    kinds = np.uint16, np.uint8, like.value.dtype
    hits = (x.astype(kind) for x, kind in zip((cell, code, value), kinds, strict=True))
    return Events(like.geometry, offsets, *hits, columns)


def isolated_hits(jets: Events, rng: Rng, number: int = 3) -> Events:
    """A rule broken: some soft ECAL hits lie where nothing else of the ECAL is near."""
    g, owner, of_ecal = jets.geometry, jets.owner, jets.channel == ECAL
    new_owner, new_cell = [], []
    for i in range(len(jets)):
        mine = slice(jets.offsets[i], jets.offsets[i + 1])
        lit = np.zeros(g.cells, bool)
        lit[jets.cell[mine][of_ecal[mine]]] = True
        near = maximum_filter(lit.reshape(g.rows, g.cols), 2 * AWAY + 1).ravel()
        free = np.flatnonzero(~near)
        if len(free) >= number:
            new_owner += [i] * number
            new_cell += list(rng.choice(free, number, replace=False))
    soft = jets.value[of_ecal & (jets.energy < np.quantile(jets.energy[of_ecal], 0.5))]
    parts = (
        (owner, np.array(new_owner, np.int64)),
        (jets.code, np.full(len(new_owner), ECAL, np.uint8)),
        (jets.cell, np.array(new_cell, np.uint16)),
        (jets.value, rng.choice(soft, len(new_owner))),
    )
    return assembled(jets, *(np.concatenate(p) for p in parts), dict(jets.columns))


def threshold_moved(jets: Events, rng: Rng) -> Events:
    """A threshold moved: no ECAL hit is below 60 MeV."""
    del rng
    return jets.keep(~((jets.channel == ECAL) & (jets.energy < LOW_GEV)))


def threshold_smeared(jets: Events, rng: Rng) -> Events:
    """A threshold smeared: ECAL energies below the median are wrong by 20 %."""
    of_ecal = jets.channel == ECAL
    soft = of_ecal & (jets.energy < np.median(jets.energy[of_ecal]))
    factor = np.where(soft, np.exp(0.2 * rng.standard_normal(len(soft))), 1)
    return replace(jets, value=(jets.value * factor).astype(jets.value.dtype))


def channel_moved(jets: Events, channel: int, cells: int) -> Events:
    """The hits of one channel so many pixels further in eta; what leaves the window is lost."""
    g, mine = jets.geometry, jets.channel == channel
    row, col = np.divmod(jets.cell.astype(np.int64), g.cols)
    row = np.where(mine, row + cells, row)
    inside = row < g.rows
    cell = row * g.cols + col
    parts = (x[inside] for x in (jets.owner, jets.code, cell, jets.value))
    return assembled(jets, *parts, dict(jets.columns))


def tracks_moved(jets: Events, rng: Rng, cells: int = 5) -> Events:
    """A correlation bent: tracks lie one tower, five ECAL cells, beside their energy."""
    del rng
    return channel_moved(jets, TRACK, cells)


def window_moved(jets: Events, rng: Rng) -> Events:
    """A rule broken: the window is one tower off the hottest one."""
    del rng
    for channel, of in enumerate(jets.geometry.channels):
        jets = channel_moved(jets, channel, 5)
        assert of.block in (1, 5)
    return jets


def channel_of_another(jets: Events, channel: int) -> Events:
    """One channel taken from another jet, of the same class and nearly the same pt."""
    order = np.lexsort((jets.columns["pt"], jets.label))
    other = np.empty(len(jets), np.int64)
    other[order] = np.roll(order, 1)
    donors = jets[other]
    mine, theirs = jets.channel != channel, donors.channel == channel
    parts = (
        np.concatenate([a[mine], b[theirs]])
        for a, b in (
            (jets.owner, donors.owner),
            (jets.code, donors.code),
            (jets.cell, donors.cell),
            (jets.value, donors.value),
        )
    )
    return assembled(jets, *parts, dict(jets.columns))


def hcal_of_another(jets: Events, rng: Rng) -> Events:
    """A correlation removed: the HCAL is that of another jet of the same class and pt."""
    del rng
    return channel_of_another(jets, HCAL)


def tracks_of_another(jets: Events, rng: Rng) -> Events:
    """A correlation removed: the tracks are those of another jet of the same class and pt."""
    del rng
    return channel_of_another(jets, TRACK)


def energies_permuted(jets: Events, rng: Rng) -> Events:
    """A correlation removed: the energies of ECAL hits are dealt out anew within every jet."""
    mine = np.flatnonzero(jets.channel == ECAL)
    dealt = mine[np.lexsort((rng.random(len(mine)), jets.owner[mine]))]
    value = jets.value.copy()
    value[mine] = jets.value[dealt]
    return replace(jets, value=value)


def energies_repeated(jets: Events, rng: Rng) -> Events:
    """A rule broken: one ECAL hit in twenty has the energy of the hit before it."""
    again = np.flatnonzero((jets.channel == ECAL) & (rng.random(len(jets.cell)) < 0.05))
    again = again[again > 0]
    again = again[(jets.owner[again - 1] == jets.owner[again]) & (jets.code[again - 1] == ECAL)]
    value = jets.value.copy()
    value[again] = jets.value[again - 1]
    return replace(jets, value=value)


def scale_wrong(jets: Events, rng: Rng) -> Events:
    """A scale wrong: ECAL energies are 2 % too high."""
    del rng
    factor = np.where(jets.channel == ECAL, 1.02, 1)
    return replace(jets, value=(jets.value * factor).astype(jets.value.dtype))


NONE = "nothing: other simulated jets"
#: by what is wrong with their jets
FAULTS: dict[str, Callable[[Events, Rng], Events]] = {
    "three lone soft ECAL hits more": isolated_hits,
    "no ECAL hit below 60 MeV": threshold_moved,
    "soft ECAL energies smeared by 20 %": threshold_smeared,
    "one ECAL energy in twenty that of a neighbour": energies_repeated,
    "ECAL energies dealt out anew": energies_permuted,
    "tracks one tower beside their energy": tracks_moved,
    "tracks of another jet": tracks_of_another,
    "HCAL of another jet": hcal_of_another,
    "window one tower off": window_moved,
    "ECAL energies 2 % too high": scale_wrong,
}
