"""What the judges say: a table of them, and how their AUC grows with the events they learn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calovision.metrics.definitions import definition
from calovision.reports.html import Section
from calovision.reports.plots.classifier import judge_curves
from calovision.reports.sources import Source
from calovision.reports.tables import Cell, measured, table_of

TEXT = (
    "Each judge is a classifier, trained to tell the two samples apart and tested on events that "
    "it has not seen; none knows how they were made. The strictest, with the largest AUC, counts: "
    "the others have not seen what gives the events away. The last column is what the same judges "
    "say of simulated events in the place of the others, 0.5 but for chance."
)


def judges(source: Source) -> Section | None:
    """A table of the judges, and a figure of each model's, if any were asked."""
    found = {model: _opinions(result) for model, result in source.models.items()}
    found = {model: opinions for model, opinions in found.items() if opinions}
    if not found:
        return None
    keys = dict.fromkeys(key for opinions in found.values() for key in opinions)
    rows = []
    for key in keys:
        about = definition(key)
        row = [Cell(about.title, note=about.text)]
        for opinions in found.values():
            entry = opinions.get(key)
            largest = max(opinions.values(), key=lambda o: float(o["auc"]["value"]))
            note = "the strictest" if entry is largest else ""
            row.append(Cell(measured(entry and entry["auc"]), best=bool(note), note=note))
        truth = next(o[key]["truth"]["auc"] for o in found.values() if key in o)
        rows.append([*row, Cell(measured(truth))])
    header = ("judge; the strictest in bold", *found, "truth against truth")
    drawn = [
        (
            judge_curves([(definition(k).label, o) for k, o in opinions.items()]),
            f"AUC of the judges of {model} against the events that they learned from, of both "
            "samples together; dashed, truth against truth.",
        )
        for model, opinions in found.items()
    ]
    return Section("What each judge says", TEXT, drawn, [table_of(header, rows)])


def _opinions(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Metric to the opinion of its judge, of those that are whole."""
    judges = result.get("judges")
    entries = list(judges.values()) if isinstance(judges, dict) else []
    return {str(entry["metric"]): entry for entry in entries if _is_whole(entry)}


def _is_whole(entry: Any) -> bool:
    try:
        points = list(entry["curve"])
        values = [entry["auc"], entry["truth"]["auc"], *(p["auc"] for p in points)]
        [float(v[key]) for v in values for key in ("value", "error")]
        return all(p["events"] > 0 for p in points) and isinstance(entry["metric"], str)
    except (KeyError, TypeError, ValueError):
        return False
