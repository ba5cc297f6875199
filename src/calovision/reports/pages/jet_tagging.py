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

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from calovision.errors import InputError
from calovision.metrics.sculpting import threshold
from calovision.reports.html import Section
from calovision.reports.pages import classification
from calovision.reports.pages.common import Study, curves, metric_groups, observable, upper
from calovision.reports.plots import general as figures
from calovision.reports.plots import tagging as drawings
from calovision.reports.sources import ORIGINAL, OURS, Source
from calovision.reports.tables import BASELINE, NONE, Cell, Table, with_error
from calovision.reports.view import frame

EXAMPLES_SHOWN = 12  #: jets drawn
DESCRIPTIONS = {
    "particle-transformer": "Ours. A transformer on the hardest hits: every one looks at every "
    "other, told their distance and energies (after arXiv:2202.03772); beside it a convolutional "
    "network on all hits in towers.",
    "baseline": "The published starting point: GraphSAGE (arXiv:1706.02216) on lit pixels, each "
    "joined to the ten with the most similar channel values. It knows no positions.",
    "baseline-k4": "The baseline with four neighbours.",
    "baseline-k2": "The baseline with two neighbours.",
    "graphsage-xy": "The baseline's network told where the pixels are, with neighbours in space: "
    "what the missing geometry cost.",
    "particlenet": "EdgeConv on a cloud of hits, neighbours found anew in every layer "
    "(arXiv:1902.08570).",
    "particlenet-lite": "The small version of ParticleNet.",
    "resnet15": "A residual network of 15 layers on the dense images (after arXiv:1902.08276).",
    "trees": "Boosted decision trees on jet observables such as multiplicity, girth and pTD: no "
    "network at all.",
}
#: test accuracies published for CMS Open Data jets, which ours are not
PUBLISHED = {"baseline": 0.7138, "baseline-k4": 0.7121, "baseline-k2": 0.7198}
WORDS = ("auc", "accuracy", "rejection_30", "rejection_50", "ece", "jets_per_s")


def sections(source: Source) -> list[Section]:
    """All parts that the source has material for."""
    explanation = source.content("explanation.json", observables=("name", "spearman", "importance"))
    robustness = source.content(
        "robustness.json",
        rows=("condition", "model", "auc"),
        pt_bins=("model", "lo", "hi", "auc"),
        sculpting=("model", "value", "error"),
    )
    parts = [
        classification.quality(source, "quark jets (signal) from gluon jets (background)"),
        classification.roc(source, _ROC),
        classification.scores_and_calibration(source),
        _examples(source),
        classification.cost(source, DESCRIPTIONS),
        classification.protocol(source, PUBLISHED, _PROTOCOL),
        classification.scaling(source),
        _conditions(robustness.get("rows", [])),
        _momentum(robustness.get("pt_bins", [])),
        _sculpting(source, robustness.get("sculpting", [])),
        _occlusion(explanation.get("occlusion")),
        _observables(explanation),
        curves(source),
        *(s for s in metric_groups(source) if s.title == "Other numbers"),
        _words(source, robustness, explanation),
    ]
    return [p for p in parts if p is not None]


_ROC = (
    "Every cut on the score keeps some of the quark jets (efficiency) and throws away most of the "
    "gluon jets: of so many gluon jets one is kept (rejection). A curve shows all cuts of a model."
)
_PROTOCOL = (
    "The published networks were trained on 8,000 jets. Here every model is trained on as few, so "
    "that only the method differs. The last column is what was published on jets of the CMS Open "
    "Data, which are not the simulated jets of this study: compare it with care."
)


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
        f"Test jets with their true class and the probability of a quark jet given by {ours}; ✓ "
        "right, ✗ wrong at a cut of 0.5. Tracks are orange, ECAL blue and HCAL purple; brightness "
        "is the logarithm of the energy, for each layer of each jet from its faintest to its "
        "brightest pixel."
    )
    columns = {**original.columns, "probability": np.array(scores, np.float32)}
    widget = frame("Test jets, one by one", {"jet": replace(original, columns=columns)})
    drawn = [(figure, "Test jets and their scores.")]
    return Section("Example jets", text, drawn, paired=False, widget=widget)


def _conditions(rows: list[dict[str, Any]]) -> Section | None:
    if not rows:
        return None
    conditions = list(dict.fromkeys(str(r["condition"]) for r in rows))
    models = list(dict.fromkeys(str(r["model"]) for r in rows))
    shown: dict[str, Callable[[dict[str, Any]], str]] = {
        "AUC": lambda r: classification.measured(r["auc"]),
        "change of the AUC": lambda r: _change(r.get("change")),
        "out of domain": lambda r: _percent(r.get("flagged")),
    }
    tables = []
    for title, cell in shown.items():
        cells = {(str(r["condition"]), str(r["model"])): cell(r) for r in rows}
        tables.append(classification.pivot(title, conditions, models, cells))
    text = (
        "A detector is never quite as simulated. The same trained models score jets under other "
        "conditions; the change is taken against nominal jets. A model should either keep its "
        "quality or report the jets as out of domain: silently scoring jets it cannot know is the "
        "failure to look for."
    )
    caption = "Change of the AUC, and share of jets reported as out of domain."
    drawn = [(drawings.condition_bars(rows), caption)]
    return Section("Other detectors, other jets", text, drawn, tables, paired=False)


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"


def _change(entry: dict[str, Any] | None) -> str:
    """A difference with its sign."""
    if not entry or entry.get("value") is None:
        return NONE
    shown = with_error(entry["value"], entry.get("error"))
    return f"+{shown}" if entry["value"] > 0 else shown


def _momentum(rows: list[dict[str, Any]]) -> Section | None:
    if not rows:
        return None
    text = (
        "Harder jets have more particles, which makes quark and gluon jets easier to tell apart; "
        "a model that has seen few of them may still do worse there."
    )
    figure = drawings.auc_against(rows, label="jet pT", unit="GeV")
    caption = "AUC among jets of like transverse momentum; horizontal bars are the bins."
    return Section("Quality against momentum", text, [(figure, caption)], paired=False)


def _sculpting(source: Source, rows: list[dict[str, Any]]) -> Section | None:
    scores, columns = classification.scores_of(source)
    drawn = []
    if scores and "m0" in columns:
        label, mass = columns["label"], np.asarray(columns["m0"])
        samples = {"all gluon jets": mass[label == 0]}
        shown = [m for m in (OURS, BASELINE) if m in scores] or list(scores)[:1]
        for model in shown:
            passes = scores[model] >= threshold(scores[model], label)
            samples[model] = mass[passes & (label == 0)]
        figure = figures.distribution(
            samples, label="jet mass m0", unit="GeV", headroom=2.4, ratios=(0, 3)
        )
        caption = "Mass of gluon jets: all of them (shaded), and those left by a cut that keeps "
        drawn = [(figure, caption + "half of the quark jets. Below: ratio to all.")]
    cells = tuple(
        (
            Cell(row["model"]),
            Cell(with_error(row["value"], row["error"])),
            Cell(NONE if row.get("floor") is None else f"{row['floor']:.3f}"),
        )
        for row in rows
    )
    header = ("model", "divergence [bit] ↓", "cut at random")
    if not drawn and not rows:
        return None
    text = (
        "Gluon jets are heavier than quark jets, so every good tagger prefers light jets. How "
        "much it bends the mass spectrum of the gluon jets it lets through matters to a search "
        "for a bump in that spectrum."
    )
    return Section(
        "Mass sculpting", text, drawn, [Table(header, cells)] if rows else [], paired=False
    )


def _occlusion(found: dict[str, Any] | None) -> Section | None:
    if not found:
        return None
    try:
        signed = np.array(found["signed"], float) if found.get("signed") else None
        change = np.array(found["change"], float)
        figure = drawings.occlusion_map(found["channels"], found["edges"], change, signed)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            "explanation.json has no readable occlusion map", "run the study again"
        ) from error
    text = (
        "Hits of one layer and one ring around the centre of the window (the hottest tower) are "
        "taken away, and the jet is scored again. Above: how much the score moves, whichever way "
        "(in units of the logit). Below: what the hits contributed, the score with them minus the "
        "score without; blue hits speak for a quark, red ones for a gluon."
    )
    caption = "Change of the score without the hits of a layer (row) and ring (column)."
    return Section("Which hits drive the score", text, [(figure, caption)], paired=False)


def _observables(explanation: dict[str, Any]) -> Section | None:
    rows = explanation.get("observables", [])
    if not rows:
        return None
    names = {row["name"]: upper(observable(row["name"])[0]) for row in rows}
    ranked = sorted(rows, key=lambda r: r["importance"], reverse=True)[: drawings.LEADING]
    cells = tuple(
        (
            Cell(names[row["name"]]),
            Cell(classification.measured(row["spearman"])),
            Cell(f"{row['importance']:.3f}"),
            Cell(_power(row.get("auc"))),
        )
        for row in ranked
    )
    header = ("observable", "correlation", "importance", "AUC alone")
    r2 = explanation.get("r2", {})
    text = (
        "Observables that physicists use for quark and gluon jets, ranked by how much a "
        "prediction of the score by boosted trees rests on them."
    )
    if r2.get("value") is not None:
        text += (
            f" Together they explain a share R² = {classification.measured(r2)} of the score's "
            "scatter; the rest the model has found beside them."
        )
    caption = "Left: blue means that larger values look more like a quark jet. Right: importance."
    figure = drawings.observable_ranking(rows, names)
    title = "Which observables drive the score"
    return Section(title, text, [(figure, caption)], [Table(header, cells)], paired=False)


def _power(auc: Any) -> str:
    """How well an observable separates, whichever way it points."""
    value = auc.get("value") if isinstance(auc, dict) else auc
    return NONE if value is None else f"{max(value, 1 - value):.3f}"


def _words(source: Source, robustness: dict[str, Any], explanation: dict[str, Any]) -> Section:
    """The words that this page uses."""
    available = {k for r in source.models.values() for k in r["metrics"]}
    keys = [k for k in WORDS if k in available]
    keys += ["out_of_distribution"] if robustness.get("rows") else []
    keys += ["sculpting"] if robustness.get("sculpting") else []
    keys += ["occlusion"] if explanation.get("occlusion") else []
    keys += ["spearman", "r2", "importance"] if explanation.get("observables") else []
    return classification.words(keys)


STUDY = Study(
    "Jet tagging: quark or gluon?",
    "Jets started by a quark and by a gluon look almost alike: the gluon's has somewhat more "
    "particles, spread somewhat wider. Models learn to tell them apart from the hits in tracker, "
    "ECAL and HCAL.",
    "Ours is compared with the published baseline and its peers on the same jets.",
    ("auc", "rejection_50", "jets_per_s", "ece"),
    sections,
)
