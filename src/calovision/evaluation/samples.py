"""Samples of one size that are compared: true events, events to judge, and more of the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.evaluation.matching import COLUMNS
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.fingerprints import fingerprints
from calovision.events.splits import split
from calovision.features.observables import observable_matrix
from calovision.features.patterns import energy_edges, patterns
from calovision.features.showers import challenge_table
from calovision.metrics.bootstrap import Floats, Weights
from calovision.utils import streams

MIN_EVENTS = 100  #: of each sample that is compared


@dataclass(frozen=True)
class Samples:
    """Equally many events of A, of B and of more of the truth, with their observables.

    Attributes:
        events: the three samples; of reconstructions there are two.
        tables: their observables, each ``(n, k)``.
        names: the ``k`` observables, appended columns as ``column_m0``.
        paired: event i of A and of B are an original and its reconstruction.
    """

    events: tuple[Events, ...]
    tables: tuple[Floats, ...]
    names: tuple[str, ...]
    paired: bool = False

    @cached_property
    def patterns(self) -> tuple[NDArray[Any], ...]:
        """Their local patterns, each ``(n, l)``; computed when they are first asked for."""
        edges = energy_edges(self.events)
        return tuple(patterns(e, edges) for e in self.events)

    @cached_property
    def physics(self) -> tuple[Floats, ...]:
        """The tables of FPD and KPD: the observables; of showers those of the CaloChallenge."""
        if self.events[0].geometry.schema != "showers":
            return self.tables
        return tuple(challenge_table(e) for e in self.events)

    @property
    def size(self) -> int:
        """Events of each sample."""
        return len(self.tables[0])

    def of(self, label: int) -> Samples:
        """The events of one class, cut to the same size."""
        rows = [np.flatnonzero(e.label == label) for e in self.events]
        size = min(map(len, rows))
        events = tuple(e[r[:size]] for e, r in zip(self.events, rows, strict=True))
        tables = tuple(t[r[:size]] for t, r in zip(self.tables, rows, strict=True))
        return replace(self, events=events, tables=tables)

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Event weights of A and B, and of A and more of the truth."""
        first, *others = (weighting.of(e) for e in self.events)
        # A reconstruction has the weight of its original.
        return tuple((first, first if self.paired else other) for other in others)

    def first(self, number: int) -> Samples:
        """At most the first events of each sample."""
        if number >= self.size:
            return self
        events = tuple(e[:number] for e in self.events)
        return replace(self, events=events, tables=tuple(t[:number] for t in self.tables))

    def halves(self) -> Samples:
        """One half of A and the other half, to be told apart instead."""
        half = self.size // 2
        parts = slice(half), slice(half, 2 * half)
        events = tuple(self.events[0][part] for part in parts)
        return Samples(events, tuple(self.tables[0][part] for part in parts), self.names)

    def have_classes(self, least: int) -> bool:
        """Whether every sample has at least ``least`` events of both classes."""
        return all(
            "label" in e.columns
            and min((e.label == k).sum() for k in (0, 1)) >= least
            and np.isin(e.label, (0, 1)).all()
            for e in self.events
        )


def draw(a: Events, b: Events, floor: Events | None, seed: int) -> Samples:
    """Samples of one size, in random order: jets of one collision stay in one half of ``a``.

    Raises:
        InputError: sets of different geometry, or too few events.
    """
    if floor is None:
        groups = fingerprints(a).groups(a.columns.get("event_id"))
        half = split(len(a), {"first": 0.5, "second": 0.5}, seed, groups)
        a, floor = a[half["first"]], a[half["second"]]
    sets = a, b, floor
    for other in sets[1:]:
        if other.geometry != a.geometry:
            raise InputError(
                f"the sets hold different images ({a.geometry.name}, {other.geometry.name})",
                "compare sets of one kind",
            )
    size = min(map(len, sets))
    if size < MIN_EVENTS:
        raise InputError(
            f"only {size} events of each sample can be compared",
            f"give at least {MIN_EVENTS} of each, twice as many of the first without --floor",
        )
    rng = streams.rng(streams.Stream.COMPARED, seed)
    samples = tuple(s[rng.permutation(len(s))[:size]] for s in sets)
    columns = tuple(k for k in COLUMNS if _varies(k, samples))
    tables, (names, *_) = zip(*(observable_matrix(s, columns) for s in samples), strict=True)
    return Samples(samples, tables, names)


def _varies(column: str, samples: tuple[Events, ...]) -> bool:
    """Whether all samples have a column that is not one number throughout."""
    if not all(column in s.columns for s in samples):
        return False
    return len(np.unique(np.concatenate([s.columns[column] for s in samples]))) > 1
