"""Checks and selections of event sets before a comparison, and how their columns differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events import weighting
from calovision.events.events import Events
from calovision.events.labels import found
from calovision.metrics.bootstrap import Floats, check_finite

A, B, FLOOR, TRAINING = "A", "B", "--floor", "--training"  #: what messages call the sets
COLUMNS = ("m0", "pt")  #: per-event columns compared like observables where all sets have them
MIN_CLASS_DIFFERENCE = 0.03  #: smallest difference of class fractions that is reported
MIN_SHARE_BEYOND = 0.02  #: smallest share of events outside the other set's range that is reported
RANGE_QUANTILES = (0.001, 0.999)  #: between which the range of a column lies
SIGNIFICANCE = 4.0  #: standard deviations by which chance is excluded

Sets = Mapping[str, Events]


def checked(sets: Sets) -> dict[str, Events]:
    """The sets without events of weight 0, if everything that is compared is sound.

    Args:
        sets: what to call each in a message, to its events.

    Raises:
        InputError: a column or hit is not finite, or a weight is negative; it names the set, the
            column, how many there are, and the first event.
    """
    kept = {}
    for name, events in sets.items():
        for column in COLUMNS:
            if column in events.columns:
                values = np.asarray(events.columns[column])
                if values.shape != (len(events),) or values.dtype.kind not in "biuf":
                    raise InputError(
                        f"{column} of {name} has type {values.dtype} and shape {values.shape}",
                        "give one number an event",
                    )
                check_finite(values, f"{column} of {name}")
        for c, channel in enumerate(events.geometry.channel_names):
            mine = events.channel == c
            check_finite(events.value[mine], f"{channel} hits of {name}", events.owner[mine])
        try:
            weighting.of(events)
        except InputError as error:
            raise InputError(f"{name}: {error.problem}", error.remedy) from None
        kept[name] = weighting.counting(events)
    return kept


def chosen(
    sets: Sets, label: str | int | None, pt: tuple[float, float] | None
) -> dict[str, Events]:
    """Of every set the events of one class, in a range of pt, or both.

    Args:
        sets: as in :func:`checked`.
        label: the class, by name, such as ``"gluon"``, or number; ``None`` takes all.
        pt: lowest and highest pt, GeV; ``None`` takes all.

    Raises:
        InputError: a set has no such column, an unknown class, or a range that is none.
    """
    kept = {}
    for name, events in sets.items():
        mask = np.ones(len(events), np.bool_)
        for column, wanted in (("label", label), ("pt", pt)):
            if wanted is not None and column not in events.columns:
                raise InputError(f"{name} has no column {column}", f"leave --{column} out")
        if label is not None:
            mask &= events.label == events.geometry.class_number(label)
        if pt is not None:
            low, high = pt
            if not low < high:
                raise InputError(f"no pt is between {low:g} and {high:g} GeV", "give LOW HIGH")
            mask &= (events.columns["pt"] >= low) & (events.columns["pt"] <= high)
        kept[name] = events if mask.all() else events[np.flatnonzero(mask)]
        if not len(kept[name]):
            raise InputError(f"{name} has no event that was asked for", "ask for others")
    return kept


def differences(sets: Sets) -> list[str]:
    """What makes two sets unlike before any image is looked at, a sentence each.

    Of the first and the second set: columns of one alone, fractions of the classes, and ranges of
    pt and m0.
    """
    (first, a), (second, b) = list(sets.items())[:2]
    lines = []
    for column in ("label", *COLUMNS, weighting.COLUMN):
        if (column in a.columns) != (column in b.columns):
            has, lacks = (first, second) if column in a.columns else (second, first)
            lines.append(f"only {has} has a column {column}, {lacks} has none")
    common = a.columns.keys() & b.columns.keys()
    if "label" in common:
        lines += _classes(sets)
    for column, option in (("pt", "--pt LOW HIGH"), ("m0", "")):
        if column in common:
            lines += _range(sets, column, option)
    return lines


def _classes(sets: Sets) -> list[str]:
    """Fractions of the classes, if they differ."""
    (first, a), (second, b) = list(sets.items())[:2]
    for name, events in sets.items():
        if events.label.dtype.kind not in "biuf" or not np.isin(events.label, (0, 1)).all():
            return [f"the labels of {name} are {found(events.label)}: classes are not compared"]
    (p, scatter), (q, other) = (_share(e.label == 1, e) for e in (a, b))
    name = a.geometry.classes[1]
    if abs(p - q) <= max(MIN_CLASS_DIFFERENCE, SIGNIFICANCE * float(np.hypot(scatter, other))):
        return []
    classes = "|".join(a.geometry.classes)
    return [
        f"{p:.0%} of {first} and {q:.0%} of {second} are {name}s: compare one class at a time"
        f" with --label {classes}"
    ]


def _range(sets: Sets, column: str, option: str) -> list[str]:
    """Ranges of a column, if one set has far more events beyond that of the other."""
    (first, a), (second, b) = list(sets.items())[:2]
    ranges = [
        weighting.quantiles(e.columns[column], RANGE_QUANTILES, weighting.of(e)) for e in (a, b)
    ]
    for events, (low, high) in ((a, ranges[1]), (b, ranges[0])):
        values = events.columns[column]
        beyond, error = _share((values < low) | (values > high), events)
        chance = 2 * (RANGE_QUANTILES[0] + 1 - RANGE_QUANTILES[1])
        if beyond > max(MIN_SHARE_BEYOND, chance + SIGNIFICANCE * error):
            (x, y), (u, v) = ranges
            hint = f": compare one range with {option}" if option else ""
            return [
                f"{column} is {x:.4g} to {y:.4g} GeV in {first} and {u:.4g} to {v:.4g} GeV in"
                f" {second}{hint}"
            ]
    return []


def _share(mask: NDArray[np.bool_], events: Events) -> tuple[float, float]:
    """Weighted share of events, and its statistical error."""
    weights: Floats | None = weighting.of(events)
    share = float(np.average(mask, weights=weights))
    number = len(events) if weights is None else weighting.effective(weights)
    # With one more event of either kind: a share of 0 among few events is uncertain, too.
    spread = (share * number + 1) / (number + 2)
    return share, float(np.sqrt(spread * (1 - spread) / number))
