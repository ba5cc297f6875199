"""Results that others have published of benchmarks, and the place of a new one among them.

The numbers are in ``published.yaml``, with their source and the number of events that they were
measured with. A judge that learns from fewer finds less, so that a place is only worth what the
number of events is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from calovision.metrics.definitions import definition
from calovision.utils.plain_yaml import mapping_of

OWN = "this comparison"  #: name of the new row
#: metrics that may be published, the first that was measured orders the rows
COMPARED = (
    "classifier_auc_challenge_dense",
    "classifier_auc_challenge_high_level",
    "classifier_auc_challenge_cnn",
    "fpd",
    "kpd",
)
_NARROW = 12  #: characters of a column


@cache
def tables() -> dict[str, Any]:
    """Of every benchmark, by the name of its geometry: ``source``, ``events``, ``rows``."""
    file = resources.files("calovision.evaluation").joinpath("published.yaml")
    return mapping_of(file.read_text())


def placed(
    geometry: str, metrics: Mapping[str, Mapping[str, Any]], events: int
) -> dict[str, Any] | None:
    """Published results of events of a geometry, with a new one in its place.

    Args:
        geometry: its name.
        metrics: of the new result, by key, with ``value`` and ``error``.
        events: of each sample that it was measured with.

    Returns:
        ``source``, ``events`` (of a published sample), ``compared`` (of the new one), ``by`` (the
        metric that orders the rows), and ``rows``, the best first: each has a ``name`` and, by
        metric, ``[value, error]``. ``None`` where nothing is published, or none of its metrics was
        measured.

    Example:
        >>> found = placed("calochallenge-2", {"fpd": {"value": 0.05, "error": 0.001}}, 9000)
        >>> [row["name"] for row in found["rows"][:4]]
        ['Geant4 (the floor)', 'CaloDREAM', 'this comparison', 'CaloScore']
    """
    mine = [key for key in COMPARED if key in metrics]
    table = tables().get(geometry)
    if table is None or not mine:
        return None
    own = {"name": OWN, **{k: [metrics[k]["value"], metrics[k]["error"]] for k in mine}}
    by = next((key for key in mine if any(key in row for row in table["rows"])), "")
    if not by:
        return None
    rows = sorted([*table["rows"], own], key=lambda row: row.get(by, [float("inf")])[0])
    known = {key: table[key] for key in ("source", "events")}
    return {**known, "compared": events, "by": by, "rows": rows}


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """The rows of :func:`placed` as aligned lines, the new one marked."""
    rows = found["rows"]
    keys = [key for key in COMPARED if any(key in row for row in rows)]
    width = max(len(row["name"]) for row in rows) + 2
    heads = [short(key) for key in keys]
    lines = [f"published ({found['source']}), {found['events']:,} showers of each kind:"]
    lines.append(" " * width + "".join(f"{head:>{max(_NARROW, len(head) + 2)}}" for head in heads))
    for row in rows:
        mark = "> " if row["name"] == OWN else "  "
        cells = (f"{row[k][0]:.4g}" if k in row else "-" for k in keys)
        padded = (
            f"{cell:>{max(_NARROW, len(head) + 2)}}"
            for cell, head in zip(cells, heads, strict=True)
        )
        lines.append(f"{mark + row['name']:<{width}}" + "".join(padded))
    if found["compared"] < found["events"] / 2:
        lines.append(
            f"{OWN} has {found['compared']:,} of each: with fewer events judges find less and FPD"
            f" is larger; for the place among the published ones give {found['events']:,}"
        )
    return lines


def short(key: str) -> str:
    """Head of a column: ``AUC dense``, ``FPD``."""
    if key.startswith("classifier_auc_challenge_"):
        return f"AUC {key.removeprefix('classifier_auc_challenge_').replace('_', '-')}"
    return key.upper() if len(key) == 3 else definition(key).label
