"""Parts of the reports of classifier studies: ROC, calibration, models, scaling.

Beside what every study has (see :mod:`calovision.reports.sources`) they draw::

    comparison.json     also "protocol": results of models trained as published
    scores.npz          label (n,), other columns (n,), and "score/MODEL": probability of class 1
    scaling.json        {"rows": [{"model", "jets", "auc": {"value", "error"}, "wall_s"}, ...]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calovision.reports.event_kinds import JETS, Things
from calovision.reports.glossary import meaning
from calovision.reports.html import Section
from calovision.reports.pages.common import upper
from calovision.reports.plots import classifier as figures
from calovision.reports.sources import Arrays, Source
from calovision.reports.tables import NONE, Cell, Table, with_error

#: metrics of the table of models, by names short enough for a phone
QUALITY = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "rejection_30": "rejection at 30 %",
    "rejection_50": "at 50 %",
    "ece": "ECE",
}
CLEAR = 2.0  #: standard deviations from which a difference is called one
Results = Mapping[str, Mapping[str, Any]]


def scores_of(source: Source) -> tuple[Arrays, Arrays]:
    """Scores by the models' shown names, in their order, and the other columns."""
    arrays = source.arrays("scores.npz")
    found = {k.removeprefix("score/"): arrays.pop(k) for k in list(arrays) if "/" in k}
    found = {source.names.get(k, k): v for k, v in found.items()}
    return {m: found[m] for m in source.models if m in found}, arrays


def measured(entry: Mapping[str, Any] | None) -> str:
    """A metric's value and error as text."""
    return with_error(entry.get("value"), entry.get("error")) if entry else NONE


def notes(models: Results, key: str, label: str) -> dict[str, str]:
    """What the legend says about every model that has a metric."""
    known = {m: r["metrics"].get(key) or {} for m, r in models.items()}
    return {
        m: f"{label} {entry['value']:.3f}"
        for m, entry in known.items()
        if entry.get("value") is not None
    }


def quality(source: Source, task: str, things: Things = JETS) -> Section:
    """AUC of all models, their table, and the differences between them."""
    drawn = []
    if len(source.models) > 1:
        figure = figures.auc_by_model(source.models)
        caption = f"AUC on the same test {things.many}. The error holds their statistics and the "
        drawn = [(figure, caption + "scatter of the seeds.")]
    tables = [quality_table(source.models)]
    if source.differences:
        tables.append(_differences(source.differences))
    text = (
        f"How well the models tell {task}. Errors are bootstraps over test {things.many} and "
        "the scatter of trainings with different seeds, in quadrature. Differences are taken on "
        f"the very same {things.many}, so what these have in common cancels, and small "
        "differences become visible. "
        "Seed spread: standard deviation of the AUC over trainings (number of them)."
    )
    if len(source.models) == 1:
        text = f"How well the model tells {task}. Errors are bootstraps over test {things.many}."
    return Section("Quality", text, drawn, tables, paired=False)


def quality_table(models: Results, caption: str = "") -> Table:
    """A row per model: the metrics of its quality and the spread of its seeds."""
    keys = [k for k in QUALITY if any(k in r["metrics"] for r in models.values())]
    seeded = any(len(_seeds(r)) > 1 for r in models.values())
    header = ["model", *(_heading(k, models) for k in keys)]
    best = {key: _best(models, key) for key in keys}
    rows = []
    for name, result in models.items():
        entries = {k: result["metrics"].get(k) for k in keys}
        row = [Cell(name)]
        row += [Cell(measured(entries[k]), best=best[k] == name) for k in keys]
        if seeded:
            row.append(_spread(_seeds(result)))
        rows.append(tuple(row))
    return Table((*header, *(["seed spread"] if seeded else [])), tuple(rows), caption)


def _heading(key: str, models: Results) -> str:
    entry = next(r["metrics"][key] for r in models.values() if key in r["metrics"])
    arrow = "↑" if entry.get("higher_is_better", True) else "↓"
    return f"{QUALITY[key]} {arrow}"


def _best(models: Results, key: str) -> str:
    """The model with the best value, empty where there is nothing to compare."""
    known = {m: r["metrics"][key] for m, r in models.items() if key in r["metrics"]}
    known = {m: e for m, e in known.items() if e.get("value") is not None}
    if len(known) < 2:
        return ""
    sign = 1 if next(iter(known.values())).get("higher_is_better", True) else -1
    return max(known, key=lambda m: sign * known[m]["value"])


def _seeds(result: Mapping[str, Any]) -> list[float]:
    return list(result.get("seeds", {}).get("auc", []))


def _spread(values: list[float]) -> Cell:
    """Standard deviation over seeds."""
    if len(values) < 2:
        return Cell(NONE)
    note = ", ".join(f"{v:.4f}" for v in values)
    return Cell(f"{np.std(values, ddof=1):.4f} ({len(values)})", note=note)


def _differences(rows: list[dict[str, Any]]) -> Table:
    """Differences in units of their errors; a clear one is marked."""
    metrics = {meaning(str(row["metric"])).title for row in rows}
    several = len(metrics) > 1
    cells = []
    for row in rows:
        known = row["value"] is not None and row["error"]
        sigma = row["value"] / row["error"] if known else float("nan")
        shown = f"{sigma:+.1f} sigma" if known else NONE
        cell = [Cell(f"{row['a']} - {row['b']}")]
        cell += [Cell(meaning(str(row["metric"])).title)] if several else []
        cell.append(Cell(with_error(row["value"], row["error"])))
        cells.append((*cell, Cell(shown, best=abs(sigma) > CLEAR)))
    header = ["difference", *(["metric"] if several else []), "value", "significance"]
    of = "" if several else f" of the {metrics.pop()}"
    caption = f"Paired differences{of}; marked beyond {CLEAR:g} sigma."
    return Table(tuple(header), tuple(cells), caption)


def roc(source: Source, text: str, things: Things = JETS) -> Section | None:
    """ROC curves of all models."""
    scores, columns = scores_of(source)
    if not scores:
        return None
    legend = notes(source.models, "auc", "AUC")
    figure = figures.roc_curves(scores, columns["label"], legend, things)
    caption = "Higher is better. Curves end where fewer than ten background events are left. "
    caption += "The grey lines are the efficiencies at which the rejection is quoted."
    return Section("ROC curves", text, [(figure, caption)], paired=False)


def scores_and_calibration(source: Source, things: Things = JETS) -> Section | None:
    """Score distributions of the classes and reliability diagrams."""
    scores, columns = scores_of(source)
    if not scores:
        return None
    label = columns["label"]
    legend = notes(source.models, "ece", "ECE")
    drawn = [
        (
            figures.score_distributions(scores, label, things),
            f"Scores of test {things.many}, class by class.",
        ),
        (
            figures.reliability(scores, label, legend, things),
            f"Reliability: the fraction of {things.of(1)} among {things.many} of like score, and "
            "below its distance from the score. ECE: expected calibration error.",
        ),
    ]
    text = (
        "The better the two classes separate, the better the tagger. Whether its score can be "
        "read as a probability is another question: "
        f"of the {things.many} with a score of 0.7, seven in ten should be {things.of(1)}. Scores "
        f"were calibrated on validation {things.many} alone."
    )
    return Section("Scores and calibration", text, drawn)


def cost(source: Source, descriptions: Mapping[str, str], things: Things = JETS) -> Section:
    """What every model is and what it costs."""
    rows = []
    for name, result in source.models.items():
        budget = result.get("budget", {})
        speed = result["metrics"].get(things.rate)
        wall = budget.get("wall_s")
        parameters = budget.get("parameters")
        rows.append(
            (
                Cell(name),
                Cell(f"{parameters:,}" if parameters else NONE),
                Cell(f"{wall / 60:.1f} min" if wall else NONE),
                Cell(_speed(speed)),
                Cell(str(budget.get("device", "")) or NONE),
            )
        )
    header = ("model", "parameters", "training time", f"speed [{things.many}/s]", "trained on")
    known = {
        name: descriptions[str(result["model"])]
        for name, result in source.models.items()
        if str(result["model"]) in descriptions
    }
    return Section("The models and their cost", tables=[Table(header, tuple(rows))], terms=known)


def _speed(entry: Mapping[str, Any] | None) -> str:
    """Events per second; whole numbers are enough."""
    if not entry or entry.get("value") is None:
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
        header = (*table.header, "published accuracy")
        last = [Cell(f"{value:.4f}" if value else NONE) for value in literature]
        pairs = zip(table.rows, last, strict=True)
        table = Table(header, tuple((*row, cell) for row, cell in pairs))
    caption = "AUC of models trained on all jets (circles) and on as few as published (squares)."
    shared = {m: r for m, r in source.models.items() if m in source.protocol}
    drawn = [(figures.auc_by_model(shared, source.protocol), caption)] if shared else []
    return Section("The published protocol", text, drawn, [table], paired=False)


def scaling(source: Source) -> Section | None:
    """AUC against the number of training jets."""
    rows = source.content("scaling.json", rows=("model", "jets", "auc")).get("rows", [])
    rows = [r for r in rows if r["auc"].get("value") is not None]
    if not rows:
        return None
    models = list(dict.fromkeys(r["model"] for r in rows))
    of = {(f"{r['jets']:,}", r["model"]): measured(r["auc"]) for r in rows}
    table = pivot(
        "training jets", [f"{n:,}" for n in sorted({r["jets"] for r in rows})], models, of
    )
    text = (
        "How much would more jets help? A curve that still rises asks for more data, a flat one "
        "for a better model."
    )
    caption = "AUC on the same test jets against the number of training jets (logarithmic)."
    figure = figures.scaling_curves(rows)
    return Section("More training jets", text, [(figure, caption)], [table], paired=False)


def pivot(
    corner: str,
    rows: Sequence[str],
    models: Sequence[str],
    cells: Mapping[tuple[str, str], str],
    caption: str = "",
) -> Table:
    """A table with a column per model; ``cells`` are by row and model."""
    body = tuple((Cell(r), *(Cell(cells.get((r, m), NONE)) for m in models)) for r in rows)
    return Table((corner, *models), body, caption)


def words(keys: list[str]) -> Section:
    """What the numbers of a page mean."""
    terms = {upper(meaning(k).label): meaning(k).explanation for k in keys}
    return Section("What the numbers mean", terms=terms)
