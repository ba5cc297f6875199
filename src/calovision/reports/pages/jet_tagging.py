"""The report of quark/gluon tagging: a study, or one evaluated run.

Beside what every study and every classifier has (see :mod:`calovision.reports.sources` and
:mod:`calovision.reports.pages.classification`) it draws::

    scores.npz          also m0 (n,) GeV
    robustness.json     "rows": condition, model, jets, auc, change, flagged (share of the jets);
                        "pt_bins": model, lo, hi (GeV), auc; "sculpting": model, value, error, floor
    explanation.json    "occlusion": channels, edges (rad), and channels x rings of the logit:
                        change (mean absolute), signed (mean of with minus without the hits);
                        "observables": name, spearman, importance, auc; "r2"
    examples/original   jets, with examples/scores.json: {"score": [...]} in the same order
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.metrics.classification import QUALITY
from calovision.metrics.sculpting import threshold
from calovision.reports.html import Section
from calovision.reports.pages import classification
from calovision.reports.pages.common import (
    Study,
    curves,
    explanations,
    measured_keys,
    observable_title,
    other_numbers,
)
from calovision.reports.plots import general as figures
from calovision.reports.plots import tagging as drawings
from calovision.reports.plots.images import colours_in_words
from calovision.reports.sources import ORIGINAL, OURS, Source
from calovision.reports.tables import BASELINE, NONE, floor_of, measured, pivot, table_of
from calovision.reports.view import frame

EXAMPLES_SHOWN = 12  #: jets drawn
#: test accuracies published for CMS Open Data jets, which ours are not
PUBLISHED = {"baseline": 0.7138, "baseline-k4": 0.7121, "baseline-k2": 0.7198}
_PROTOCOL = (
    "The published networks were trained on 8,000 jets. Here every model is trained on as few, so "
    "that only the method differs. The last column is what was published on jets of the CMS Open "
    "Data, which are not the simulated jets of this study: compare it with care."
)


def _parts(source: Source) -> Iterator[Section | None]:
    explanation = source.content("explanation.json", observables=("name", "spearman", "importance"))
    robustness = source.content(
        "robustness.json",
        rows=("condition", "model", "auc"),
        pt_bins=("model", "lo", "hi", "auc"),
        sculpting=("model", "value", "error"),
    )
    yield classification.quality(source)
    yield from classification.score_sections(source)
    yield _examples(source)
    yield classification.cost(source)
    yield classification.protocol(source, PUBLISHED, _PROTOCOL)
    yield classification.scaling(source)
    yield _conditions(robustness["rows"])
    yield _momentum(robustness["pt_bins"])
    yield _sculpting(source, robustness["sculpting"])
    yield _occlusion(source, explanation.get("occlusion"))
    yield _observables(source, explanation)
    yield curves(source)
    yield from other_numbers(source)
    keys = measured_keys(source, (*QUALITY, "jets_per_s"))
    keys += ["out_of_distribution"] if robustness["rows"] else []
    keys += ["sculpting"] if robustness["sculpting"] else []
    keys += ["occlusion"] if explanation.get("occlusion") else []
    keys += ["spearman", "r2", "importance"] if explanation["observables"] else []
    yield explanations(keys)


def _examples(source: Source) -> Section | None:
    original = source.examples.get(ORIGINAL)
    scores = source.content("examples/scores.json").get("score")
    if original is None or not scores:
        return None
    if len(scores) != len(original):
        raise InputError(
            f"{len(scores)} scores for {len(original)} jets in {source.path / 'examples'}",
            "run the study again",
        )
    chosen = slice(0, EXAMPLES_SHOWN)
    figure = drawings.scored_examples(original[chosen], scores[chosen])
    ours = OURS if OURS in source.models else next(iter(source.models))
    text = (
        f"Test jets with their true class and the probability of {source.geometry.classes[1]} "
        f"given by {ours}; ✓ right, ✗ wrong at a cut of 0.5. "
        f"{colours_in_words(original.geometry)}; brightness is the logarithm of the energy, for "
        "each layer of each jet from its faintest to its brightest pixel."
    )
    columns = {**original.columns, "probability": np.array(scores, np.float32)}
    widget = frame("Test jets, one by one", {"jet": replace(original, columns=columns)})
    drawn = [(figure, "Test jets and their scores.")]
    return Section("Example jets", text, drawn, widget=widget)


def _conditions(rows: list[dict[str, Any]]) -> Section | None:
    if not rows:
        return None
    conditions, models = (
        dict.fromkeys(str(r[key]) for r in rows) for key in ("condition", "model")
    )
    shown: dict[str, Callable[[dict[str, Any]], str]] = {
        "AUC": lambda r: measured(r["auc"]),
        "change of the AUC": lambda r: _change(r.get("change")),
        "out of domain": lambda r: _percent(r.get("flagged")),
    }
    tables = []
    for title, cell in shown.items():
        cells = {(str(r["condition"]), str(r["model"])): cell(r) for r in rows}
        tables.append(pivot(title, conditions, models, cells))
    text = (
        "A detector is never quite as simulated. The same trained models score jets under other "
        "conditions; the change is taken against nominal jets. A model should either keep its "
        "quality or report the jets as out of domain: silently scoring jets it cannot know is the "
        "failure to look for."
    )
    caption = "Change of the AUC, and share of jets reported as out of domain."
    drawn = [(drawings.condition_bars(rows), caption)]
    return Section("Other detectors, other jets", text, drawn, tables)


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


def _change(entry: dict[str, Any] | None) -> str:
    """A difference with its sign."""
    if not entry or entry.get("value") is None:
        return NONE
    return f"{'+' if entry['value'] > 0 else ''}{measured(entry)}"


def _momentum(rows: list[dict[str, Any]]) -> Section | None:
    if not rows:
        return None
    text = (
        "Harder jets have more particles, which makes kinds of jets easier to tell apart; a model "
        "that has seen few of them may still do worse there."
    )
    figure = drawings.auc_against(rows, label="jet pT", unit="GeV")
    caption = "AUC among jets of like transverse momentum; horizontal bars are the bins."
    return Section("Quality against momentum", text, [(figure, caption)])


def _sculpting(source: Source, rows: list[dict[str, Any]]) -> Section | None:
    scores, columns = classification.scores_of(source)
    background, signal = source.kind.of(0), source.kind.of(1)
    drawn = []
    if scores and "m0" in columns:
        label, mass = columns["label"], np.asarray(columns["m0"])
        samples = {f"all {background}": mass[label == 0]}
        for model in [m for m in (OURS, BASELINE) if m in scores] or list(scores)[:1]:
            passes = scores[model] >= threshold(scores[model], label)
            samples[model] = mass[passes & (label == 0)]
        figure = figures.distribution(
            samples, label="jet mass m0", unit="GeV", headroom=2.4, ratios=(0, 3)
        )
        caption = (
            f"Mass of {background}: all of them (shaded), and those left by a cut that keeps half "
            f"of the {signal}. Below: ratio to all."
        )
        drawn = [(figure, caption)]
    if not drawn and not rows:
        return None
    text = (
        f"Where the masses of {signal} and {background} differ, every good tagger selects by mass, "
        f"too. How much it bends the mass spectrum of the {background} it lets through matters to "
        "a search for a bump in that spectrum."
    )
    header = ("model", "divergence [bit] ↓", "cut at random")
    table = table_of(header, [(r["model"], measured(r), floor_of([r.get("floor")])) for r in rows])
    return Section("Mass sculpting", text, drawn, [table] if rows else [])


def _occlusion(source: Source, found: dict[str, Any] | None) -> Section | None:
    if not found:
        return None
    background, signal = source.geometry.classes
    try:
        signed = np.array(found["signed"], float) if found.get("signed") else None
        change = np.array(found["change"], float)
        figure = drawings.occlusion_map(found["channels"], found["edges"], change, signed, signal)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            "explanation.json has no readable occlusion map", "run the study again"
        ) from error
    text = (
        "Hits of one layer and one ring around the centre of the window (the hottest tower) are "
        "taken away, and the jet is scored again. Above: how much the score moves, whichever way "
        "(in units of the logit). Below: what the hits contributed, the score with them minus the "
        f"score without; blue hits speak for {signal} jets, red ones for {background} jets."
    )
    caption = "Change of the score without the hits of a layer (row) and ring (column)."
    return Section("Which hits drive the score", text, [(figure, caption)])


def _observables(source: Source, explanation: dict[str, Any]) -> Section | None:
    rows = explanation["observables"]
    if not rows:
        return None
    names = {row["name"]: observable_title(row["name"]) for row in rows}
    ranked = sorted(rows, key=lambda r: r["importance"], reverse=True)[: drawings.LEADING]
    cells = [
        (
            names[row["name"]],
            measured(row["spearman"]),
            f"{row['importance']:.3f}",
            _power(row.get("auc")),
        )
        for row in ranked
    ]
    r2 = explanation.get("r2", {})
    text = (
        "Observables that physicists tell kinds of jets by, ranked by how much a prediction of "
        "the score by boosted trees rests on them."
    )
    if r2.get("value") is not None:
        text += (
            f" Together they explain a share R² = {measured(r2)} of the score's "
            "scatter; the rest the model has found beside them."
        )
    caption = (
        f"Left: blue means that larger values look more like {source.kind.of(1)}. Right: "
        "importance."
    )
    drawn = [(drawings.observable_ranking(rows, names), caption)]
    table = table_of(("observable", "correlation", "importance", "AUC alone"), cells)
    return Section("Which observables drive the score", text, drawn, [table])


def _power(auc: Any) -> str:
    """How well an observable separates, whichever way it points."""
    value = auc.get("value") if isinstance(auc, dict) else auc
    return NONE if value is None else f"{max(value, 1 - value):.3f}"


STUDY = Study(
    "Jet tagging: {signal} or {background}?",
    "The jets of both classes look almost alike: particles differ in number, energy and spread, "
    "from jet to jet as much as from class to class. Models learn to tell {signal} from "
    "{background} jets by the hits in {channels}.",
    "Ours is compared with the published baseline and its peers on the same jets.",
    ("auc", "rejection_50", "jets_per_s", "ece"),
    _parts,
)
