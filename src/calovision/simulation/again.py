"""Jets of a set that keeps its particles, through the detector once more."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.events.events import Events, concatenate
from calovision.events.particle_lists import ParticleLists
from calovision.events.store import EventStore
from calovision.simulation.detector import Detector
from calovision.simulation.generator import Jets, particles_of
from calovision.simulation.jets import acceptance, detect
from calovision.utils import streams

TRIES = 16  #: draws of the detector for a jet that is not accepted
_SOFTEST = 0.05  #: GeV; what is softer does not reach the simulated detector
_SEEN = ("pt", "m0", "n_pileup")  #: columns that the detector decides


def jets_of(lists: ParticleLists, label: NDArray[np.int8], axis: NDArray[np.float64]) -> Jets:
    """Jets for the detector, each a collision of its own.

    Args:
        lists: their particles.
        label: ``(n,)`` class.
        axis: ``(n, 2)`` eta and phi, rad.
    """
    momentum = lists.momenta()
    n, owner = len(lists), lists.owner
    total = np.stack([np.bincount(owner, p * lists.member, n) for p in momentum])
    mass2 = total[3] ** 2 - (total[:3] ** 2).sum(0)
    keep = lists.pt > _SOFTEST
    hard = lists.where(keep)
    gen_pt = np.hypot(total[0], total[1])
    return Jets(
        particles_of(hard.offsets, hard.pdg, momentum[:, keep]),
        np.where(hard.member, 0, -1).astype(np.int8),
        np.arange(n),
        np.zeros(n, np.int8),
        label.astype(np.int8),
        gen_pt,
        axis[:, 0],
        axis[:, 1],
        np.sqrt(np.maximum(mass2, 0.0)),
        gen_pt,
    )


def some_of(jets: Jets, chosen: NDArray[np.int64]) -> Jets:
    """Some of the jets, with all collisions' particles."""
    names = ("collision", "slot", "label", "pt", "eta", "phi", "mass", "parton_pt")
    return replace(jets, **{name: getattr(jets, name)[chosen] for name in names})


def seen_again(
    events: Events, detector: Detector, place: NDArray[np.int64], seed: int, epoch: int
) -> Events:
    """The same jets with detector, vertex, noise and pile-up drawn anew.

    A jet is drawn until it is accepted, as those of the set were: together with its particles, the
    new image then has the distribution of the set's. What is not accepted after :data:`TRIES`
    draws keeps its image, which has that distribution too.

    Args:
        events: with particles.
        detector: what they were simulated with.
        place: ``(n,)`` number of every event; its image depends on it, ``seed`` and ``epoch``.
        seed: of the random numbers.
        epoch: one image of each is drawn for every epoch.

    Returns:
        The events in their order, without particles; ``pt``, ``m0`` and ``n_pileup`` are new.
    """
    axis = np.stack([events.columns["eta"], events.columns["phi"]], 1).astype(np.float64)
    if events.particles is None:
        raise ValueError("no particles")
    jets = jets_of(events.particles, events.columns["label"], axis)
    drawn = [streams.rng(streams.Stream.AGAIN, seed, epoch, int(k)) for k in place]
    parts, owner, left = [], [], np.arange(len(events))
    for _ in range(TRIES):
        seeds = np.stack([drawn[k].integers(2**32, size=3, dtype=np.uint32) for k in left])
        luck = np.array([drawn[k].random() for k in left])
        seen = detect(some_of(jets, left), seeds, detector, events.geometry)
        good = luck < acceptance(seen.columns["pt"], detector)
        parts.append(seen[np.flatnonzero(good)])
        owner.append(left[good])
        left = left[~good]
        if not len(left):
            break
    kept = replace(events, particles=None)[left]
    kept.columns = {name: kept.columns[name] for name in parts[0].columns}
    order = np.argsort(np.concatenate([*owner, left]))
    found = concatenate([*parts, kept])[order]
    new: dict[str, NDArray[Any]] = {name: found.columns[name] for name in _SEEN}
    found.columns = {**events.columns, **new}
    return found


def seen_again_of(
    path: Path, sound: bool, chosen: NDArray[np.int64], detector: Detector, seed: int, epoch: int
) -> Events:
    """:func:`seen_again` of events of a set on disk.

    Args:
        path: folder of the set.
        sound: leave out its damaged shards.
        chosen: ``(n,)`` numbers of the events in the set.
        detector: what they were simulated with.
        seed: of the random numbers.
        epoch: one image of each is drawn for every epoch.
    """
    return seen_again(_opened(path, sound)[chosen], detector, chosen, seed, epoch)


@lru_cache(1)
def _opened(path: Path, sound: bool) -> EventStore:
    return EventStore.open(path, skip_corrupt=sound)
