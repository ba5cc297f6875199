"""How numbers stand in the tables of README and docs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def number(metric: dict[str, Any] | None) -> str:
    """A measured value with its error, two digits of it."""
    if metric is None or metric["value"] is None:
        return "-"
    value, error = metric["value"], metric["error"] or 0.0
    digits = 3
    while error and digits < 6 and error < 10 ** (1 - digits):
        digits += 1
    unit = f" {metric['unit']}" if metric["unit"] else ""
    if not error:
        return f"{value:.3f}{unit}"
    return f"{value:.{digits}f} ± {error:.{digits}f}{unit}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
