"""One row of the speed table: two costs, their ratio, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np


class Goal(NamedTuple):
    """What a ratio should be."""

    bound: Literal["at most", "at least"]
    value: float


class UnavailableError(Exception):
    """A row cannot be measured here; its text tells why."""


@dataclass(frozen=True)
class Row:
    """A finished measurement.

    Attributes:
        first, second: what is compared.
        pairs: cost of both, once per pair.
        unit: of the costs, for example ``"s a jet"``.
        kind: what the costs are.
        goal: what the ratio of the first over the second should be.
        details: further numbers that are kept with the row.
    """

    first: str
    second: str
    pairs: list[tuple[float, float]]
    unit: str
    kind: Literal["CPU time", "wall time", "peak memory"] = "CPU time"
    goal: Goal | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: medians of both costs and of the pairs' ratios, with their 16-84 % range."""
        costs = np.array(self.pairs, float)
        ratios = costs[:, 0] / costs[:, 1]
        low, ratio, high = np.quantile(ratios, (0.16, 0.5, 0.84))
        goal = None
        if self.goal is not None:
            met = ratio <= self.goal.value if self.goal.bound == "at most" else None
            met = ratio >= self.goal.value if met is None else met
            goal = {"bound": self.goal.bound, "value": self.goal.value, "met": bool(met)}
        return {
            "first": self.first,
            "second": self.second,
            "kind": self.kind,
            "unit": self.unit,
            "cost": [float(x) for x in np.median(costs, 0)],
            "ratio": float(ratio),
            "range": [float(low), float(high)],
            "pairs": len(costs),
            "goal": goal,
            "details": self.details,
        }
