"""The speed table as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = ("first", "against", "cost of both", "ratio", "goal")
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def cells(rows: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A line for every measured row; those that could not be measured are left out."""
    return [_line(row) for row in rows.values() if "unavailable" not in row]


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["range"]
    spread = f" ({low:.3g} to {high:.3g})" if row["pairs"] > 1 else ""
    goal = "" if row["goal"] is None else f"{row['goal']['bound']} {row['goal']['value']:g}"
    if goal and not row["goal"]["met"]:
        goal += ", missed"
    first = f"{row['first']}, {row['kind']}"
    return first, row["second"], _costs(row), f"{row['ratio']:.3g}{spread}", goal


def _costs(row: dict[str, Any]) -> str:
    """Both costs, in the same unit."""
    if not row["unit"].startswith("s "):
        return f"{row['cost'][0]:,.0f} and {row['cost'][1]:,.0f} {row['unit']}"
    size, prefix = next((p for p in _PREFIXES if max(row["cost"]) >= p[0]), _PREFIXES[-1])
    first, second = (f"{cost / size:.3g}" for cost in row["cost"])
    return f"{first} and {second} {prefix}{row['unit']}"


def text(rows: Mapping[str, Any]) -> str:
    """For people: a line for every row, and why the others are missing."""
    lines = []
    for name, row in rows.items():
        if "unavailable" in row:
            lines.append(f"{name:24s} not measured: {row['unavailable']}")
            continue
        first, second, costs, ratio, goal = _line(row)
        lines.append(f"{name:24s} {ratio}  {goal}\n{'':26s}{first} / {second}: {costs}")
    return "\n".join(lines)
