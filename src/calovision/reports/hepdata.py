"""The numbers of reports as a HEPData submission: YAML tables that can be uploaded as they are.

Format: https://hepdata-submission.readthedocs.io
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from calovision.errors import InputError
from calovision.metrics.definitions import definition, grouped
from calovision.reports.sources import Source, read_source
from calovision.utils.files import occupied, write_bytes, writing

EFFICIENCIES = np.linspace(0.05, 1, 20)  #: of the signal, at which rejections are told
LABEL = "stat,bootstrap"  #: of the errors
Content = dict[str, Any]


def submission(paths: Sequence[Path], out: Path) -> Path:
    """Write a submission about studies or runs: ``submission.yaml`` and a file for every table.

    Args:
        paths: folders of studies or evaluated runs.
        out: new or empty folder.

    Returns:
        ``out``.

    Raises:
        InputError: a folder without results, or ``out`` is not empty.
    """
    if occupied(out):
        raise InputError(f"{out} is not empty", "choose a new folder")
    sources = [read_source(Path(path)) for path in paths]
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    about: list[Content] = [{"comment": "\n".join(map(_comment, sources))}]
    for number, source in enumerate(sources, 1):
        prefix = f"{number}, {source.path.name}: " if len(sources) > 1 else ""
        for title, text, table in (*_metrics(source), *_rejections(source)):
            file = f"table{len(about)}.yaml"
            write_bytes(out / file, _dumped(table))
            about.append(
                {
                    "name": f"{prefix}{title}"[:64],
                    "description": text,
                    "keywords": [{"name": "phrases", "values": ["Machine Learning", source.name]}],
                    "data_file": file,
                }
            )
    write_bytes(out / "submission.yaml", b"---\n".join(map(_dumped, about)))
    return out


def _comment(source: Source) -> str:
    first = next(iter(source.models.values()))
    data = first.get("data", {})
    made = ", ".join(f"{k} {v}" for k, v in first.get("versions", {}).items())
    return f"{source.name}: {data.get('events')} events, set {data.get('hash')}; made with {made}."


def _metrics(source: Source) -> Iterator[tuple[str, str, Content]]:
    """A table for every group of metrics: rows are metrics, columns are models."""
    available = dict.fromkeys(k for r in source.models.values() for k in r["metrics"])
    for group, keys in grouped(available).items():
        names, texts = [], []
        for key in keys:
            entry = next(r["metrics"][key] for r in source.models.values() if key in r["metrics"])
            known, unit = definition(key, entry), entry.get("unit")
            names.append(f"{known.title} [{unit}]" if unit else known.title)
            texts.append(f"{known.title}: {known.text}")
        columns = [
            _column(name, [_value(r["metrics"].get(key)) for key in keys])
            for name, r in source.models.items()
        ]
        title = "Other numbers" if group is None else group.title
        yield title, " ".join(texts), _table("Metric", [{"value": name} for name in names], columns)


def _rejections(source: Source) -> Iterator[tuple[str, str, Content]]:
    """Background rejection at efficiencies of the signal, of classifiers whose scores are kept."""
    from sklearn.metrics import roc_curve

    arrays = source.arrays("scores.npz")
    names = {f"score/{k}": shown for k, shown in source.names.items()}
    columns = []
    for key, shown in names.items():
        if key in arrays:
            false, true, _ = roc_curve(arrays["label"], arrays[key])
            kept = np.interp(EFFICIENCIES, true, false)
            values = [{"value": float(1 / k) if k else "-"} for k in kept]
            columns.append(_column(shown, values))
    if columns:
        points = [{"value": float(round(e, 2))} for e in EFFICIENCIES]
        kind = source.kind
        text = f"1 / share of {kind.of(0)} that a cut keeps, for its share of {kind.of(1)}."
        yield "Background rejection", text, _table(f"{kind.of(1)} efficiency", points, columns)


def _table(name: str, rows: list[Content], columns: list[Content]) -> Content:
    return {"independent_variables": [_column(name, rows)], "dependent_variables": columns}


def _column(name: str, values: list[Content]) -> Content:
    return {"header": {"name": name}, "values": values}


def _value(entry: Content | None) -> Content:
    """A value and its error; HEPData writes what is missing as a dash."""
    if entry is None or entry.get("value") is None:
        return {"value": "-"}
    found: Content = {"value": float(entry["value"])}
    if entry.get("error"):
        found["errors"] = [{"symerror": float(entry["error"]), "label": LABEL}]
    return found


def _dumped(content: Content) -> bytes:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100).encode()
