"""Figures about the scores of classifiers: ROC curves, distributions, calibration, AUC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from calovision.metrics.classification import ECE_BINS, EFFICIENCIES, check
from calovision.reports.event_kinds import EventKind
from calovision.reports.plots.style import (
    NARROW,
    OF_CLASS,
    Look,
    canvas,
    legend_above,
    looks,
    name_rows,
    points,
    styled,
)
from calovision.reports.tables import BASELINE

Scores = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
GRID = np.linspace(0.02, 1, 197)  #: signal efficiencies of a ROC curve
MIN_PASSING = 10  #: background events left; with fewer a rejection is known to a third at best
MIN_IN_BIN = 30  #: events of a bin of the reliability diagram
SCORE_BINS = 40


@styled
def roc_curves(
    scores: Scores,
    labels: NDArray[Any],
    kind: EventKind,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Background rejection against signal efficiency, with the ratio to the baseline below.

    Args:
        scores: model to ``(n,)`` scores, larger for class 1.
        labels: ``(n,)`` 0 or 1.
        kind: of the events.
        notes: model to what its legend says, such as its AUC.
    """
    background, signal = kind.geometry.classes
    look = looks(list(scores))
    curves = {name: _rejection(score, labels) for name, score in scores.items()}
    compared = BASELINE in curves and len(curves) > 1
    figure = canvas(6.2 if compared else 4.6, NARROW)
    heights = (3, 1)[: 1 + compared]
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
        :, 0
    ]
    top = panels[0]
    for name, curve in curves.items():
        _line(top, GRID, curve, look[name], _noted(name, notes))
        if compared:
            _line(panels[1], GRID, curve / curves[BASELINE], look[name])
    top.plot(GRID, 1 / GRID, color="gray", linewidth=1, linestyle=":", label="guessing")
    highest = max(float(np.nanmax(c)) for c in curves.values())
    top.set_yscale("log")
    top.set_ylim(1, 2 * highest)
    top.set_ylabel(f"{background} rejection  1/$ε_{{{background}}}$")
    top.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    top.legend(fontsize=9, loc="upper right")
    for ax in panels:
        for efficiency in EFFICIENCIES:
            ax.axvline(efficiency, color="gray", linewidth=0.8, alpha=0.6)
    if compared:
        ratios = np.concatenate(
            [c[GRID > 0.15] / curves[BASELINE][GRID > 0.15] for c in curves.values()]
        )
        low, high = np.nanmin(ratios), np.nanmax(ratios)
        panels[1].set_ylim(low - 0.1 * (high - low) - 0.02, high + 0.1 * (high - low) + 0.02)
        panels[1].set_ylabel("ratio to\nbaseline", loc="center")
    panels[-1].set_xlabel(f"{signal} efficiency  $ε_{{{signal}}}$")
    panels[-1].set_xlim(0, 1)
    return figure


def _rejection(scores: NDArray[Any], labels: NDArray[Any]) -> Floats:
    """Background rejection on the grid of efficiencies, NaN where hardly any background passes."""
    score, label = check(scores, labels)
    signal = np.sort(score[label == 1])[::-1]
    cuts = signal[np.ceil(GRID * len(signal) * (1 - 1e-12)).astype(int) - 1]
    background = np.sort(score[label == 0])
    passing = len(background) - np.searchsorted(background, cuts, side="left")
    return np.where(passing >= MIN_PASSING, len(background) / np.maximum(passing, 1), np.nan)


def _noted(name: str, notes: Mapping[str, str] | None) -> str:
    """What the legend says about a model."""
    return f"{name}: {notes[name]}" if notes and name in notes else name


def _line(ax: Axes, x: Floats, y: Floats, look: Look, label: str | None = None) -> None:
    ax.plot(x, y, color=look.colour, linestyle=look.line, linewidth=1.6, label=label)


@styled
def score_distributions(scores: Scores, labels: NDArray[Any], kind: EventKind) -> Figure:
    """Distribution of the score for each class, one panel per model.

    Args:
        scores: model to ``(n,)`` probabilities of class 1.
        labels: ``(n,)`` 0 or 1.
        kind: of the events.
    """
    columns = min(2, len(scores))
    rows = -(-len(scores) // columns)
    figure = canvas(1.9 * rows + 0.9, NARROW)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    for ax, (name, score) in zip(axes, scores.items(), strict=False):
        for value in range(2):
            mine = np.asarray(score)[labels == value]
            height = np.histogram(mine, edges)[0] / max(len(mine), 1) * SCORE_BINS
            ax.stairs(height, edges, fill=True, color=OF_CLASS[value], alpha=0.25)
            ax.stairs(height, edges, color=OF_CLASS[value], label=kind.of(value))
        ax.set_title(name, loc="left", fontsize=11)
        ax.set_ylim(0, None)
        ax.set_xlim(0, 1)
    for ax in axes[len(scores) :]:
        ax.remove()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    figure.supxlabel(f"score: probability of {kind.geometry.classes[1]}", fontsize=12)
    figure.supylabel("density", fontsize=12)
    return figure


@styled
def reliability(
    scores: Scores,
    labels: NDArray[Any],
    kind: EventKind,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """Fraction of class 1 against the stated probability, and below how far it is off.

    Args:
        scores: model to ``(n,)`` probabilities of class 1.
        labels: ``(n,)`` 0 or 1.
        kind: of the events.
        notes: model to what its legend says, such as its calibration error.
    """
    look = looks(list(scores))
    figure = canvas(6.4, NARROW)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for name, score in scores.items():
        stated, found, error = _calibration(np.asarray(score, np.float64), labels)
        style = {"color": look[name].colour, "linestyle": look[name].line, "linewidth": 1.3}
        marked = {**style, "marker": look[name].marker, "markersize": 4}
        top.plot(stated, found, label=_noted(name, notes), **marked)
        bottom.errorbar(stated, found - stated, error, elinewidth=0.9, **marked)
    top.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle=":", label="perfect")
    bottom.axhline(0, color="gray", linewidth=1, linestyle=":")
    top.set_ylim(0, 1)
    top.set_ylabel(f"true fraction of {kind.of(1)}")
    top.legend(fontsize=9, loc="upper left")
    reach = 1.05 * float(np.max(np.abs(bottom.get_ylim())))
    bottom.set_ylim(-reach, reach)
    bottom.set_ylabel("true - stated")
    bottom.set_xlabel(f"stated probability of {kind.geometry.classes[1]}")
    bottom.set_xlim(0, 1)
    return figure


def _calibration(score: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Mean score, fraction of class 1 and its binomial error, in the bins of the ECE."""
    index = np.minimum((score * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    count = np.bincount(index, minlength=ECE_BINS)
    kept = count >= min(MIN_IN_BIN, count.max())
    count = count[kept]
    stated = np.bincount(index, score, ECE_BINS)[kept] / count
    found = np.bincount(index, labels, ECE_BINS)[kept] / count
    return stated, found, np.sqrt(found * (1 - found) / count)


@styled
def auc_by_model(
    models: Mapping[str, Mapping[str, Any]],
    protocol: Mapping[str, Mapping[str, Any]] | None = None,
) -> Figure:
    """AUC of every model with its error; every seed as a small ring.

    Args:
        models: name shown to results.json content; ``seeds`` holds the AUC of every seed.
        protocol: the same models trained as published.
    """
    order = sorted(models, key=lambda m: -_auc(models[m])[0])
    look = looks(list(models))
    figure = canvas(0.42 * len(order) + 1.2, NARROW)
    ax = figure.subplots()
    ring: dict[str, Any] = {"s": 16, "facecolors": "none", "linewidths": 1}
    for y, name in enumerate(order):
        value, error = _auc(models[name])
        colour = look[name].colour
        ax.errorbar(value, y, xerr=error, fmt="o", color=colour, markersize=7, capsize=3)
        seeds = models[name].get("seeds", {}).get("auc", [])
        ax.scatter(seeds, [y + 0.22] * len(seeds), edgecolors=colour, **ring)
        if protocol and name in protocol:
            value, error = _auc(protocol[name])
            style: dict[str, Any] = {"color": "gray", "markersize": 4, "linewidth": 1}
            ax.errorbar(value, y - 0.22, xerr=error, fmt="s", **style)
    ax.plot([], [], "o", color="black", label="AUC and error")
    if any(m.get("seeds", {}).get("auc") for m in models.values()):
        ax.scatter([], [], edgecolors="black", label="single seeds", **ring)
    if protocol:
        ax.plot([], [], "s", color="gray", markersize=4, label="published protocol")
    name_rows(ax, order)
    ax.set_xlabel("area under the ROC curve (AUC)")
    legend_above(figure, 3)
    return figure


def _auc(result: Mapping[str, Any]) -> tuple[float, float]:
    """AUC and its error, NaN where unknown."""
    metric = result["metrics"].get("auc", {})
    value, error = metric.get("value"), metric.get("error")
    return (np.nan if value is None else value), (error or 0.0)


@styled
def scaling_curves(rows: Sequence[Mapping[str, Any]], many: str = "jets") -> Figure:
    """AUC against the number of training jets.

    Args:
        rows: each with ``model``, ``jets`` and ``auc`` (value and error).
        many: what the events are called.
    """
    figure = canvas(4.2, NARROW)
    ax = figure.subplots()
    for name, look in looks(list(dict.fromkeys(r["model"] for r in rows))).items():
        mine = sorted((r for r in rows if r["model"] == name), key=lambda r: r["jets"])
        aucs = [r["auc"] for r in mine]
        jets, values = [r["jets"] for r in mine], [auc["value"] for auc in aucs]
        ax.plot(jets, values, look.line, color=look.colour, linewidth=1.2)
        points(ax, jets, values, look, name, y_error=[auc.get("error") or 0 for auc in aucs])
    ax.set_xscale("log")
    sizes = sorted({r["jets"] for r in rows})
    ax.set_xticks(sizes, [f"{n / 1000:g}k" if n >= 1000 else f"{n}" for n in sizes])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="y", alpha=0.3)
    ax.set_xlabel(f"training {many}")
    ax.set_ylabel("AUC")
    ax.legend()
    return figure


@styled
def judge_curves(opinions: Sequence[tuple[str, Mapping[str, Any]]]) -> Figure:
    """AUC of judges against the number of events that they learned from, beside that on truth.

    Args:
        opinions: names of judges, and of each its ``curve``, with ``events`` and ``auc`` (value
            and error) of every point, and the ``auc`` of ``truth``.
    """
    figure = canvas(4.2, NARROW)
    ax = figure.subplots()
    names = [name for name, _ in opinions]
    for (name, opinion), look in zip(opinions, looks(names).values(), strict=True):
        curve = opinion["curve"]
        seen = [p["events"] for p in curve]
        auc, error = ([p["auc"][key] for p in curve] for key in ("value", "error"))
        ax.plot(seen, auc, "-", color=look.colour, linewidth=1.2)
        points(ax, seen, auc, look, name, y_error=error, size=5)
        ax.axhline(opinion["truth"]["auc"]["value"], color=look.colour, ls="--", linewidth=1)
    ax.axhline(0.5, color="gray", linewidth=1, linestyle=":")
    ax.set_xscale("log")
    sizes = sorted({p["events"] for _, o in opinions for p in o["curve"]})
    ticks = [n for k, n in enumerate(sizes) if k == 0 or n > 1.5 * sizes[k - 1]]
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="y", alpha=0.3)
    ax.set_xlabel("training events")
    ax.set_ylabel("AUC")
    ax.legend(fontsize=9)
    return figure
