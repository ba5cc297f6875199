"""Tables of the report of jet generation: distances with floors, classes, responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from calovision.metrics.definitions import channel_title, grouped
from calovision.metrics.groups import DISTRIBUTIONS
from calovision.reports.pages.common import observable_title
from calovision.reports.plots.generation import KINDS
from calovision.reports.sources import Source
from calovision.reports.tables import (
    NONE,
    Cell,
    Table,
    floor_of,
    measured,
    metric_table,
    pivot,
    table_of,
    with_error,
)

Metrics = Mapping[str, Mapping[str, Any]]
#: what stands first in a condition's name, in words
CONDITIONS = {"pt": "jet pT", "m0": "jet mass", "gen_pt": "true jet pT", "gen_m0": "true jet mass"}


def _distances(models: Iterable[Metrics]) -> list[str]:
    """Keys of all distances of distributions that a model has."""
    return grouped(dict.fromkeys(k for m in models for k in m)).get(DISTRIBUTIONS, [])


def ratios(models: Mapping[str, Metrics], floor: Mapping[str, float]) -> list[dict[str, Any]]:
    """W1s over their floors, model by model.

    Args:
        models: name shown to metrics.
        floor: metric to a floor, for metrics that carry none.

    Returns:
        rows of ``name`` (observable), ``model``, ``ratio``, ``error``.
    """
    rows = []
    for key in _distances(models.values()):
        for model, metrics in models.items():
            entry = metrics.get(key) or {}
            lowest = _floor(entry, floor.get(key))
            if entry.get("value") is not None and lowest:
                error = (entry.get("error") or 0.0) / lowest
                row = {"name": key.removeprefix("w1_"), "model": model}
                rows.append(row | {"ratio": entry["value"] / lowest, "error": error})
    return rows


def _floor(entry: Mapping[str, Any], other: float | None) -> float | None:
    """The floor that a metric carries, or another."""
    return entry["floor"] if entry.get("floor") is not None else other


def distance_table(source: Source) -> Table:
    """A row per observable: the floor, and of every model W1 and W1 over the model's own floor."""
    metrics = {name: result["metrics"] for name, result in source.models.items()}
    found = {(r["name"], r["model"]): f"{r['ratio']:.3g}" for r in ratios(metrics, source.floor)}
    first = next(iter(metrics.values()))
    rows = []
    for key in _distances(metrics.values()):
        name = key.removeprefix("w1_")
        unit = next(m[key].get("unit", "") for m in metrics.values() if key in m)
        title = observable_title(name) + (f" [{unit}]" if unit else "")
        row: list[str | Cell] = [
            Cell(title, note=key),
            floor_of([_floor(first.get(key, {}), source.floor.get(key))]),
        ]
        for model, own in metrics.items():
            row += [measured(own.get(key)), found.get((name, model), NONE)]
        rows.append(row)
    header = ("W1 ↓", "floor", *(text for m in metrics for text in (m, "/ floor")))
    return table_of(header, rows)


def class_tables(source: Source) -> list[Table]:
    """AUC of trees and W1 over floor, for each class of each model that has them."""
    found = {
        f"{model}, {name}": metrics
        for model, result in source.models.items()
        for name, metrics in (result.get("classes") or {}).items()
    }
    if not found:
        return []
    tables = []
    if any("classifier_auc" in m for m in found.values()):
        shown = {name: {"metrics": m} for name, m in found.items()}
        tables.append(metric_table(shown, ["classifier_auc"]))
    rows = ratios(found, {})
    cells = {(observable_title(r["name"]), r["model"]): f"{r['ratio']:.3g}" for r in rows}
    if cells:
        names = dict.fromkeys(name for name, _ in cells)
        tables.append(pivot("W1 / floor of the class ↓", names, found, cells))
    return tables


def response_table(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[Table, list[dict[str, Any]], dict[str, str]]:
    """Generated over simulated mean: a row per condition, a column per observable.

    Args:
        rows: each with ``condition``, ``observable``, ``simulated`` and ``generated`` (value and
            error), and perhaps ``unit``.

    Returns:
        the table, whose cells tell the means on hover; ``condition``, ``observable``, ``ratio``
        and ``error`` of every row with a ratio; and conditions to the labels shown.
    """
    names = {str(r["condition"]): condition(str(r["condition"])) for r in rows}
    kinds = list(dict.fromkeys(str(r["observable"]) for r in rows))
    points, cells = [], {}
    for row in rows:
        true, own = row["simulated"], row["generated"]
        ratio, error = quotient(own, true)
        place = {"condition": str(row["condition"]), "observable": str(row["observable"])}
        if ratio is not None:
            points.append(place | {"ratio": ratio, "error": error})
        note = f"simulated {measured(true)}, generated {measured(own)} {row.get('unit', '')}"
        cells[names[place["condition"]], short_name(place["observable"])] = Cell(
            with_error(ratio, error), note=note.strip()
        )
    columns = [short_name(k) for k in kinds]
    table = pivot("generated / simulated", names.values(), columns, cells, "Ratios of means.")
    return table, points, names


def quotient(
    numerator: Mapping[str, Any], denominator: Mapping[str, Any]
) -> tuple[float | None, float]:
    """Ratio of two independent measurements and its error; none if it is not defined."""
    over, under = numerator.get("value"), denominator.get("value")
    if over is None or not under:
        return None, 0.0
    errors = (numerator.get("error") or 0.0), over / under * (denominator.get("error") or 0.0)
    return over / under, float(np.hypot(*errors) / abs(under))


def short_name(key: str) -> str:
    """Hits or energy of a channel, such as ``ECAL hits``; other observables by their names."""
    for kind, title in KINDS.items():
        if key.startswith(f"{kind}_"):
            return f"{channel_title(key.removeprefix(f'{kind}_'))} {title}"
    return observable_title(key)


def condition(name: str) -> str:
    """A condition in words: ``true jet pT 94 to 120 GeV``, or of a class ``gluon jets``."""
    first, space, rest = name.partition(" ")
    return f"{CONDITIONS.get(first, first)} {rest}" if space else f"{name} jets"
