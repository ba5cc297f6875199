"""A measured number with its error, and the definition of what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calovision.metrics.groups import Group

Number = float | np.floating[Any]


@dataclass(frozen=True)
class Metric:
    """One measured quantity.

    Attributes:
        value: the value, in ``unit``.
        error: its standard error, in ``unit``.
        unit: for example ``"GeV"``; empty for a pure number.
        floor: the value that truth against truth reaches, where that is known.
        higher_is_better: direction in which the quantity improves.

    Example:
        >>> Metric(0.82, 0.01).with_floor(0.5).floor
        0.5
    """

    value: float
    error: float
    unit: str = ""
    floor: float | None = None
    higher_is_better: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The entry of ``results.json``; infinite or undefined numbers become ``None``."""
        return {
            "value": _finite(self.value),
            "error": _finite(self.error),
            "unit": self.unit,
            "floor": _finite(self.floor),
            "higher_is_better": self.higher_is_better,
        }

    def with_floor(self, floor: float) -> Metric:
        """The same measurement with its truth-against-truth floor."""
        return replace(self, floor=float(floor))


def _finite(number: float | None) -> float | None:
    """The number as a plain float, or ``None`` where JSON has no word for it."""
    return float(number) if number is not None and math.isfinite(number) else None


@dataclass(frozen=True)
class Definition:
    """What a metric is, said once: results, tables and pages are made from it.

    Attributes:
        label: short name for tables.
        text: one or two sentences for somebody new to the field.
        group: table of a report in which it stands; by default among the other numbers.
        unit: of value and error; empty for a pure number.
        higher_is_better: direction in which it improves.
        target: best value, where that is neither the largest nor the smallest.
        ratio: whether a ratio of two models' values says anything.
        good: what a good value is.
        source: where it is defined.
        short: label for the head of a narrow column.
    """

    label: str
    text: str = ""
    group: Group | None = None
    unit: str = ""
    higher_is_better: bool = True
    target: float | None = None
    ratio: bool = True
    good: str = ""
    source: str = ""
    short: str = ""

    def measured(self, value: Number, error: Number, floor: float | None = None) -> Metric:
        """A measurement of this quantity."""
        return Metric(float(value), float(error), self.unit, floor, self.higher_is_better)

    @property
    def title(self) -> str:
        """The label with a capital first letter."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def explanation(self) -> str:
        """Everything there is to say in one paragraph."""
        source = f"Source: {self.source}." if self.source else ""
        return " ".join(part for part in (self.text, self.good, source) if part)

    @property
    def arrow(self) -> str:
        """The direction as a sign."""
        if self.target is not None:
            return f"→\N{NO-BREAK SPACE}{self.target:g}"
        return "↑" if self.higher_is_better else "↓"

    @property
    def better(self) -> str:
        """The direction in plain letters: ``higher``, ``lower`` or ``-> 0.5``."""
        if self.target is not None:
            return f"-> {self.target:g}"
        return "higher" if self.higher_is_better else "lower"

    def badness(self, value: float) -> float:
        """A number that is smaller for the better of two values."""
        if self.target is not None:
            return abs(value - self.target)
        return -value if self.higher_is_better else value


PLAIN = Definition("")  #: a number about which nothing is known
