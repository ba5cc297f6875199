"""The summary of an event set that a notebook shows, made without reading its hits."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from calovision.events.event_set import EventSet

_CHANNELS_SHOWN = 8  #: channels that are named; a cylinder has tens of layers
_SHOWN = 16  #: columns that are summarised; a set may have any number


def text(events: EventSet) -> str:
    """Counts, channels, classes and columns in aligned lines."""
    title, facts, rows = _facts(events)
    width = max([len(name) for name, *_ in rows], default=0)
    lines = [title, *(f"  {name}: {value}" for name, value in facts)]
    if rows:
        lines.append(f"  {'column':<{width}}  {'type':<8}{'min':>11}{'median':>11}{'max':>11}")
    for name, kind, *numbers in rows:
        cells = "".join(f"{_number(x):>11}" for x in numbers)
        lines.append(f"  {name:<{width}}  {kind:<8}{cells}".rstrip())
    return "\n".join(lines)


def html(events: EventSet) -> str:
    """The same as a table for a notebook."""
    title, facts, rows = _facts(events)
    head = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in facts)
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{kind}</td>"
        + "".join(f"<td>{_number(x)}</td>" for x in numbers)
        + "</tr>"
        for name, kind, *numbers in rows
    )
    names = "".join(f"<th>{h}</th>" for h in ("column", "type", "min", "median", "max"))
    return (
        f"<b>{escape(title)}</b><table>{head}</table>"
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    )


def shortened(names: list[str]) -> str:
    """Names in a row, of many the first and the last."""
    if len(names) <= _CHANNELS_SHOWN:
        return ", ".join(names)
    return f"{len(names)}: {', '.join(names[:2])}, ..., {names[-1]}"


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"


def _facts(events: EventSet) -> tuple[str, list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Title, named facts, and a row of numbers for each column."""
    geometry = events.geometry
    cells = (f"{c.block} x {c.block} pixels" if c.block > 1 else "" for c in geometry.channels)
    units = [
        f"{c.name} ({', '.join(filter(None, (c.unit, cell)))})"
        for c, cell in zip(geometry.channels, cells, strict=True)
    ]
    facts = [
        ("geometry", f"{geometry.name}, {geometry.rows} x {geometry.cols} pixels"),
        ("channels", shortened(units)),
        *events._details(),
    ]
    label = events.columns.get("label")
    if label is not None and label.ndim == 1:
        values, counts = np.unique(label, return_counts=True)
        classes = dict(enumerate(geometry.classes))
        listed = (f"{classes.get(v, v)} {n}" for v, n in zip(values, counts, strict=True))
        facts.append(("classes", ", ".join(listed)))
    rows = [
        (name, *_column(np.asarray(events.columns[name])))
        for name in list(events.columns)[:_SHOWN]
        if name != "label"
    ]
    more = len(events.columns) - _SHOWN
    if more > 0:
        rows.append((f"... and {more} more", ""))
    return f"{type(events).__name__}: {len(events)} events", facts, rows


def _column(values: NDArray[Any]) -> tuple[Any, ...]:
    """Type of a column and, where it is one number an event, least, median and largest."""
    kind = str(values.dtype)
    if values.ndim > 1:
        return (f"{kind}{list(values.shape[1:])}",)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(finite) or values.dtype.kind not in "iuf":
        return (kind,)
    return (kind, float(finite.min()), float(np.median(finite)), float(finite.max()))
