"""Event sets made from event sets: merged, split, selected, with their provenance."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from calovision.api.given import events_of
from calovision.errors import InputError
from calovision.events.event_set import EventSet
from calovision.events.fingerprints import fingerprints
from calovision.events.store import EventStore, check_apart, write_set


def merge(
    sets: Iterable[str | Path | EventSet], out: str | Path, *, overwrite: bool = False
) -> EventStore:
    """Write several sets into one, in order, and say how many events are there more than once.

    Args:
        sets: event sets of one geometry and the same columns, or their folders.
        out: folder of the new set.
        overwrite: replace a set that is there.

    Raises:
        InputError: no set, sets that differ, or the folder is taken.

    Warns:
        UserWarning: events that are there more than once, with their number.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> other = cv.simulate.egamma(6, seed=2, quiet=True)
        >>> len(cv.merge([crops, other], "both"))
        10
    """
    if isinstance(sets, str | Path | EventSet) or not isinstance(sets, Iterable):
        raise InputError("there is no list of event sets", "give several, as in merge([a, b], out)")
    parts = [events_of(one) for one in sets]
    provenance = {"source": "calovision data merge", "of": [p.provenance for p in parts]}
    made = write_set(parts, out, provenance=provenance, overwrite=overwrite)
    if copies := int(fingerprints(made).repeated().sum()):
        warnings.warn(
            f"{made.path}: {copies} of {len(made)} events are copies of others; splits keep copies"
            " together, evaluate counts them once",
            stacklevel=2,
        )
    return made


def select(
    events: str | Path | EventSet, expression: str, out: str | Path, *, overwrite: bool = False
) -> EventStore:
    """Write the events of a set that satisfy an expression in their columns.

    Args:
        events: event set, or its folder.
        expression: such as ``"pt > 100 and label == quark"``.
        out: folder of the new set.
        overwrite: replace a set that is there.

    Raises:
        InputError: not such an expression, no such events, or the folder is taken.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> len(cv.select(crops, "label == electron", "electrons"))
        2
    """
    whole = events_of(events)
    chosen = whole.select(expression)
    if not len(chosen):
        raise InputError(f"no event satisfies {expression!r}", "see 'calovision data info'")
    provenance = {"source": "calovision data select", "where": expression, "of": whole.provenance}
    return write_set([chosen], out, provenance=provenance, overwrite=overwrite)


def split(
    events: str | Path | EventSet,
    out: str | Path,
    *,
    seed: int = 1,
    overwrite: bool = False,
    **shares: float,
) -> dict[str, EventStore]:
    """Write parts of a set, drawn at random; jets of one collision and copies stay together.

    Args:
        events: event set, or its folder.
        out: folder of the parts, each a set with the name of its share.
        seed: same seed, same parts.
        overwrite: replace sets that are there.
        **shares: share of each part, together at most 1, such as ``train=0.8, test=0.2``.

    Raises:
        InputError: shares that are none, a part without events, or a folder that is taken.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(4, seed=1, quiet=True)
        >>> parts = cv.split(crops, "parts", train=0.5, test=0.5)
        >>> sorted(len(part) for part in parts.values())
        [2, 2]
    """
    whole = events_of(events)
    parts = whole.split(seed=seed, **shares)._asdict()
    if empty := [name for name, part in parts.items() if not len(part)]:
        raise InputError(f"no events are left for {', '.join(empty)}", "give larger shares")
    check_apart([whole], [Path(out) / name for name in parts])  # before the first part is written
    return {
        name: write_set(
            [part],
            Path(out) / name,
            provenance={
                "source": "calovision data split",
                "part": name,
                "shares": shares,
                "seed": seed,
                "of": whole.provenance,
            },
            overwrite=overwrite,
        )
        for name, part in parts.items()
    }
