"""Whether the content of a set is what its columns and the public sets let expect.

The bands are wide: what is right is never doubted, be it of another experiment, without pile-up or
with 200 collisions of it. What is wrong by a unit is wrong by a factor of 25 or more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.geometry import EGAMMA_CROPS, JET_IMAGES, NS_PER_UNIT, Geometry
from calovision.events.reader import EventStore

BATCH = 4096
#: Summed energies of a jet are 1.7 pt in simulation without pile-up, and 3 GeV more for each other
#: collision; in the public set they are 245 GeV at a mean pt of 117 GeV, so some 60 GeV more.
SUM_OVER_PT, PILEUP_GEV, COLLISION_GEV = 1.7, 60.0, 3.0
#: shares of the channels in the public sums: 123, 80 and 47 GeV (printed mean pixels of the HDF5)
SHARES = {"track": 0.49, "ecal": 0.32, "hcal": 0.19}
#: mean share of the pixels that are not 0 in the public jets, and in 100 real crops
OCCUPANCY = {"track": 0.0050, "ecal": 0.0157, "hcal": 0.0270, "energy": 0.047}
CROP_GEV = 60.0  #: median sum of the real crops, which have a pT of 50 GeV
TIME_NS = 15.0  #: spread of the times of hits in the public crops, ns
BAND = (0.1, 10.0)  #: factors that are not doubted: on sums and times ...
CHANNEL_BAND = (0.05, 10.0)  #: ... on the share of a channel ...
OCCUPANCY_BAND = (0.05, 15.0)  #: ... and on occupancies
FEW = 0.02  #: share of the events that may lie outside
LONE = 0.1  #: share of single pixels in a channel of towers that is not doubted


@dataclass(frozen=True)
class Contents:
    """What the events of a set hold, all of it ``(n, channels)``.

    Attributes:
        pixels: pixels that are not 0.
        hits: hits.
        sums: energies, GeV.
        means: mean of times, ns; 0 in other channels.
        squares: mean of their squares, ns^2.
        lone: pixels that are no part of a whole readout cell, in channels where those are larger.
    """

    pixels: NDArray[np.float64]
    hits: NDArray[np.int64]
    sums: NDArray[np.float64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]
    lone: NDArray[np.float64]


def contents(store: EventStore) -> Contents:
    """What a set holds; reads it once, in flat memory."""
    channels = store.geometry.channels
    width, blocks = len(channels), np.array([c.block for c in channels])
    large, of_time = blocks > 1, np.array([c.is_time for c in channels])
    parts: list[tuple[NDArray[Any], ...]] = []
    for some in store.stream(BATCH):
        index, n = some.owner * width + some.channel, len(some)

        def summed(weights: Any, index: Any = index, n: int = n) -> NDArray[np.float64]:
            return np.bincount(index, weights, n * width).reshape(n, width).astype(np.float64)

        hits, lone = some.counts(), (some.code >= width) & large[some.channel]
        single = summed(lone) if lone.any() else np.zeros(hits.shape)
        pixels = single + (hits - single) * blocks**2
        means = squares = np.zeros(hits.shape)
        if of_time.any():
            times = np.where(of_time[some.channel], some.measured, 0).astype(np.float64)
            means, squares = (summed(t) / np.maximum(hits, 1) for t in (times, times**2))
        parts.append((pixels, hits, some.sums(), means, squares, single))
    return Contents(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def energy_factors(
    sums: NDArray[np.float64], columns: Mapping[str, NDArray[Any]], geometry: Geometry
) -> NDArray[np.float64] | None:
    """By what the energies exceed what is expected, of every event that holds any.

    Args:
        sums: ``(n,)`` summed energies, GeV.
        columns: ``(n,)`` of the same events; used are ``pt`` and, of crops, ``energy`` (GeV), and
            ``n_pileup``, the number of other collisions.
        geometry: of the images.

    Returns:
        The factors, or none if nothing is known to expect, or there are no energies at all.
    """
    crops = geometry.schema == "crops"
    if "pt" in columns:
        pt = np.asarray(columns["pt"], np.float64)
        others = np.maximum(PILEUP_GEV, COLLISION_GEV * columns.get("n_pileup", np.zeros(len(pt))))
        expected = CROP_GEV / 50 * pt if crops else SUM_OVER_PT * pt + others
    elif crops or (geometry.schema == "showers" and "energy" in columns):
        expected = np.asarray(columns.get("energy", np.full(len(sums), CROP_GEV)), np.float64)
    else:
        return None
    some = (sums > 0) & (expected > 0) & np.isfinite(sums)
    return sums[some] / expected[some] if some.any() else None


def doubts(found: Contents, columns: Mapping[str, NDArray[Any]], geometry: Geometry) -> list[str]:
    """What is implausible about a set, a line each; nothing where all is as expected."""
    of_energy = np.array([not c.is_time for c in geometry.channels])
    sums = found.sums[:, of_energy].sum(1)
    off = _channels(found, columns, geometry)
    some = 0 < len(off) < len(SHARES)  # what all channels have in common is told of their sum
    said = off if some else doubts_of_energy(sums, columns, geometry)
    if (empty := np.mean(sums <= 0)) > 0.5:
        said.append(f"{_share(float(empty))} hold no energy")
    return said + _cells(found, geometry) + _occupancies(found, geometry) + _times(found, geometry)


def doubts_of_energy(
    sums: NDArray[np.float64], columns: Mapping[str, NDArray[Any]], geometry: Geometry
) -> list[str]:
    """What is implausible about summed energies (GeV); as :func:`energy_factors`."""
    factors = energy_factors(sums, columns, geometry)
    if factors is None:
        return []
    off = factors[(factors < BAND[0]) | (factors > BAND[1])]
    # Showers of hadrons differ much: they are doubted together.
    few = 0.5 if geometry.schema == "showers" else FEW
    if len(off) <= few * len(factors):
        return []
    factor = float(np.median(off))
    basis = "pt suggests" if "pt" in columns else "electrons and photons of 50 GeV have"
    if "pt" not in columns and "energy" in columns:
        basis = "their column energy says"
    whose = _share(len(off) / len(factors))
    return [
        f"energies of {whose} are {_plain(factor)} times what {basis}{_guess(factor, geometry)}"
    ]


def _guess(factor: float, geometry: Geometry) -> str:
    """What may be behind a factor on the energies."""
    unit = max(c.gev_per_unit for c in geometry.channels if not c.is_time)
    column = "energy" if geometry.schema == "showers" else "pt"
    known = {1000.0: "MeV taken as GeV?", 0.001: f"is {column} in MeV?"}
    if unit > 10:
        known |= {unit: "GeV taken as image units? give unit gev"}
        known |= {1 / unit: "image units taken as GeV? give unit image"}
    near = min(known, key=lambda k: abs(math.log(factor / k)))
    return f": {known[near]}" if abs(math.log(factor / near)) < math.log(2.5) else ""


def _channels(
    found: Contents, columns: Mapping[str, NDArray[Any]], geometry: Geometry
) -> list[str]:
    """Channels of public jets that hold far more or less than their share."""
    said: list[str] = []
    if "pt" not in columns or not _is_public(geometry, JET_IMAGES):
        return said
    for c, channel in enumerate(geometry.channels):
        factors = energy_factors(found.sums[:, c], columns, geometry)
        if channel.name not in SHARES or factors is None:
            continue
        factor = float(np.median(factors)) / SHARES[channel.name]
        if CHANNEL_BAND[0] <= factor <= CHANNEL_BAND[1]:
            continue
        cell, guess = channel.block**2, ""
        if cell > 1 and abs(math.log(factor / cell)) < math.log(2.5):
            guess = f": does each pixel hold its whole tower, not 1/{cell}? divide by {cell}"
        if cell > 1 and abs(math.log(factor * cell)) < math.log(2.5):
            guess = f": are pixels divided by {cell} twice? multiply by {cell}"
        times = f"{_plain(factor)} times what pt suggests{guess}"
        said.append(f"energies in channel {channel.name!r} are {times}")
    return said


def _cells(found: Contents, geometry: Geometry) -> list[str]:
    """Channels of towers whose pixels differ within a tower."""
    said = []
    for c, channel in enumerate(geometry.channels):
        pixels = float(found.pixels[:, c].sum())
        share = float(found.lone[:, c].sum()) / max(pixels, 1)
        if share > LONE:
            side = f"{channel.block} x {channel.block}"
            some = f"{_plain(100 * share)} % of the pixels of channel {channel.name!r}"
            told = "differ from others of their tower"
            said.append(f"{some} {told} of {side}: is the grid shifted, or another one?")
    return said


def _occupancies(found: Contents, geometry: Geometry) -> list[str]:
    """Channels of the public grids with far more or fewer pixels than in the public sets."""
    said: list[str] = []
    if not any(_is_public(geometry, public) for public in (JET_IMAGES, EGAMMA_CROPS)):
        return said
    for c, channel in enumerate(geometry.channels):
        share = float(found.pixels[:, c].mean()) / geometry.cells
        known = OCCUPANCY.get(channel.name)
        if known is None or share == 0:
            continue
        factor = share / known
        if not OCCUPANCY_BAND[0] <= factor <= OCCUPANCY_BAND[1]:
            guess = ": is noise left in? give a threshold" if factor > 1 else ""
            some = f"{_plain(100 * share)} % of the pixels of channel {channel.name!r}"
            public = f"as many as in the public set ({_plain(100 * known)} %)"
            said.append(f"{some} are not 0, {_plain(factor)} times {public}{guess}")
    return said


def _times(found: Contents, geometry: Geometry) -> list[str]:
    """Times of crops that spread far more or less than in the public crops."""
    said = []
    for c, channel in enumerate(geometry.channels):
        hits = found.hits[:, c]
        if geometry.schema != "crops" or not channel.is_time or not hits.any():
            continue
        spread = math.sqrt(float(np.average(found.squares[:, c], weights=hits)))
        factor = spread / TIME_NS
        if spread and not BAND[0] <= factor <= BAND[1]:
            guess = f": are they in ns, not in units of {NS_PER_UNIT:g} ns?" if factor > 1 else ""
            said.append(
                f"times in channel {channel.name!r} are {_plain(factor)} times as large as in the"
                f" public crops{guess}"
            )
    return said


def _is_public(geometry: Geometry, public: Geometry) -> bool:
    """Whether a grid has the schema and the pixels of a public one."""
    keys = ("schema", "rows", "cols")
    return all(getattr(geometry, k) == getattr(public, k) for k in keys)


def _share(share: float) -> str:
    return "all events" if share > 0.98 else f"{_plain(100 * share)} % of the events"


def _plain(number: float) -> str:
    """A number of two digits, written out."""
    return f"{float(f'{number:.2g}'):,.10g}"
