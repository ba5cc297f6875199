"""What generated events must be like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """Conditions on the events to generate.

    Attributes:
        label: class of every event (gluon 0, quark 1); ``None`` leaves it to chance.
        ranges: per-event column, such as ``"pt"`` (GeV), to the lowest and highest value.
    """

    label: int | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
