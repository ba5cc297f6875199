"""Tables of metrics: models side by side, with errors, directions, ratios and floors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calovision.metrics.definitions import Meaning
from calovision.reports.glossary import meaning

NONE = "-"  #: what stands in an empty cell
BASELINE = "baseline"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it shows.
        best: whether it is the best of its row.
        note: explanation shown on hover.
    """

    text: str
    best: bool = False
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table ready to be shown: the first cell of a row names it."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


def with_error(value: float | None, error: float | None) -> str:
    """Value and error, rounded as the Particle Data Group does.

    The error keeps two digits if they are below 36, else one, and the value as many decimals:
    ``0.603 ± 0.004``, ``32.5 ± 2.8``. An error of zero, or of rounding size, is not shown.
    """
    if value is None:
        return NONE
    if not error or not math.isfinite(error) or error < 1e-9 * abs(value):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
    exponent = math.floor(math.log10(error))
    digits = 2 if error / 10.0**exponent < 3.55 else 1
    decimals = max(0, digits - 1 - exponent)
    if decimals > 7 or abs(value) >= 1e6:
        return f"{value:.3g} ± {error:.1g}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def metric_table(
    models: Mapping[str, Mapping[str, Any]],
    keys: Sequence[str],
    floor: Mapping[str, float] | None = None,
    *,
    ratio: bool = True,
) -> Table:
    """Models side by side.

    Args:
        models: name shown to the content of its ``results.json``. One named ``baseline`` is what
            the others' ratios refer to.
        keys: metrics, in order; those that no model has are left out.
        floor: metric to its truth-against-truth value; by default what the metrics carry.
        ratio: whether to divide by the baseline.

    Returns:
        A row per metric: name, direction and unit; value and error per model; the ratio to the
        baseline where it means something; the floor where one is known.
    """
    metrics = {name: result["metrics"] for name, result in models.items()}
    compared = ratio and BASELINE in models
    ratios = [name for name in models if name != BASELINE] if compared else []
    shown = [key for key in keys if any(key in m for m in metrics.values())]
    floors = [_floor(key, metrics, floor or {}) for key in shown]
    header = ["metric", *models, *(f"{name} / {BASELINE}" for name in ratios)]
    if any(floors):
        header.append("floor")
    rows = []
    for key, lowest in zip(shown, floors, strict=True):
        entries = {name: m.get(key, {}) for name, m in metrics.items()}
        row = [_name(key, entries), *_values(entries, meaning(key))]
        row += [Cell(_ratio(entries[name], entries[BASELINE], meaning(key))) for name in ratios]
        rows.append(tuple(row + ([Cell(lowest or NONE)] if any(floors) else [])))
    return Table(tuple(header), tuple(rows))


def _name(key: str, entries: Mapping[str, Mapping[str, Any]]) -> Cell:
    """Label, direction and unit of a metric."""
    means = meaning(key)
    entry = next(e for e in entries.values() if e)
    unit = f" [{entry['unit']}]" if entry.get("unit") else ""
    if means.target is not None:
        direction = f"→\N{NO-BREAK SPACE}{means.target:g}"
    else:
        direction = "↑" if entry.get("higher_is_better", True) else "↓"
    return Cell(f"{means.title}{unit}\N{NO-BREAK SPACE}{direction}", note=f"{key}. {means.text}")


def _values(entries: Mapping[str, Mapping[str, Any]], means: Meaning) -> list[Cell]:
    """Value and error per model, the best one marked if it is alone."""
    known = {n: e for n, e in entries.items() if e.get("value") is not None}

    def badness(entry: Mapping[str, Any]) -> float:
        if means.target is not None:
            return abs(float(entry["value"]) - means.target)
        return -float(entry["value"]) if entry.get("higher_is_better") else float(entry["value"])

    ranked = sorted(known, key=lambda n: badness(known[n]))
    alone = len(ranked) > 1 and badness(known[ranked[0]]) < badness(known[ranked[1]])
    return [
        Cell(with_error(e.get("value"), e.get("error")), best=alone and n == ranked[0])
        for n, e in entries.items()
    ]


def _ratio(entry: Mapping[str, Any], base: Mapping[str, Any], means: Meaning) -> str:
    """How many times the baseline's value; nothing where that says nothing."""
    value, reference = entry.get("value"), base.get("value")
    if not means.ratio or value is None or not reference:
        return NONE
    return f"{value / reference:.3g} x"


def _floor(key: str, metrics: Mapping[str, Mapping[str, Any]], floor: Mapping[str, float]) -> str:
    """The floor of a metric, empty if none is known."""
    known = [floor.get(key), *(m.get(key, {}).get("floor") for m in metrics.values())]
    found = next((f for f in known if f is not None), None)
    return "" if found is None else f"{found:.3g}"
