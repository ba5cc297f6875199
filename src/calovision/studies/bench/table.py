"""The speed table as text, for the terminal and for a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from calovision.errors import InputError
from calovision.utils.files import write_bytes

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEAD = ("first", "against", "cost of both", "ratio", "goal")
MODEL_HEAD = (
    "model",
    "device",
    "batch",
    "training steps/s",
    "waiting for data",
    "events/s in use",
    "memory, MB",
)
STEPS = {
    "pythia": "Pythia ({yield:.2f} accepted jets a collision)",
    "start": "Pythia's start, once per chunk of {jets:,} jets",
    "jets": "reading the records, clustering, matching",
    "detector": "detector with pile-up",
    "rest": "the rest, with the bytes of the shard",
}
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a row."""
    low, high = row["range"]
    spread = f" ({low:.3g} to {high:.3g})" if row["pairs"] > 1 else ""
    goal = "" if row["goal"] is None else f"{row['goal']['bound']} {row['goal']['value']:g}"
    if goal and not row["goal"]["met"]:
        goal += ", missed"
    what = "" if row["kind"] == "CPU time" else f", {row['kind']}"
    return row["first"] + what, row["second"], _costs(row), f"{row['ratio']:.3g}{spread}", goal


def _costs(row: Mapping[str, Any]) -> str:
    """Both costs, in the same unit."""
    if not row["unit"].startswith("s "):
        return f"{row['cost'][0]:,.0f} and {row['cost'][1]:,.0f} {row['unit']}"
    size, prefix = next((p for p in _PREFIXES if max(row["cost"]) >= p[0]), _PREFIXES[-1])
    first, second = (f"{cost / size:.3g}" for cost in row["cost"])
    return f"{first} and {second} {prefix}{row['unit']}"


def _models(models: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The cells of every model on every device it was measured on."""
    return [
        (
            name,
            device,
            str(of["batch"]),
            _rate(of["steps_per_s"]),
            f"{100 * of['data_wait']:.1f} %",
            _rate(of["events_per_s"]),
            f"{of['memory_mb']:,.0f}",
        )
        for name, places in models.items()
        for device, of in places.items()
    ]


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def text(rows: Mapping[str, Any]) -> str:
    """For people: every row, and why others are missing."""
    lines = []
    for name, row in rows.items():
        if "unavailable" in row:
            lines.append(f"{name:24s} not measured: {row['unavailable']}")
            continue
        first, second, costs, ratio, goal = _row(row)
        lines.append(f"{name:24s} {ratio}  {goal}\n{'':26s}{first} / {second}: {costs}")
    return "\n".join(lines)


def models_text(models: Mapping[str, Any]) -> str:
    """For people: every model on every device it was measured on."""
    return "\n".join(
        f"{name:32s} {device:8s} {learned} steps/s of {batch}, {wait} waiting for data;"
        f" {rate} events/s; {memory} MB"
        for name, device, batch, learned, wait, rate, memory in _models(models)
    )


def markdown(content: Mapping[str, Any]) -> str:
    """The table of a finished measurement, where it was made, and the steps of the simulation."""
    rows = {name: row for name, row in content["rows"].items() if "unavailable" not in row}
    models = _models(content.get("models", {}))
    lines = [*_table(MODEL_HEAD, models), ""] if models else []
    if not rows:
        return "\n".join(lines)
    where = sorted({f"{row['processor']}, {row['cores']} cores" for row in rows.values()})
    loads = [load for row in rows.values() for load in row["load"]]
    torch = sorted({row["versions"]["torch"] for row in rows.values()})
    lines += [
        *_table(HEAD, map(_row, rows.values())),
        "",
        f"Size `{content['size']}`; {'; '.join(where)}; torch {', '.join(torch)}. "
        f"Load average of the machine meanwhile: {min(loads):.1f} to {max(loads):.1f}.",
    ]
    if details := rows.get("simulate", {}).get("details"):
        ms = details["ms"]
        steps = [(title.format(**details), f"{ms[step]:.2f}") for step, title in STEPS.items()]
        total = sum(ms.values())
        steps.append(("together", f"{total:.2f}, that is {1e3 / total:.0f} jets/s"))
        lines += ["", *_table(("step of the simulation", "ms a jet"), steps)]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def fill(page: Path, content: Mapping[str, Any]) -> None:
    """Put the table between the markers of a page.

    Raises:
        InputError: the page cannot be read or written, or has no markers.
    """
    before, after = around_table(page)
    write_bytes(page, f"{before}{BEGIN}\n{markdown(content)}\n{END}{after}".encode())


def around_table(page: Path) -> tuple[str, str]:
    """What stands on a page before and after the table.

    Raises:
        InputError: the page cannot be read, or has no markers.
    """
    try:
        given = page.read_text()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{page} cannot be read", "give a Markdown page") from None
    before, begin, rest = given.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{page} has no place for the table", f"add lines {BEGIN} and {END}")
    return before, after
