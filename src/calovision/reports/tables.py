"""Tables of metrics: models side by side, with errors, directions, ratios and floors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calovision.metrics.definitions import definition
from calovision.metrics.value import Definition

NONE = "-"  #: what stands in an empty cell
BASELINE = "baseline"
Entry = Mapping[str, Any]  #: of a metric in ``results.json``: value, error, unit, floor, direction


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


def table_of(
    header: Sequence[str], rows: Iterable[Sequence[str | Cell]], caption: str = ""
) -> Table:
    """A table whose cells may be mere texts."""
    cells = (tuple(Cell(c) if isinstance(c, str) else c for c in row) for row in rows)
    return Table(tuple(header), tuple(cells), caption)


def pivot(
    corner: str,
    rows: Iterable[str],
    columns: Iterable[str],
    cells: Mapping[tuple[str, str], str | Cell],
    caption: str = "",
) -> Table:
    """A table of ``cells`` by row and column; a place without one is empty."""
    names = list(columns)
    body = ((r, *(cells.get((r, c), NONE) for c in names)) for r in rows)
    return table_of((corner, *names), body, caption)


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


def measured(entry: Entry | None) -> str:
    """A metric's value and error as text."""
    return with_error(entry.get("value"), entry.get("error")) if entry else NONE


def floor_of(known: Iterable[float | None]) -> str:
    """The first floor that is known, as text."""
    return next((f"{f:.3g}" for f in known if f is not None), NONE)


def best_of(entries: Mapping[str, Entry], about: Definition) -> str:
    """The model that is better than all others, empty if there is none."""
    known = {n: about.badness(e["value"]) for n, e in entries.items() if e.get("value") is not None}
    first, *others = sorted(known, key=lambda n: known[n]) or [""]
    return first if others and known[first] < known[others[0]] else ""


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
    ratios = [n for n in models if n != BASELINE] if ratio and BASELINE in models else []
    rows, floors = [], []
    for key in keys:
        entries: dict[str, Entry] = {name: m.get(key, {}) for name, m in metrics.items()}
        first = next((e for e in entries.values() if e), None)
        if first is None:
            continue
        about = definition(key, first)
        unit = f" [{first['unit']}]" if first.get("unit") else ""
        name = f"{about.title}{unit}\N{NO-BREAK SPACE}{about.arrow}"
        best = best_of(entries, about)
        row = [Cell(name, note=f"{key}. {about.text}")]
        row += [Cell(measured(e), best=n == best) for n, e in entries.items()]
        row += [Cell(_ratio(entries[n], entries[BASELINE], about)) for n in ratios]
        rows.append(row)
        floors.append(
            floor_of([(floor or {}).get(key), *(e.get("floor") for e in entries.values())])
        )
    header = ["metric", *models, *(f"{name} / {BASELINE}" for name in ratios)]
    if set(floors) - {NONE}:
        header.append("floor")
        rows = [[*row, Cell(lowest)] for row, lowest in zip(rows, floors, strict=True)]
    return table_of(header, rows)


def _ratio(entry: Entry, base: Entry, about: Definition) -> str:
    """How many times the baseline's value; nothing where that says nothing."""
    value, reference = entry.get("value"), base.get("value")
    if not about.ratio or value is None or not reference:
        return NONE
    return f"{value / reference:.3g} x"
