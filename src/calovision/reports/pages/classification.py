"""Parts of the reports of classifier studies: ROC, calibration, models, scaling.

Beside what every study has (see :mod:`calovision.reports.sources`) they draw::

    comparison.json     also "protocol": results of models trained as published
    scores.npz          label (n,), other columns (n,), and "score/MODEL": probability of class 1
    scaling.json        {"rows": [{"model", "jets", "auc": {"value", "error"}, "wall_s"}, ...]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calovision.metrics.classification import QUALITY
from calovision.metrics.definitions import definition
from calovision.reports.html import Section
from calovision.reports.plots import classifier as figures
from calovision.reports.sources import Arrays, Source
from calovision.reports.tables import (
    NONE,
    Cell,
    Table,
    best_of,
    measured,
    pivot,
    table_of,
    with_error,
)

CLEAR = 2.0  #: standard deviations from which a difference is called one
Results = Mapping[str, Mapping[str, Any]]


def scores_of(source: Source) -> tuple[Arrays, Arrays]:
    """Scores by the models' shown names, in their order, and the other columns."""
    arrays = source.arrays("scores.npz")
    found = {k.removeprefix("score/"): arrays.pop(k) for k in list(arrays) if "/" in k}
    found = {source.names.get(k, k): v for k, v in found.items()}
    return {m: found[m] for m in source.models if m in found}, arrays


def notes(models: Results, key: str) -> dict[str, str]:
    """What the legend says about every model that has a metric."""
    known = {m: r["metrics"].get(key) or {} for m, r in models.items()}
    return {
        m: f"{definition(key).short} {entry['value']:.3f}"
        for m, entry in known.items()
        if entry.get("value") is not None
    }


def quality(source: Source) -> Section:
    """AUC of all models, their table, and the differences between them."""
    kind, drawn = source.kind, []
    if len(source.models) > 1:
        caption = (
            f"AUC on the same test {kind.many}. The error holds their statistics and the scatter "
            "of the seeds."
        )
        drawn = [(figures.auc_by_model(source.models), caption)]
    tables = [quality_table(source.models)]
    if source.differences:
        tables.append(_differences(source.differences))
    task = f"{kind.of(1)} (signal) from {kind.of(0)} (background)"
    text = (
        f"How well the models tell {task}. Errors are bootstraps over test {kind.many} and "
        "the scatter of trainings with different seeds, in quadrature. Differences are taken on "
        f"the very same {kind.many}, so what these have in common cancels, and small "
        "differences become visible. "
        "Seed spread: standard deviation of the AUC over trainings (number of them)."
    )
    if len(source.models) == 1:
        text = f"How well the model tells {task}. Errors are bootstraps over test {kind.many}."
    for name, result in source.models.items():
        if number := result.get("begun_with"):
            text += (
                f" {name.capitalize()} begins with the model that comes with the package, which "
                f"{number:,} training {kind.many} have taught, and is fine-tuned on those of this "
                "study, which are too few for a network that begins from nothing."
            )
    return Section("Quality", text, drawn, tables)


def quality_table(models: Results) -> Table:
    """A row per model: the metrics of its quality and the spread of its seeds."""
    columns = {}
    header = ["model"]
    for key in QUALITY:
        entries = {m: r["metrics"][key] for m, r in models.items() if key in r["metrics"]}
        if entries:
            about = definition(key)
            header.append(f"{about.short} {about.arrow}")
            columns[key] = entries, best_of(entries, about)
    seeds = {m: list(r.get("seeds", {}).get("auc", [])) for m, r in models.items()}
    seeded = any(len(values) > 1 for values in seeds.values())
    rows = []
    for name in models:
        row: list[str | Cell] = [name]
        row += (Cell(measured(e.get(name)), best=b == name) for e, b in columns.values())
        rows.append([*row, _spread(seeds[name])] if seeded else row)
    return table_of([*header, *(["seed spread"] if seeded else [])], rows)


def _spread(values: list[float]) -> Cell:
    """Standard deviation over seeds."""
    if len(values) < 2:
        return Cell(NONE)
    note = ", ".join(f"{v:.4f}" for v in values)
    return Cell(f"{np.std(values, ddof=1):.4f} ({len(values)})", note=note)


def _differences(rows: list[dict[str, Any]]) -> Table:
    """Differences in units of their errors; a clear one is marked."""
    titles = [definition(str(row["metric"])).title for row in rows]
    several = len(set(titles)) > 1
    cells: list[list[str | Cell]] = []
    for row, title in zip(rows, titles, strict=True):
        known = row["value"] is not None and row["error"]
        sigma = row["value"] / row["error"] if known else float("nan")
        shown = Cell(f"{sigma:+.1f} sigma" if known else NONE, best=abs(sigma) > CLEAR)
        name = [f"{row['a']} - {row['b']}", *([title] if several else [])]
        cells.append([*name, with_error(row["value"], row["error"]), shown])
    header = ["difference", *(["metric"] if several else []), "value", "significance"]
    of = "" if several else f" of the {titles[0]}"
    return table_of(header, cells, f"Paired differences{of}; marked beyond {CLEAR:g} sigma.")


def score_sections(source: Source) -> list[Section]:
    """ROC curves of all models, score distributions of the classes and reliability diagrams."""
    scores, columns = scores_of(source)
    if not scores:
        return []
    kind, label = source.kind, columns["label"]
    background, signal = kind.of(0), kind.of(1)
    text = (
        f"Every cut on the score keeps some of the {signal} (efficiency) and throws away most of "
        f"the {background}: of so many {background} one is kept (rejection). A curve shows all "
        "cuts of a model."
    )
    caption = (
        "Higher is better. Curves end where fewer than ten background events are left. The grey "
        "lines are the efficiencies at which the rejection is quoted."
    )
    figure = figures.roc_curves(scores, label, kind, notes(source.models, "auc"))
    roc = Section("ROC curves", text, [(figure, caption)])
    drawn = [
        (
            figures.score_distributions(scores, label, kind),
            f"Scores of test {kind.many}, class by class.",
        ),
        (
            figures.reliability(scores, label, kind, notes(source.models, "ece")),
            f"Reliability: the fraction of {signal} among {kind.many} of like score, and "
            "below its distance from the score. ECE: expected calibration error.",
        ),
    ]
    text = (
        "The better the two classes separate, the better the tagger. Whether its score can be "
        "read as a probability is another question: "
        f"of the {kind.many} with a score of 0.7, seven in ten should be {signal}. Scores "
        f"were calibrated on validation {kind.many} alone."
    )
    return [roc, Section("Scores and calibration", text, drawn)]


def cost(source: Source) -> Section:
    """What every model is and what it costs."""
    rows, known = [], {}
    for name, result in source.models.items():
        budget, about = result.get("budget", {}), result.get("about")
        parameters, wall = budget.get("parameters"), budget.get("wall_s")
        rows.append(
            (
                name,
                f"{parameters:,}" if parameters else NONE,
                f"{wall / 60:.1f} min" if wall else NONE,
                _speed(result["metrics"].get(source.kind.rate, {})),
                str(budget.get("device", "")) or NONE,
            )
        )
        if about:
            known[name] = str(about)
    speed = f"speed [{source.kind.many}/s]"
    header = ("model", "parameters", "training time", speed, "trained on")
    return Section("The models and their cost", tables=[table_of(header, rows)], terms=known)


def _speed(entry: Mapping[str, Any]) -> str:
    """Events per second; whole numbers are enough."""
    if entry.get("value") is None:
        return NONE
    error = entry.get("error")
    return f"{entry['value']:,.0f}" + (f" ± {error:,.0f}" if error else "")


def protocol(source: Source, published: Mapping[str, float], text: str) -> Section | None:
    """The same models trained as published, beside what was published."""
    if not source.protocol:
        return None
    table = quality_table(source.protocol)
    raw = {shown: model for model, shown in source.names.items()}
    literature = [published.get(raw.get(name, name)) for name in source.protocol]
    if any(literature):
        last = [Cell(f"{value:.4f}" if value else NONE) for value in literature]
        pairs = zip(table.rows, last, strict=True)
        table = table_of((*table.header, "published accuracy"), ((*r, cell) for r, cell in pairs))
    caption = "AUC of models trained on all jets (circles) and on as few as published (squares)."
    shared = {m: r for m, r in source.models.items() if m in source.protocol}
    drawn = [(figures.auc_by_model(shared, source.protocol), caption)] if shared else []
    return Section("The published protocol", text, drawn, [table])


def scaling(source: Source) -> Section | None:
    """AUC against the number of training jets."""
    rows = source.content("scaling.json", rows=("model", "jets", "auc"))["rows"]
    rows = [r for r in rows if r["auc"].get("value") is not None]
    if not rows:
        return None
    sizes = [f"{n:,}" for n in sorted({r["jets"] for r in rows})]
    cells = {(f"{r['jets']:,}", r["model"]): measured(r["auc"]) for r in rows}
    table = pivot("training jets", sizes, dict.fromkeys(r["model"] for r in rows), cells)
    text = (
        "How much would more jets help? A curve that still rises asks for more data, a flat one "
        "for a better model."
    )
    caption = "AUC on the same test jets against the number of training jets (logarithmic)."
    return Section("More training jets", text, [(figures.scaling_curves(rows), caption)], [table])
