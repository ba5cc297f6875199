"""A request for generated events: label and ranges of their columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from calovision.errors import InputError


@dataclass(frozen=True)
class Request:
    """Conditions on the events to generate.

    Attributes:
        label: class of every event (gluon 0, quark 1); ``None`` leaves it to chance.
        ranges: per-event column, such as ``"pt"`` (GeV), to the lowest and highest value.
        reject: whether a generator that has learned rejection sampling uses it.

    Raises:
        InputError: another label, or a range that is no range of energies.
    """

    label: int | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    reject: bool = True

    def __post_init__(self) -> None:
        if self.label is not None:
            object.__setattr__(self, "label", _label(self.label))
        if not isinstance(self.ranges, Mapping):
            raise InputError(
                f"ranges are {self.ranges!r}", 'give columns and limits, {"pt": (100, 140)}'
            )
        found = {str(name): _limits(name, limits) for name, limits in self.ranges.items()}
        object.__setattr__(self, "ranges", found)


def _label(label: Any) -> int:
    if isinstance(label, bool) or not isinstance(label, Integral) or label not in (0, 1):
        raise InputError(f"no events have the label {label!r}", "give 0 (gluon) or 1 (quark)")
    return int(label)


def _limits(name: Any, limits: Any) -> tuple[float, float]:
    """Both limits of a range, GeV."""
    try:
        low, high = limits
    except (TypeError, ValueError):
        raise InputError(
            f"the range of {name} is {limits!r}", "give two numbers, the lowest and the highest"
        ) from None
    if not all(isinstance(x, Real) and math.isfinite(x) for x in (low, high)):
        raise InputError(
            f"{name} cannot be between {low!r} and {high!r}", "give two finite numbers"
        )
    if not low < high:
        raise InputError(f"no {name} is between {low:g} and {high:g} GeV", "give LOW HIGH")
    if low < 0:
        raise InputError(f"no {name} is below 0 GeV, but {low:g} is asked for", "begin at 0")
    return float(low), float(high)
